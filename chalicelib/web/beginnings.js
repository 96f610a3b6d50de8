/** Long work that people begin: what would come of it first, then the work. */

import { isAborted, lakePath } from "./api.js";
import { html } from "./markup.js";
import { Counts, JobState } from "./progress.js";
import { useEffect, useRef, useState } from "./vendor/hooks.js";
import { told } from "./words.js";

/** `onBegun` hears that there is another job. */
export function Beginnings({ api, lake, onBegun }) {
  const [open, setOpen] = useState(null);
  const shared = { api, lake, onBegun, onClose: () => setOpen(null) };
  const mayList = lake.capabilities.includes("import");
  return html`
    <div class="offers" role="group" aria-label="Begin">
      ${mayList && html`<${Opener} name="sync" open=${open} onOpen=${setOpen}>Compare with the bucket …<//>`}
      ${mayList && html`<${Opener} name="import" open=${open} onOpen=${setOpen}>Import from the bucket …<//>`}
      <${Opener} name="export" open=${open} onOpen=${setOpen}>Export the index …<//>
    </div>
    ${open === "sync" && html`<${Sync} ...${shared} />`}
    ${open === "import" && html`<${BucketImport} ...${shared} />`}
    ${open === "export" && html`<${Export} ...${shared} />`}
  `;
}

function Opener({ name, open, onOpen, children }) {
  return html`<button aria-expanded=${open === name ? "true" : "false"} onClick=${() => onOpen(open === name ? null : name)}>${children}</button>`;
}

function Sync({ lake, ...shared }) {
  const body = (given) => ({ force: given.has("force"), thumbnails: given.has("thumbnails") });
  return html`
    <${Trial} label="Compare with the bucket" path=${lakePath(lake.id, "sync")} body=${body} action="Look at what differs" ...${shared}>
      <p class="muted">What is new, changed or gone in the bucket is looked at again. Nothing that is there is lost.</p>
      <label class="choice"><input type="checkbox" name="thumbnails" /> Also look for the file of each thumbnail, which costs a request each</label>
      <label class="choice"><input type="checkbox" name="force" /> Also where a great part of all objects is gone</label>
    <//>
  `;
}

function BucketImport({ lake, ...shared }) {
  const body = (given) => ({
    prefixes: listed(given.get("prefixes"), "\n", lake.prefix),
    tags: listed(given.get("tags"), ","),
    source: given.get("source").trim() || null,
  });
  return html`
    <${Trial} label="Import from the bucket" path=${lakePath(lake.id, "imports", "bucket")} body=${body} action="Import these" ...${shared}>
      <label class="wide">Prefixes, each in a line of its own<textarea name="prefixes" rows="3" placeholder=${`${lake.prefix}2026/`} autofocus></textarea></label>
      <label>Tags, with commas between <input name="tags" placeholder="car, night" /></label>
      <label>Source <input name="source" placeholder="camera-one" maxlength="128" /></label>
    <//>
  `;
}

/** Without one it is `empty`, if that is given. */
function listed(text, mark, empty) {
  const found = [...new Set(text.split(mark).map((each) => (mark === "," ? each.trim() : each.replace(/\r$/, ""))).filter(Boolean))];
  return found.length || empty === undefined ? found : [empty];
}

/** A job that is tried, which changes nothing, and then done. What is said otherwise has to be tried again. */
function Trial({ api, label, path, body, action, onBegun, onClose, children }) {
  const [tried, setTried] = useState(null);
  const [failure, setFailure] = useState(null);
  const [busy, setBusy] = useState(false);
  const form = useRef(null);
  const stop = useRef(new AbortController());
  useEffect(() => () => stop.current.abort(), []);
  const begin = async (dry) => {
    const { signal } = stop.current;
    setBusy(true);
    setFailure(null);
    try {
      const asked = { ...body(new FormData(form.current)), dry_run: dry };
      const { job } = await api.post(path, asked, { signal, once: true });
      onBegun();
      if (!dry) return onClose();
      setTried(await api.follow(job, setTried, signal));
      onBegun();
    } catch (error) {
      if (isAborted(error)) return undefined;
      setFailure(told(error));
    }
    setBusy(false);
    return undefined;
  };
  const submit = (event) => {
    event.preventDefault();
    begin(true);
  };
  const forget = () => {
    stop.current.abort();
    stop.current = new AbortController();
    setTried(null);
    setBusy(false);
  };
  const may = tried?.state === "succeeded";
  return html`
    <form ref=${form} class="panel form" aria-label=${label} onSubmit=${submit} onInput=${forget}>
      <h2>${label}</h2>
      ${children}
      <p class="mistake" role="alert">${failure}</p>
      ${tried && html`<div class="wide" role="status"><p>What would happen: <${JobState} job=${tried} /></p><${Counts} job=${tried} />${tried.error && html`<p class="remark bad">${tried.error}</p>`}</div>`}
      <div class="offers">
        <button class=${may ? "" : "primary"} disabled=${busy}>Try it: nothing is changed</button>
        ${may && html`<button type="button" class="primary" disabled=${busy} onClick=${() => begin(false)}>${action}</button>`}
        <button type="button" class="quiet" onClick=${onClose}>Close</button>
      </div>
    </form>
  `;
}

function Export({ api, lake, onBegun, onClose }) {
  const [failure, setFailure] = useState(null);
  const [busy, setBusy] = useState(false);
  const submit = async (event) => {
    event.preventDefault();
    const format = new FormData(event.currentTarget).get("format");
    setBusy(true);
    setFailure(null);
    try {
      await api.post(lakePath(lake.id, "exports"), { format }, { once: true });
      onBegun();
      onClose();
    } catch (error) {
      setFailure(told(error));
      setBusy(false);
    }
  };
  return html`
    <form class="panel form" aria-label="Export the index" onSubmit=${submit}>
      <h2>Export the index</h2>
      <p class="muted">All that is known of each item, as files to download. The bytes are not in them.</p>
      <label>Format
        <select name="format"><option value="jsonl">JSON lines, compressed</option><option value="parquet">Parquet</option></select>
      </label>
      <p class="mistake" role="alert">${failure}</p>
      <div class="offers">
        <button class="primary" disabled=${busy}>Export</button>
        <button type="button" class="quiet" onClick=${onClose}>Close</button>
      </div>
    </form>
  `;
}
