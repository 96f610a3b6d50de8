/** Mounts the gallery: who is signed in, which lake, which view. */

import { Api } from "./api.js";
import Browse from "./browse.js";
import Connectors from "./connectors.js";
import Imports from "./imports.js";
import Jobs from "./jobs.js";
import { LakeSwitch, findLake, firstLake, useLakes } from "./lakes.js";
import { html } from "./markup.js";
import { Notices, useNotices } from "./notices.js";
import { useStrays } from "./picking.js";
import { EVERYTHING, go, readRoute, useRoute, writeRoute } from "./routing.js";
import { uploadsOf } from "./sending.js";
import { dropKey, keepKey, readKey } from "./session.js";
import { Mark, SignIn } from "./signin.js";
import Uploads from "./uploads.js";
import { useCallback, useEffect, useMemo, useState } from "./vendor/hooks.js";
import { render } from "./vendor/preact.js";
import { sentence } from "./words.js";

/** Each view is a component that takes {api, lake, lakes, caller, say, route, onReady}; `role` is who may use it. The
 * one that is first shown says when it has what it needs most. */
const VIEWS = [
  { name: "", title: "Browse", View: Browse },
  { name: "upload", title: "Upload", View: Uploads, role: "editor" },
  { name: "import", title: "Import", View: Imports, role: "editor" },
  { name: "jobs", title: "Jobs", View: Jobs },
  { name: "connectors", title: "Connectors", View: Connectors, role: "admin" },
];

const RANK = { viewer: 0, editor: 1, admin: 2 };

function App() {
  const route = useRoute();
  const [key, setKey] = useState(readKey);
  const [reason, setReason] = useState(null);
  const [trouble, setTrouble] = useState(null);
  const { notices, say, drop } = useNotices();
  const leave = (why) => {
    dropKey();
    setKey(null);
    setTrouble(null);
    setReason(why);
  };
  const api = useMemo(
    () => key && new Api(key, { onRefused: () => leave(REFUSED), onTrouble: setTrouble }),
    [key],
  );
  // Nothing goes on with the key of one who has left.
  useEffect(() => () => api && uploadsOf(api).leave(), [api]);
  const [failure, setFailure] = useState(null);
  const lakes = useLakes(api, setFailure);
  const [ready, setReady] = useState(false);
  const onReady = useCallback(() => setReady(true), []);
  const { caller, unknown } = useCaller(api, ready || (lakes !== null && route.view !== ""));
  const lake = route.lake ? findLake(lakes, route.lake) : firstLake(lakes);

  useEffect(() => {
    // The address may be another one already, of which nobody has told yet.
    if (lake && !route.lake && !readRoute(location.hash).lake) go({ ...route, lake: lake.name }, { replace: true });
  }, [lake, route.lake]);
  const mayUpload = RANK[caller?.role] >= RANK.editor;
  const takeStrays = useCallback(
    (chosen) => {
      if (!lake || !mayUpload || !chosen.length) return;
      uploadsOf(api).choose(chosen);
      go({ lake: lake.name, view: "upload" });
    },
    [api, lake, mayUpload],
  );
  useStrays(takeStrays);
  useEffect(() => {
    document.title = lake ? `${lake.name} · Tidelake` : "Tidelake";
  }, [lake?.name]);

  if (!key) {
    return html`<${SignIn} reason=${reason} onKey=${(given) => {
      keepKey(given);
      setReason(null);
      setFailure(null);
      setKey(given);
    }} />`;
  }
  const views = VIEWS.filter((view) => !view.role || RANK[caller?.role] >= RANK[view.role]);
  const shown = VIEWS.find((view) => view.name === route.view) ?? VIEWS[0];
  const { View } = shown;
  const may = views.includes(shown);
  return html`
    <a class="skip" href="#main" onClick=${skip}>To the content</a>
    <header class="bar">
      <span class="brand"><${Mark} /> <span>Tidelake</span></span>
      ${lake && html`<${LakeSwitch} lakes=${lakes} lake=${lake} onSwitch=${(name) => go({ ...route, lake: name, item: null, asked: EVERYTHING })} />`}
      ${lake &&
      html`<nav aria-label="Views">
        ${views.map(
          (view) => html`
            <a key=${view.name} href=${writeRoute({ lake: lake.name, view: view.name })}
              aria-current=${view.name === shown.name ? "page" : null}>${view.title}</a>
          `,
        )}
      </nav>`}
      <span class="who">
        ${caller && html`<span class="muted">${caller.organization} · ${caller.role}</span>`}
        <button class="quiet" onClick=${() => leave(null)}>Sign out</button>
      </span>
    </header>
    ${trouble && html`<p class="trouble" role="status">${sentence(trouble.message)} Trying again …</p>`}
    ${lake && !may && html`<main id="main" class="page">${notShown(shown, caller, unknown)}</main>`}
    ${lake && may && html`<${View} key=${lake.id} ...${{ api, lake, lakes, caller, say, route, onReady }} />`}
    ${!lake && html`<main id="main" class="page">${nothingOf(lakes, route, failure)}</main>`}
    <${Notices} notices=${notices} onDrop=${drop} />
  `;
}

const REFUSED = "The key is not, or no longer, accepted. Sign in with another one.";

/** Who the key belongs to, asked once nothing more urgent is. */
function useCaller(api, ready) {
  const [found, setFound] = useState({ caller: null, unknown: null });
  useEffect(() => {
    const stop = new AbortController();
    const show = (more) => stop.signal.aborted || setFound({ caller: null, unknown: null, ...more });
    show({});
    if (api && ready) api.get("caller", {}, { signal: stop.signal }).then((caller) => show({ caller }), (unknown) => show({ unknown }));
    return () => stop.abort();
  }, [api, ready]);
  return found;
}

/** Where an address leads to what the key may not, or not yet, be known to do. */
function notShown(view, caller, unknown) {
  if (!caller && !unknown) return html`<p class="muted" role="status">Loading …</p>`;
  return html`<div class="empty" role="alert">
    <h1>${view.title} cannot be shown</h1>
    <p>${caller ? `It takes a key with the role ${view.role}; this one has the role ${caller.role}.` : sentence(unknown.message)}</p>
  </div>`;
}

function nothingOf(lakes, route, failure) {
  if (failure) {
    return html`<div class="empty" role="alert">
      <h1>The datalakes cannot be shown</h1>
      <p>${sentence(failure.message)}</p>
      <button onClick=${() => location.reload()}>Try again</button>
    </div>`;
  }
  if (!lakes) return html`<p class="muted" role="status">Loading …</p>`;
  if (!lakes.length) return html`<div class="empty"><h1>There is no datalake yet</h1></div>`;
  return html`<div class="empty">
    <h1>There is no datalake “${route.lake}”</h1>
    <p>${lakes.map((lake) => html`<a key=${lake.id} href=${writeRoute({ lake: lake.name })}>${lake.name}</a> `)}</p>
  </div>`;
}

function skip(event) {
  event.preventDefault();
  document.getElementById("main")?.focus();
}

render(html`<${App} />`, document.getElementById("app"));
