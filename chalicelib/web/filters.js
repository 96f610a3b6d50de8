/** What is asked beside the query: by type, status, kind, source, tags and folder. */

import { folded, sameName, useLabels } from "./labels.js";
import { html } from "./markup.js";
import { EVERYTHING, ORDERS, isQuestion, writeRoute } from "./routing.js";
import { useState } from "./vendor/hooks.js";
import { KINDS, STATUSES, TYPES } from "./words.js";

const SHOWN_TAGS = 30;

export function Filters({ api, lake, asked, stats, version, ready, onAsk }) {
  const tags = useLabels(api, lake, "tags", version, ready);
  const sources = useLabels(api, lake, "sources", version, ready);
  return html`
    <${Choice} title="Type" names=${TYPES} counts=${stats?.by_type} chosen=${asked.type} onChoose=${(type) => onAsk({ type })} />
    <${Choice} title="Status" names=${STATUSES} counts=${stats?.by_status} chosen=${asked.status} onChoose=${(status) => onAsk({ status })} />
    <${Choice} title="Kind" names=${KINDS} counts=${stats?.by_kind} chosen=${asked.kind} onChoose=${(kind) => onAsk({ kind })} />
    <${Tags} labels=${tags} asked=${asked} onAsk=${onAsk} />
    <${Source} labels=${sources} chosen=${asked.source} onChoose=${(source) => onAsk({ source })} />
  `;
}

/** The one of several; choosing it again lets go of it. Counts are of the whole lake. */
function Choice({ title, names, counts, chosen, onChoose }) {
  const shown = Object.entries(names).filter(([value]) => !counts || counts[value] || value === chosen);
  return html`
    <fieldset>
      <legend>${title}</legend>
      ${shown.map(
        ([value, name]) => html`
          <${Facet} key=${value} name=${name} count=${counts && (counts[value] ?? 0)} chosen=${value === chosen}
            onClick=${() => onChoose(value === chosen ? null : value)} />
        `,
      )}
      ${!shown.length && html`<p class="muted">Nothing yet</p>`}
    </fieldset>
  `;
}

function Tags({ labels, asked, onAsk }) {
  const [part, setPart] = useState("");
  const [all, setAll] = useState(false);
  const isChosen = (name) => asked.tags.some((tag) => sameName(tag, name));
  const toggle = (name) => {
    const rest = asked.tags.filter((tag) => !sameName(tag, name));
    onAsk({ tags: rest.length < asked.tags.length ? rest : [...rest, name] });
  };
  const matching = labels.items.filter((label) => folded(label.name).includes(folded(part)));
  const shown = all || part ? matching : matching.slice(0, SHOWN_TAGS);
  const submit = (event) => {
    event.preventDefault();
    const name = part.trim();
    if (!name) return;
    const known = labels.items.find((label) => sameName(label.name, name)) ?? (matching.length === 1 ? matching[0] : null);
    if (!isChosen(known?.name ?? name)) toggle(known?.name ?? name);
    setPart("");
  };
  return html`
    <fieldset>
      <legend>Tags</legend>
      ${(labels.items.length > 8 || labels.more) &&
      html`<form onSubmit=${submit}>
        <input type="search" aria-label="Find a tag" placeholder="Find a tag" value=${part} onInput=${(event) => setPart(event.currentTarget.value)} />
      </form>`}
      ${asked.tags.length > 1 &&
      html`<div class="pair" role="group" aria-label="How tags are joined">
        ${[[false, "Any of them"], [true, "All of them"]].map(
          ([every, name]) => html`<button key=${name} type="button" aria-pressed=${asked.every === every ? "true" : "false"} onClick=${() => onAsk({ every })}>${name}</button>`,
        )}
      </div>`}
      ${asked.tags.filter((tag) => !shown.some((label) => sameName(label.name, tag))).map((tag) => html`<${Facet} key=${tag} name=${tag} chosen onClick=${() => toggle(tag)} />`)}
      ${shown.map((label) => html`<${Facet} key=${label.id} name=${label.name} count=${label.count} chosen=${isChosen(label.name)} onClick=${() => toggle(label.name)} />`)}
      ${matching.length > shown.length && html`<button type="button" class="quiet" onClick=${() => setAll(true)}>${matching.length - shown.length} more</button>`}
      ${labels.more && html`<p class="muted">There are more: type the name.</p>`}
      ${!labels.items.length && html`<p class="muted">None yet</p>`}
    </fieldset>
  `;
}

/** `count`: undefined while it is not known. */
function Facet({ name, count, chosen, onClick }) {
  const known = count !== undefined;
  const shown = known && count.toLocaleString("en");
  return html`
    <button type="button" class="facet" aria-pressed=${chosen ? "true" : "false"} aria-label=${known ? `${name}, ${shown}` : name} onClick=${onClick}>
      <span>${name}</span>${known && html`<span class="count">${shown}</span>`}
    </button>
  `;
}

function Source({ labels, chosen, onChoose }) {
  const others = chosen && !labels.items.some((label) => sameName(label.name, chosen)) ? [chosen] : [];
  const value = labels.items.find((label) => chosen && sameName(label.name, chosen))?.name ?? chosen ?? "";
  return html`
    <fieldset>
      <legend><label for="source">Source</label></legend>
      <select id="source" value=${value} onChange=${(event) => onChoose(event.currentTarget.value || null)}>
        <option value="">Any</option>
        ${others.map((name) => html`<option key=${name} value=${name}>${name}</option>`)}
        ${labels.items.map((label) => html`<option key=${label.id} value=${label.name}>${label.name} (${label.count.toLocaleString("en")})</option>`)}
      </select>
    </fieldset>
  `;
}

export function Order({ asked, onAsk }) {
  const possible = ORDERS.filter(([order]) => !asked.folders || order.endsWith("object_name"));
  return html`
    <label class="order"><span class="hidden">Order</span>
      <select value=${asked.order} onChange=${(event) => onAsk({ order: event.currentTarget.value })}>
        ${possible.map(([order, name]) => html`<option key=${order} value=${order}>${name}</option>`)}
      </select>
    </label>
  `;
}

/** The folder that is looked into, and the way back out of it. */
export function Path({ lake, asked }) {
  if (!asked.folders && !asked.prefix) return null;
  const steps = asked.prefix.match(/[^/]*\/|[^/]+$/g) ?? [];
  const at = (prefix) => writeRoute({ lake: lake.name, asked: { ...asked, prefix } });
  return html`
    <nav class="path" aria-label="Folder">
      <a href=${at("")} aria-current=${steps.length ? null : "page"}>${lake.name}</a>
      ${steps.map((step, place) => {
        const last = place === steps.length - 1;
        return html`<span aria-hidden="true">/</span><a key=${place} href=${at(steps.slice(0, place + 1).join(""))} aria-current=${last ? "page" : null}>${step.replace(/\/$/, "") || "(no name)"}</a>`;
      })}
    </nav>
  `;
}

/** What narrows the view, each with a way to let go of it. */
export function Chips({ asked, onAsk }) {
  if (!isQuestion({ ...asked, prefix: "" })) return null;
  const names = { type: TYPES[asked.type], status: STATUSES[asked.status], kind: KINDS[asked.kind], source: asked.source, q: asked.q };
  const set = Object.entries(names).filter(([, shown]) => shown);
  return html`
    <ul class="chips" aria-label="What is asked for">
      ${set.map(([name, shown]) => html`<${Chip} key=${name} text=${name === "q" ? shown : `${name}: ${shown}`} onDrop=${() => onAsk({ [name]: EVERYTHING[name] })} />`)}
      ${asked.tags.map((tag) => html`<${Chip} key=${`tag ${tag}`} text=${`tag: ${tag}`} onDrop=${() => onAsk({ tags: asked.tags.filter((each) => each !== tag) })} />`)}
      <li><button class="quiet" onClick=${() => onAsk({ ...EVERYTHING, order: asked.order, folders: asked.folders })}>Show everything</button></li>
    </ul>
  `;
}

function Chip({ text, onDrop }) {
  return html`<li class="chip"><span>${text}</span><button class="quiet" aria-label=${`Remove ${text}`} onClick=${onDrop}>×</button></li>`;
}
