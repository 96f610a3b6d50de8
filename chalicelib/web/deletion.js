/** What is to be no more: said, counted and confirmed before it happens. */

import { isAborted, lakePath } from "./api.js";
import { Dialog } from "./dialog.js";
import { html } from "./markup.js";
import { useEffect, useId, useState } from "./vendor/hooks.js";
import { bytes, count, sentence, told } from "./words.js";
import { batched, followAll } from "./work.js";

export function DeletionDialog({ api, lake, caller, target, say, onClose, onDone }) {
  const [object, setObject] = useState(false);
  const [found, setFound] = useState(null);
  const [typed, setTyped] = useState("");
  const [mistake, setMistake] = useState(null);
  const [busy, setBusy] = useState(false);
  const field = useId();
  const refused = whyNotObjects(lake, caller);

  useEffect(() => {
    const stop = new AbortController();
    const look = begin(api, lake, target, { object: false, dry_run: true }, stop.signal);
    look.then(setFound, (error) => isAborted(error) || setMistake(told(error)));
    return () => stop.abort();
  }, []);

  const number = found && (found.seen ?? 0);
  const confirmed = !object || typed.replace(/\D/g, "") === String(number);
  const perform = async (event) => {
    event.preventDefault();
    setBusy(true);
    setMistake(null);
    const id = say(object ? "Deleting objects …" : "Forgetting …", { lasting: true });
    const tell = (done) => say(`${object ? "Deleting objects" : "Forgetting"} … ${count(done.seen ?? 0, "item")} so far.`, { id, lasting: true });
    try {
      const done = await begin(api, lake, target, { object, dry_run: false }, undefined, tell);
      const gone = (done.forgotten ?? 0) + (done.deleted ?? 0);
      const failed = done.failed ? ` ${count(done.failed, "object")} stayed: overwritten meanwhile, or refused by the bucket.` : "";
      say(`${count(gone, "item")} ${object ? "deleted" : "forgotten"}.${failed}`, { id, tone: done.failed ? "bad" : "good" });
      onDone();
    } catch (error) {
      say(told(error), { id, tone: "bad" });
      setMistake(told(error));
      setBusy(false);
    }
  };
  return html`
    <${Dialog} title="Delete" className="ask" onClose=${onClose}>
      <form class="pad stack" onSubmit=${perform}>
        <p role="status">${found ? html`<strong>${count(number, "item")}</strong>, ${bytes(found.bytes ?? 0)}${found.missing ? `; ${found.missing} are not there any more` : ""}.` : mistake ? "" : "Counting …"}</p>
        <label class="option"><input type="radio" name="how" checked=${!object} onChange=${() => setObject(false)} />
          <span><strong>Forget</strong><br /><span class="muted">The index loses them, with all that people wrote of them. The objects stay in the bucket: their next event, or a sync, brings them back as new.</span></span></label>
        <label class="option"><input type="radio" name="how" checked=${object} disabled=${refused !== null} onChange=${() => setObject(true)} />
          <span><strong>Delete the objects, too</strong><br /><span class="muted">${refused ?? "The bytes are deleted from the bucket, each object only while it is what is shown here. Where the bucket keeps versions, they stay."}</span></span></label>
        ${object &&
        html`<div class="stack"><label for=${field}>Type ${number ?? "the number"} to confirm that so many objects are deleted</label>
          <input id=${field} inputmode="numeric" autocomplete="off" value=${typed} onInput=${(event) => setTyped(event.currentTarget.value)} /></div>`}
        <p class="mistake" role="alert">${mistake}</p>
        <div class="actions">
          <button type="button" class="quiet" onClick=${onClose}>Cancel</button>
          <button class="danger" disabled=${busy || !number || !confirmed}>${`${object ? "Delete" : "Forget"} ${number ? count(number, "item") : ""}`}</button>
        </div>
      </form>
    <//>
  `;
}

/** Of a target that may name more than one call takes: what the jobs counted, together. */
async function begin(api, lake, target, how, signal, tell) {
  const path = lakePath(lake.id, "data", "delete");
  const jobs = [];
  for (const part of batched(target)) {
    jobs.push((await api.post(path, { ...part, ...how }, { signal })).job);
  }
  return followAll(api, jobs, { signal, tell });
}

function whyNotObjects(lake, caller) {
  if (caller?.role !== "admin") return "Only a key with the role admin may.";
  if (!lake.allow_delete) return sentence("the datalake's connector does not allow deleting objects");
  return null;
}
