/** Tags of one item, edited where they stand, and the field in which names of tags are written. */

import { lakePath } from "./api.js";
import { sameName } from "./labels.js";
import { html } from "./markup.js";
import { useId, useState } from "./vendor/hooks.js";
import { told } from "./words.js";

export function Tags({ api, lake, item, known, editable, onChanged, onTag }) {
  const [busy, setBusy] = useState(false);
  const [mistake, setMistake] = useState(null);
  const change = async (method, name) => {
    setBusy(true);
    setMistake(null);
    try {
      const answer = await api.call(method, lakePath(lake.id, "data", "tags"), { body: { tags: [name], ids: [item.id] } });
      if (answer.failed.length) setMistake(told({ message: answer.failed[0].detail }));
      if (answer.missing.length) setMistake("This is not in the datalake any more.");
      await onChanged();
    } catch (error) {
      setMistake(told(error));
    }
    setBusy(false);
  };
  const add = (name) => {
    if (!item.tags.some((tag) => sameName(tag, name))) return change("POST", name);
    return undefined;
  };
  return html`
    <section aria-label="Tags" aria-busy=${busy ? "true" : "false"}>
      <h3>Tags</h3>
      <ul class="chips">
        ${item.tags.map(
          (tag) => html`
            <li key=${tag} class="chip">
              <a href=${onTag(tag)}>${tag}</a>
              ${editable && html`<button class="quiet" disabled=${busy} aria-label=${`Remove the tag ${tag}`} onClick=${() => change("DELETE", tag)}>×</button>`}
            </li>
          `,
        )}
        ${!item.tags.length && html`<li class="muted">None</li>`}
      </ul>
      ${editable && html`<${NameField} label="Add a tag" known=${known} taken=${item.tags} onName=${add} />`}
      <p class="mistake" role="alert">${mistake}</p>
    </section>
  `;
}

/** Where a name is written, with those that exist to choose from. */
export function NameField({ label, known, taken = [], onName, ...more }) {
  const [name, setName] = useState("");
  const list = useId();
  const submit = (event) => {
    event.preventDefault();
    if (!name.trim()) return;
    onName(name.trim());
    setName("");
  };
  return html`
    <form class="name-field" onSubmit=${submit}>
      <input aria-label=${label} placeholder=${label} value=${name} maxlength="128" list=${list} autocomplete="off" ...${more} onInput=${(event) => setName(event.currentTarget.value)} />
      <datalist id=${list}>
        ${known.filter((each) => !taken.some((tag) => sameName(tag, each.name))).map((each) => html`<option key=${each.id} value=${each.name}></option>`)}
      </datalist>
      <button disabled=${!name.trim()}>Add</button>
    </form>
  `;
}
