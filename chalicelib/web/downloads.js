/** Lists of what is selected, as a file: names, or all that is known, with addresses of the bytes where wanted. */

import { isAborted, lakePath } from "./api.js";
import { Dialog } from "./dialog.js";
import { html } from "./markup.js";
import { saveAs } from "./saving.js";
import { useEffect, useRef, useState } from "./vendor/hooks.js";
import { count, told } from "./words.js";
import { batched } from "./work.js";

const AT_ONCE = 1000;

/** Addresses are valid for 15 minutes: more than this is nothing that one gets through in time. */
const ADDRESSES = 10_000;

const COLUMNS = ["id", "object_name", "kind", "type", "status", "size", "content_type", "width", "height", "etag", "tags", "source", "address"];

const FORMATS = {
  txt: { name: "Text: a name or address in each line", type: "text/plain", head: () => "", line: (item, addressed) => `${addressed ? item.address : item.object_name}\n` },
  csv: { name: "CSV: a table for spreadsheets", type: "text/csv", head: (addressed) => row(columns(addressed)), line: (item, addressed) => row(columns(addressed).map((column) => cellOf(item[column]))) },
  jsonl: { name: "JSON lines: all that is known", type: "application/jsonl", head: () => "", line: (item) => `${JSON.stringify(item)}\n` },
};

export function ListDialog({ api, lake, target, onClose }) {
  const [format, setFormat] = useState("txt");
  const [addressed, setAddressed] = useState(false);
  const [done, setDone] = useState(null);
  const [mistake, setMistake] = useState(null);
  const stop = useRef(null);
  useEffect(() => () => stop.current?.abort(), []);
  const perform = async (event) => {
    event.preventDefault();
    stop.current = new AbortController();
    setMistake(null);
    setDone(0);
    try {
      const { type, head, line } = FORMATS[format];
      const parts = [head(addressed)];
      let written = 0;
      for await (const items of pagesOf(api, lake, target, addressed, stop.current.signal)) {
        parts.push(items.map((item) => line(item, addressed)).join(""));
        written += items.length;
        setDone(written);
      }
      save(new Blob(parts, { type }), `${lake.name}.${format}`);
      onClose();
    } catch (error) {
      if (!isAborted(error)) setMistake(told(error));
      setDone(null);
    }
  };
  return html`
    <${Dialog} title="Download a list" className="ask" onClose=${onClose}>
      <form class="pad stack" onSubmit=${perform}>
        ${Object.entries(FORMATS).map(
          ([each, { name }]) => html`<label key=${each} class="option"><input type="radio" name="format" checked=${format === each} onChange=${() => setFormat(each)} /><span>${name}</span></label>`,
        )}
        <label class="option"><input type="checkbox" checked=${addressed} onChange=${(event) => setAddressed(event.currentTarget.checked)} />
          <span>With an address for the bytes of each<br /><span class="muted">Anyone who has it can fetch them, for 15 minutes. At most ${ADDRESSES.toLocaleString("en")} items.</span></span></label>
        <p role="status">${done === null ? "" : `${count(done, "item")} so far …`}</p>
        <p class="mistake" role="alert">${mistake}</p>
        <div class="actions">
          <button type="button" class="quiet" onClick=${onClose}>Cancel</button>
          <button class="primary" disabled=${done !== null}>Download</button>
        </div>
      </form>
    <//>
  `;
}

async function* pagesOf(api, lake, target, addressed, signal) {
  const options = { signal };
  let read = 0;
  for (const part of batched(target)) {
    for (let cursor; cursor !== null; ) {
      const page = await api.post(lakePath(lake.id, "data", "search"), { ...part, limit: AT_ONCE, cursor }, options);
      cursor = page.next_cursor;
      read += page.items.length;
      if (addressed && read > ADDRESSES) throw new Error(`these are more than ${ADDRESSES.toLocaleString("en")} items`);
      if (page.items.length) yield addressed ? await located(api, lake, page.items, options) : page.items;
    }
  }
}

/** Those that have bytes, each with its `address`. */
async function located(api, lake, items, options) {
  const answer = await api.post(lakePath(lake.id, "data", "content"), { ids: items.map((item) => item.id) }, options);
  const addresses = new Map(answer.items.map((each) => [each.id, each.url]));
  return items.filter((item) => addresses.has(item.id)).map((item) => ({ ...item, address: addresses.get(item.id) }));
}

function columns(addressed) {
  return addressed ? COLUMNS : COLUMNS.slice(0, -1);
}

function cellOf(value) {
  return Array.isArray(value) ? value.join("; ") : (value ?? "");
}

/** What a spreadsheet would take for a formula has a quote before it. */
function row(cells) {
  const quoted = cells.map((cell) => {
    const text = typeof cell === "string" && /^[=+\-@\t\r]/.test(cell) ? `'${cell}` : String(cell);
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  });
  return `${quoted.join(",")}\r\n`;
}

function save(blob, name) {
  const address = URL.createObjectURL(blob);
  saveAs(address, name);
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}
