/** What can be done with many items at once. */

import { DeletionDialog } from "./deletion.js";
import { Dialog } from "./dialog.js";
import { ListDialog } from "./downloads.js";
import { sameName, useLabels } from "./labels.js";
import { html } from "./markup.js";
import { NameField } from "./tagging.js";
import { useState } from "./vendor/hooks.js";
import { count, told } from "./words.js";
import { retag } from "./work.js";

/** The bar that is there while anything is selected. */
export function SelectionBar({ api, lake, caller, selection, say, onChanged, onGone }) {
  const [open, setOpen] = useState(null);
  const close = () => setOpen(null);
  const editable = caller !== null && caller.role !== "viewer";
  const number = `${selection.exact ? "" : "at least "}${selection.size.toLocaleString("en")}`;
  const shared = { api, lake, target: selection.target, say, onClose: close };
  const done = () => {
    close();
    onChanged();
  };
  const gone = () => {
    close();
    onGone();
  };
  return html`
    <div class="selection" role="region" aria-label="Selection">
      <p role="status">${selection.isAll ? `All that this finds: ${number}` : `${number} selected`}</p>
      ${editable && html`<button onClick=${() => setOpen("tag")}>Tag …</button>`}
      ${editable && html`<button onClick=${() => setOpen("untag")}>Untag …</button>`}
      <button onClick=${() => setOpen("list")}>Download list …</button>
      ${editable && html`<button onClick=${() => setOpen("delete")}>Delete …</button>`}
      <span class="spring"></span>
      ${!selection.isAll && html`<button class="quiet" onClick=${() => selection.all()}>All that this finds</button>`}
      <button class="quiet" onClick=${() => selection.clear()}>Clear</button>
    </div>
    ${(open === "tag" || open === "untag") && html`<${TagDialog} ...${shared} method=${open === "tag" ? "POST" : "DELETE"} onDone=${done} />`}
    ${open === "list" && html`<${ListDialog} ...${shared} />`}
    ${open === "delete" && html`<${DeletionDialog} ...${shared} caller=${caller} onDone=${gone} />`}
  `;
}

/** `method`: POST puts tags on, DELETE takes them off. */
function TagDialog({ api, lake, target, method, say, onClose, onDone }) {
  const known = useLabels(api, lake, "tags", 0).items;
  const [names, setNames] = useState([]);
  const [mistake, setMistake] = useState(null);
  const [busy, setBusy] = useState(false);
  const adds = method === "POST";
  const add = (name) => setNames(names.some((each) => sameName(each, name)) ? names : [...names, name]);
  const perform = async () => {
    setBusy(true);
    setMistake(null);
    const id = say(adds ? "Tagging …" : "Untagging …", { lasting: true });
    try {
      const tell = ({ changed = 0 }) => say(`${count(changed, "item")} so far …`, { id, lasting: true });
      const { changed, missing, failed } = await retag(api, lake, method, names, target, { tell });
      const rest = [missing && `${missing} are not there any more`, failed.length && `${failed.length} stayed as they were${failed[0].detail ? `: ${failed[0].detail}` : ""}`];
      say([`${count(changed, "item")} changed`, ...rest.filter(Boolean)].join("; ") + ".", { id, tone: failed.length ? "bad" : "good" });
      onDone();
    } catch (error) {
      say(told(error), { id, tone: "bad" });
      setMistake(told(error));
      setBusy(false);
    }
  };
  return html`
    <${Dialog} title=${adds ? "Put tags on" : "Take tags off"} className="ask" onClose=${onClose}>
      <div class="pad stack">
        <${NameField} label=${adds ? "A tag, new or not" : "A tag"} known=${known} taken=${names} onName=${add} autofocus />
        <ul class="chips" aria-label="Tags">${names.map(
          (name) => html`<li key=${name} class="chip"><span>${name}</span><button class="quiet" aria-label=${`Not ${name}`} onClick=${() => setNames(names.filter((each) => each !== name))}>×</button></li>`,
        )}</ul>
        <p class="mistake" role="alert">${mistake}</p>
        <div class="actions">
          <button class="quiet" onClick=${onClose}>Cancel</button>
          <button class="primary" disabled=${busy || !names.length} onClick=${perform}>${adds ? "Tag" : "Untag"}</button>
        </div>
      </div>
    <//>
  `;
}
