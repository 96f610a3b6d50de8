/** What people write of an item: description, source, metadata of both kinds, field by field. */

import { lakePath } from "./api.js";
import { html } from "./markup.js";
import { useId, useState } from "./vendor/hooks.js";
import { told } from "./words.js";

const TEXTS = "acquired_by brand color_space compression custom_id lens manufacturer model reference region_of_interest resolution_unit software weather";
const NUMBERS = "altitude exposure_time f_number focal_length iso latitude longitude pitch resolution_x resolution_y roll sensor_width yaw";

const KNOWN = Object.fromEntries([
  ...TEXTS.split(" ").map((name) => [name, "text"]),
  ...NUMBERS.split(" ").map((name) => [name, "number"]),
  ["acquired_at", "time"],
]);

const PLACE = ["latitude", "longitude"];

const OF_SCHEMA = { string: "text", integer: "number", float: "number", boolean: "yes or no", datetime: "time", choice: "text" };

/** `onSave(change)` gets what PATCH takes, and throws what the API says against it. */
export function Metadata({ item, editable, onSave }) {
  return html`<${Table} title="Metadata" values=${item.metadata} kindOf=${(name) => KNOWN[name]} names=${Object.keys(KNOWN).sort()} free=${false}
    editable=${editable} onSave=${(metadata) => onSave({ metadata })} />`;
}

export function CustomMetadata({ lake, item, editable, onSave }) {
  const fields = lake.metadata_schema?.fields ?? {};
  const free = !lake.metadata_schema || lake.metadata_schema.extra;
  return html`<${Table} title="Custom metadata" values=${item.custom_metadata} kindOf=${(name) => OF_SCHEMA[fields[name]?.type]} names=${Object.keys(fields)} free=${free}
    editable=${editable} onSave=${(custom_metadata) => onSave({ custom_metadata })} />`;
}

function Table({ title, values, kindOf, names, free, editable, onSave }) {
  const [rows, setRows] = useState(null);
  const present = Object.entries(values).sort(([one], [other]) => (one < other ? -1 : 1));
  if (!rows) {
    const edit = () => setRows(present.map(([name, value]) => ({ name, text: String(value), kind: kindOf(name) ?? kindOfValue(value) })));
    return html`
      <section aria-label=${title}>
        <h3>${title}${editable && html`<button class="quiet" onClick=${edit} aria-label=${`Edit ${title.toLowerCase()}`}>Edit</button>`}</h3>
        ${present.length
          ? html`<dl>${present.map(([name, value]) => html`<${Pair} key=${name} name=${name} value=${shown(value)} />`)}</dl>`
          : html`<p class="muted">None</p>`}
      </section>
    `;
  }
  return html`<${Editor} ...${{ title, values, rows, setRows, kindOf, names, free, onSave }} />`;
}

function Editor({ title, values, rows, setRows, kindOf, names, free, onSave }) {
  const [mistake, setMistake] = useState(null);
  const [busy, setBusy] = useState(false);
  const list = useId();
  const set = (place, change) => setRows(rows.map((row, each) => (each === place ? { ...row, ...change } : row)));
  const save = async (event) => {
    event.preventDefault();
    setMistake(null);
    setBusy(true);
    try {
      const change = changeOf(values, rows, !free);
      if (Object.keys(change).length) await onSave(change);
      setRows(null);
    } catch (error) {
      setMistake(told(error));
      setBusy(false);
    }
  };
  return html`
    <section aria-label=${title}>
      <h3>${title}</h3>
      <form class="fields" onSubmit=${save}>
        ${rows.map(
          (row, place) => html`
            <div key=${place} class="field">
              <input aria-label="Field" value=${row.name} readonly=${Object.hasOwn(values, row.name)} list=${list} maxlength="128" onInput=${(event) => {
                const name = event.currentTarget.value;
                set(place, { name, kind: kindOf(name) ?? row.kind });
              }} />
              <${Value} row=${row} fixed=${kindOf(row.name) !== undefined || !free} onChange=${(change) => set(place, change)} />
              <button type="button" class="quiet" aria-label=${`Remove ${row.name || "this field"}`} onClick=${() => setRows(rows.filter((_, each) => each !== place))}>×</button>
            </div>
          `,
        )}
        <datalist id=${list}>${names.filter((name) => !rows.some((row) => row.name === name)).map((name) => html`<option key=${name} value=${name}></option>`)}</datalist>
        <p class="mistake" role="alert">${mistake}</p>
        <div class="actions">
          <button type="button" onClick=${() => setRows([...rows, { name: "", text: "", kind: "text" }])}>Add a field</button>
          <button type="button" class="quiet" onClick=${() => setRows(null)}>Cancel</button>
          <button class="primary" disabled=${busy}>Save</button>
        </div>
      </form>
    </section>
  `;
}

function Value({ row, fixed, onChange }) {
  const label = `Value of ${row.name || "this field"}`;
  return html`
    ${row.kind === "yes or no"
      ? html`<select aria-label=${label} value=${row.text} onChange=${(event) => onChange({ text: event.currentTarget.value })}><option value="true">yes</option><option value="false">no</option></select>`
      : html`<input aria-label=${label} value=${row.text} inputmode=${row.kind === "number" ? "decimal" : null} placeholder=${row.kind === "time" ? "2026-03-01T12:00:00Z" : row.kind}
          onInput=${(event) => onChange({ text: event.currentTarget.value })} />`}
    ${!fixed &&
    html`<select class="kind" aria-label=${`Kind of ${row.name || "this field"}`} value=${row.kind} onChange=${(event) => onChange({ kind: event.currentTarget.value, text: event.currentTarget.value === "yes or no" ? "true" : row.text })}>
      ${["text", "number", "yes or no"].map((kind) => html`<option key=${kind} value=${kind}>${kind}</option>`)}
    </select>`}
  `;
}

/** What is another than it was; null where it is to be no more. In maps, as fields may have any name. `whole`: among
 * them may be a place, which the API takes as a whole. */
function changeOf(values, rows, whole) {
  const before = new Map(Object.entries(values));
  const after = new Map();
  for (const row of rows) {
    const name = row.name.trim();
    if (!name) throw new Error("each field needs a name");
    if (after.has(name)) throw new Error(`“${name}” is there twice`);
    after.set(name, valueOf(row, name));
  }
  const names = [...new Set([...before.keys(), ...after.keys()])];
  const change = new Set(names.filter((name) => before.get(name) !== after.get(name)));
  if (whole && PLACE.some((name) => change.has(name))) PLACE.forEach((name) => change.add(name));
  return Object.fromEntries([...change].map((name) => [name, after.get(name) ?? null]));
}

function valueOf({ text, kind }, name) {
  if (kind === "yes or no") return text === "true";
  if (kind !== "number") return text.trim();
  const number = Number(text.replace(",", "."));
  if (!text.trim() || !Number.isFinite(number)) throw new Error(`“${name}” should be a number`);
  return number;
}

function kindOfValue(value) {
  return { number: "number", boolean: "yes or no" }[typeof value] ?? "text";
}

function shown(value) {
  return typeof value === "boolean" ? (value ? "yes" : "no") : String(value);
}

export function Pair({ name, value }) {
  return html`<div><dt>${name.replaceAll("_", " ")}</dt><dd>${value}</dd></div>`;
}

export function Description({ item, editable, onSave }) {
  return html`<${Line} title="Description" text=${item.description} editable=${editable} long onSave=${(description) => onSave({ description })} />`;
}

export function Source({ item, known, editable, onSave }) {
  return html`<${Line} title="Source" text=${item.source} editable=${editable} known=${known} onSave=${(source) => onSave({ source })} />`;
}

/** One text; empty is none. */
function Line({ title, text, editable, long = false, known = [], onSave }) {
  const [draft, setDraft] = useState(null);
  const [mistake, setMistake] = useState(null);
  const list = useId();
  const save = async (event) => {
    event.preventDefault();
    try {
      if (draft.trim() !== (text ?? "")) await onSave(draft.trim() || null);
      setDraft(null);
      setMistake(null);
    } catch (error) {
      setMistake(told(error));
    }
  };
  const input = { "aria-label": title, value: draft, onInput: (event) => setDraft(event.currentTarget.value) };
  return html`
    <section aria-label=${title}>
      <h3>${title}${editable && draft === null && html`<button class="quiet" aria-label=${`Edit ${title.toLowerCase()}`} onClick=${() => setDraft(text ?? "")}>Edit</button>`}</h3>
      ${draft === null
        ? html`<p class=${text ? "written" : "muted"}>${text ?? "None"}</p>`
        : html`<form onSubmit=${save}>
            ${long ? html`<textarea rows="4" maxlength="4096" ...${input}></textarea>` : html`<input maxlength="128" list=${list} autocomplete="off" ...${input} />`}
            <datalist id=${list}>${known.map((each) => html`<option key=${each.id} value=${each.name}></option>`)}</datalist>
            <p class="mistake" role="alert">${mistake}</p>
            <div class="actions"><button type="button" class="quiet" onClick=${() => setDraft(null)}>Cancel</button><button class="primary">Save</button></div>
          </form>`}
    </section>
  `;
}
