/** One item: its bytes, what is known of it, and what people write of it. */

import { Problem, isAborted, lakePath, pause } from "./api.js";
import { DeletionDialog } from "./deletion.js";
import { Dialog } from "./dialog.js";
import { CustomMetadata, Description, Metadata, Pair, Source } from "./fields.js";
import { useLabels } from "./labels.js";
import { html } from "./markup.js";
import { isUnsettled } from "./listing.js";
import { Media, isElsewhere, locateContent, useContent } from "./media.js";
import { EVERYTHING, writeRoute } from "./routing.js";
import { saveAs } from "./saving.js";
import { Tags } from "./tagging.js";
import { useCallback, useEffect, useState } from "./vendor/hooks.js";
import { KINDS, STATUSES, TYPES, bytes, explain, explainHealth, moment, told } from "./words.js";

const SAFE = /^https?:\/\//i;
const ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** What is not looked at yet is asked for again, so often and ever less often. */
const TURNS = 25;
const FIRST_WAIT_MS = 2000;
const LONGEST_WAIT_MS = 15_000;

/** `first`: what the grid knows of it; `onStep(±1)` goes to the next one, and is null where that is not known. */
export function ItemDialog({ api, lake, caller, id, first, onStep, onClose, onChanged, onGone, say }) {
  const [item, setItem] = useState(first);
  const [failure, setFailure] = useState(null);
  const [deleting, setDeleting] = useState(false);
  const load = useCallback(async (signal) => {
    if (!ID.test(id)) throw new Problem(404, {});
    const found = await api.get(lakePath(lake.id, "data", id), {}, { signal });
    // One may have stepped on meanwhile.
    setItem((before) => (before && before.id !== id ? before : { ...found, thumbnail_url: before?.thumbnail_url }));
    onChanged(found);
    return found;
  }, [api, lake.id, id]);
  useEffect(() => {
    const stop = new AbortController();
    const follow = async () => {
      let found = await load(stop.signal);
      for (let turn = 0; isUnsettled(found, lake) && turn < TURNS; turn += 1) {
        await pause(Math.min(FIRST_WAIT_MS * 1.3 ** turn, LONGEST_WAIT_MS), stop.signal);
        found = await load(stop.signal);
      }
    };
    setItem(first?.id === id ? first : null);
    setFailure(null);
    follow().catch((error) => isAborted(error) || setFailure(error));
    return () => stop.abort();
  }, [load]);
  const step = (by) => onStep?.[by]?.();
  const onKeyDown = (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey || event.target.closest("input, textarea, select, video")) return;
    const by = { ArrowLeft: "previous", ArrowRight: "next" }[event.key];
    if (by) step(by);
  };
  const shown = item?.id === id ? { ...item, thumbnail_url: first?.thumbnail_url ?? item.thumbnail_url } : null;
  return html`
    <${Dialog} title=${shown?.filename ?? "Item"} titled=${false} className="item" onClose=${onClose} onKeyDown=${onKeyDown}>
      <header class="dialog-head">
        <h2 title=${shown?.object_name}>${shown?.filename ?? "…"}</h2>
        <button class="quiet" disabled=${!onStep?.previous} aria-label="Previous" aria-keyshortcuts="ArrowLeft" onClick=${() => step("previous")}>‹</button>
        <button class="quiet" disabled=${!onStep?.next} aria-label="Next" aria-keyshortcuts="ArrowRight" onClick=${() => step("next")}>›</button>
        <button class="quiet" aria-label="Close" onClick=${onClose}>×</button>
      </header>
      ${failure && html`<p class="mistake pad" role="alert">${failure.status === 404 ? "There is no such item in this datalake, or not any more." : told(failure)}</p>`}
      ${shown && html`<${Body} key=${shown.id} ...${{ api, lake, caller, item: shown, load, say, onDelete: () => setDeleting(true) }} />`}
      ${!shown && !failure && html`<p class="muted pad" role="status">Loading …</p>`}
      ${deleting &&
      html`<${DeletionDialog} api=${api} lake=${lake} caller=${caller} target=${{ ids: [id] }} say=${say} onClose=${() => setDeleting(false)} onDone=${() => {
        setDeleting(false);
        onGone(id);
      }} />`}
    <//>
  `;
}

function Body({ api, lake, caller, item, load, say, onDelete }) {
  const content = useContent(api, lake, item);
  const tags = useLabels(api, lake, "tags", 0);
  const sources = useLabels(api, lake, "sources", 0);
  const editable = caller !== null && caller.role !== "viewer";
  const save = async (change) => {
    await api.patch(lakePath(lake.id, "data", item.id), change);
    await load();
    say("Saved.", { tone: "good", id: "saved" });
  };
  const download = async () => {
    try {
      saveAs(await locateContent(api, lake, item.id, true), item.filename);
    } catch (error) {
      say(told(error), { tone: "bad" });
    }
  };
  const tagged = (tag) => writeRoute({ lake: lake.name, asked: { ...EVERYTHING, tags: [tag] } });
  return html`
    <div class="item-body">
      <figure class="media"><${Media} item=${item} content=${content} /></figure>
      <div class="facts" tabindex="0" role="group" aria-label="Facts">
        ${item.status !== "ready" && html`<p class="state ${item.status}" role="status">${explain(item)}${isUnsettled(item, lake) && " It is waited for."}</p>`}
        <div class="actions">
          ${content && html`<button onClick=${download}>Download</button>`}
          ${isElsewhere(item) && html`<a class="button" href=${SAFE.test(item.url) ? item.url : null} target="_blank" rel="noreferrer noopener">Open where it is</a>`}
          ${editable && html`<button onClick=${onDelete}>Delete …</button>`}
        </div>
        <${Tags} api=${api} lake=${lake} item=${item} known=${tags.items} editable=${editable} onChanged=${load} onTag=${tagged} />
        <${Description} item=${item} editable=${editable} onSave=${save} />
        <${Source} item=${item} known=${sources.items} editable=${editable} onSave=${save} />
        <${Facts} lake=${lake} item=${item} />
        <${Metadata} item=${item} editable=${editable} onSave=${save} />
        <${Place} metadata=${item.metadata} />
        <${CustomMetadata} lake=${lake} item=${item} editable=${editable} onSave=${save} />
        <${History} item=${item} />
      </div>
    </div>
  `;
}

function Facts({ lake, item }) {
  const folder = item.object_name.slice(0, item.object_name.length - item.filename.length);
  const pairs = [
    ["name", item.object_name],
    ["folder", folder && html`<a href=${writeRoute({ lake: lake.name, asked: { ...EVERYTHING, folders: true, order: "object_name", prefix: folder } })}>${folder}</a>`],
    ["type", item.type && `${TYPES[item.type]}${item.content_type ? ` (${item.content_type})` : ""}`],
    ["kind", item.kind === "link" && KINDS.link],
    ["points to", item.url],
    ["size", item.size !== null && bytes(item.size)],
    ["pixels", item.width && `${item.width} × ${item.height}`],
    ["channels", item.channels],
    ["encoding", item.content_encoding],
    ["etag", item.etag],
    ["version", item.version_id],
    ["id", item.id],
  ];
  return html`
    <section aria-label="File">
      <h3>File</h3>
      <dl>${pairs.filter(([, value]) => value).map(([name, value]) => html`<${Pair} key=${name} name=${name} value=${value} />`)}</dl>
    </section>
  `;
}

/** A map is someone else's site: it hears of the place only from who follows the link. */
function Place({ metadata: { latitude, longitude } }) {
  if (typeof latitude !== "number" || typeof longitude !== "number") return null;
  const place = `mlat=${latitude}&mlon=${longitude}#map=15/${latitude}/${longitude}`;
  return html`<p><a href=${`https://www.openstreetmap.org/?${place}`} target="_blank" rel="noreferrer noopener">${latitude.toFixed(5)}, ${longitude.toFixed(5)} on OpenStreetMap</a></p>`;
}

/** As much as the record says. */
function History({ item }) {
  const steps = [
    [item.last_modified, item.kind === "link" ? "Its target was written" : "Its bytes were written to the bucket"],
    [item.created_at, item.status === "pending" ? "Announced" : "Recorded here"],
    [item.checked_at, explainHealth(item)],
    [item.updated_at, `Last change here: ${STATUSES[item.status].toLowerCase()}${item.status_reason ? ` (${item.status_reason.replaceAll("_", " ")})` : ""}`],
  ];
  const known = steps.filter(([time, what]) => time && what).sort(([one], [other]) => Date.parse(one) - Date.parse(other));
  return html`
    <section aria-label="History">
      <h3>History</h3>
      <ol class="history">${known.map(([time, what]) => html`<li key=${what}><time datetime=${time} title=${time}>${moment(time)}</time><span>${what}</span></li>`)}</ol>
    </section>
  `;
}
