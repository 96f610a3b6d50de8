/** How buckets are reached: what their owners have to grant, whether that works, and datalakes on them. */

import { newKey } from "./api.js";
import { html } from "./markup.js";
import { go } from "./routing.js";
import { useEffect, useState } from "./vendor/hooks.js";
import { moment, sentence, told } from "./words.js";

const KINDS = { stack: "The stack's own bucket", role: "By a role", keys: "By access keys" };
const STATES = { pending: "To be checked", active: "Works", degraded: "Works in part", broken: "Does not work" };
const PERMISSIONS = {
  can_list: "List objects",
  can_read: "Read objects",
  can_write: "Write objects",
  can_overwrite: "Overwrite objects",
  can_delete: "Delete objects",
  can_notify: "Be told of changes",
};
const SCANS = [
  ["scan", "Record what is there already"],
  ["none", "Only what changes from now on"],
];
const LOOKS = [
  ["eager", "At once: sizes, EXIF and thumbnails"],
  ["lazy", "When somebody looks at them first"],
  ["off", "Never: names and sizes in bytes only"],
];

export default function Connectors({ api, say }) {
  const [connectors, setConnectors] = useState(null);
  const [failure, setFailure] = useState(null);
  const [making, setMaking] = useState(false);
  const look = () => api.get("connectors").then((found) => setConnectors(found.items), setFailure);
  useEffect(() => {
    look();
  }, [api]);
  const made = (connector) => {
    setMaking(false);
    setConnectors((before) => [...before, connector]);
    say(`The connector ${connector.name} is made. Grant what it says, then check it.`, { tone: "good" });
  };
  return html`
    <main id="main" class="page work" tabindex="-1">
      <h1>Connectors</h1>
      <p class="muted">A connector says how a bucket is reached. Datalakes are views of a connector's bucket.</p>
      ${failure && html`<p class="remark bad" role="alert">${told(failure)}</p>`}
      <ul class="cards" aria-label="Connectors">
        ${connectors?.map((connector) => html`<li key=${connector.id} class="panel"><${Connector} ...${{ api, say, connector, onChange: look }} /></li>`)}
      </ul>
      ${making ? html`<${NewConnector} api=${api} onMade=${made} onCancel=${() => setMaking(false)} />` : html`<button class="primary" disabled=${!connectors} onClick=${() => setMaking(true)}>Connect a bucket</button>`}
    </main>
  `;
}

function Connector({ api, say, connector, onChange }) {
  const [findings, setFindings] = useState(null);
  const [busy, setBusy] = useState(false);
  const [lake, setLake] = useState(false);
  const check = async () => {
    setBusy(true);
    try {
      setFindings(await api.post(`connectors/${encodeURIComponent(connector.id)}/check`));
      onChange();
    } catch (error) {
      say(told(error), { tone: "bad" });
    }
    setBusy(false);
  };
  const isOwn = connector.kind === "stack";
  const serves = connector.state === "active" || connector.state === "degraded";
  return html`
    <h2>${connector.name} <span class="stage" data-state=${connector.state}>${STATES[connector.state]}</span></h2>
    <dl class="particulars">
      <div><dt>Bucket</dt><dd>${connector.bucket}</dd></div>
      <div><dt>Region</dt><dd>${connector.region}</dd></div>
      <div><dt>Reached</dt><dd>${KINDS[connector.kind]}</dd></div>
      ${connector.endpoint_url && html`<div><dt>Endpoint</dt><dd>${connector.endpoint_url}</dd></div>`}
      ${connector.role_arn && html`<div><dt>Role</dt><dd>${connector.role_arn}</dd></div>`}
      <div><dt>Deleting objects</dt><dd>${connector.allow_delete ? "allowed" : "not allowed"}</dd></div>
      ${connector.checked_at && html`<div><dt>Checked</dt><dd>${moment(connector.checked_at)}</dd></div>`}
    </dl>
    ${connector.state_reason && !findings && html`<p class="remark warn">${sentence(connector.state_reason)}</p>`}
    ${findings && html`<${Findings} findings=${findings} connector=${connector} />`}
    ${!isOwn &&
    html`
      <details open=${connector.state === "pending"}>
        <summary>What to grant</summary>
        ${connector.trust_policy && html`<${Document} title="Trust policy of the role" value=${connector.trust_policy} say=${say} />`}
        <${Document} title=${connector.role_arn ? "Policy of the role" : "Policy of the keys' user"} value=${connector.policy} say=${say} />
        <${Document} title="CORS of the bucket, so that this page can upload and download" value=${cors()} say=${say} />
      </details>
    `}
    <div class="offers">
      <button disabled=${busy} aria-label=${`Check ${connector.name}`} onClick=${check}>${busy ? "Checking …" : "Check"}</button>
      <button disabled=${!serves} aria-expanded=${lake} aria-label=${`Make a datalake on ${connector.name}`} onClick=${() => setLake(!lake)}>Make a datalake on it</button>
    </div>
    ${lake && html`<${NewLake} api=${api} connector=${connector} />`}
  `;
}

function Findings({ findings, connector }) {
  const errors = Object.values(findings.errors);
  // One reason for all of them is told once.
  const shared = errors.length > 1 && new Set(errors).size === 1 ? errors[0] : null;
  return html`
    <div role="status">
      ${shared && html`<p class="remark bad">${sentence(shared)}</p>`}
      <ul class="findings" aria-label=${`What ${connector.name} may do`}>
        ${Object.entries(PERMISSIONS).map(([name, text]) => {
          const error = findings.errors[name];
          return html`
            <li key=${name} data-works=${findings[name]}>
              <strong>${text}</strong> <span>${findings[name] ? "works" : "does not work"}</span>
              ${error && !shared && html`<p>${sentence(error)}</p>`}
            </li>
          `;
        })}
      </ul>
    </div>
  `;
}

/** JSON to be given to somebody else. */
function Document({ title, value, say }) {
  const text = JSON.stringify(value, null, 2);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text);
      say(`Copied: ${title}.`);
    } catch {
      say("The browser does not let this page copy; select the text instead.", { tone: "bad", lasting: false });
    }
  };
  return html`
    <section class="document" aria-label=${title}>
      <header><h3>${title}</h3><button type="button" aria-label=${`Copy: ${title}`} onClick=${copy}>Copy</button></header>
      <pre class="scrolls" tabindex="0">${text}</pre>
    </section>
  `;
}

function NewConnector({ api, onMade, onCancel }) {
  const [kind, setKind] = useState("role");
  const send = (given) =>
    api.post(
      "connectors",
      {
        ...Object.fromEntries(Object.entries(given).filter(([, value]) => value)),
        kind,
        allow_delete: given.allow_delete === "on",
      },
      // One and the same connector, however often it is asked for.
      { idempotencyKey: newKey() },
    );
  return html`
    <${Form} label="A new connector" action="Make the connector" send=${send} onDone=${onMade} onCancel=${onCancel}>
      <label>Name <input name="name" required maxlength="128" autofocus /></label>
      <label>Bucket <input name="bucket" required /></label>
      <label>Region <input name="region" required placeholder="eu-west-1" /></label>
      <fieldset>
        <legend>How is it reached?</legend>
        <label class="choice"><input type="radio" name="kind" checked=${kind === "role"} onChange=${() => setKind("role")} /> By a role that Tidelake assumes</label>
        <label class="choice"><input type="radio" name="kind" checked=${kind === "keys"} onChange=${() => setKind("keys")} /> By access keys</label>
      </fieldset>
      ${kind === "role" && html`<label key="role">ARN of the role <input name="role_arn" required placeholder="arn:aws:iam::210987654321:role/tidelake" /></label>`}
      ${kind === "keys" &&
      html`
        <label key="id">Access key id <input name="access_key_id" required autocomplete="off" /></label>
        <label key="secret">Secret access key <input name="secret_access_key" type="password" required autocomplete="off" /></label>
        <label key="endpoint">Endpoint, if it is not AWS <input name="endpoint_url" type="url" placeholder="https://s3.example.org" /></label>
      `}
      <label class="choice"><input type="checkbox" name="allow_delete" /> Objects may be deleted through Tidelake</label>
    <//>
  `;
}

function NewLake({ api, connector }) {
  const send = (given) =>
    api.post("datalakes", { ...given, connector: connector.id }, { idempotencyKey: newKey() });
  const open = (lake) => {
    go({ lake: lake.name, view: lake.job ? "jobs" : "" });
    // All that knows the datalakes has to hear of the new one.
    location.reload();
  };
  return html`
    <${Form} label=${`A datalake on ${connector.name}`} action="Make the datalake" send=${send} onDone=${open}>
      <label>Name <input name="name" required maxlength="128" autofocus /></label>
      <label>Prefix <input name="prefix" placeholder="the whole bucket" /></label>
      <label>What is in the bucket already
        <select name="on_create">${SCANS.map(([value, text]) => html`<option value=${value}>${text}</option>`)}</select>
      </label>
      <label>Look at the bytes
        <select name="preprocess">${LOOKS.map(([value, text]) => html`<option value=${value}>${text}</option>`)}</select>
      </label>
    <//>
  `;
}

/** `send` gets what was given, by name. */
function Form({ label, action, send, onDone, onCancel, children }) {
  const [failure, setFailure] = useState(null);
  const [busy, setBusy] = useState(false);
  const submit = async (event) => {
    event.preventDefault();
    const given = Object.fromEntries(new FormData(event.currentTarget));
    setBusy(true);
    setFailure(null);
    try {
      onDone(await send(given));
    } catch (error) {
      setFailure(told(error));
      setBusy(false);
    }
  };
  return html`
    <form class="panel form" aria-label=${label} onSubmit=${submit}>
      <h2>${label}</h2>
      ${children}
      <p class="mistake" role="alert">${failure}</p>
      <div class="offers">
        <button class="primary" disabled=${busy}>${action}</button>
        ${onCancel && html`<button type="button" class="quiet" onClick=${onCancel}>Cancel</button>`}
      </div>
    </form>
  `;
}

/** What lets this page, and no other, send to a bucket what the API allowed it to. */
function cors() {
  const rule = {
    AllowedOrigins: [location.origin],
    AllowedMethods: ["GET", "HEAD", "POST", "PUT"],
    AllowedHeaders: ["*"],
    ExposeHeaders: ["ETag"],
    MaxAgeSeconds: 3600,
  };
  return { CORSRules: [rule] };
}
