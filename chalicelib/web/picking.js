/** Files and folders that somebody drops or chooses. */

import { html } from "./markup.js";
import { useEffect, useRef, useState } from "./vendor/hooks.js";

/** What systems leave in folders by themselves. */
const LEFTOVERS = new Set([".DS_Store", "Thumbs.db", "desktop.ini"]);

/** `onPick` gets [{file, path}], the path beginning with the folder that was dropped or chosen. */
export function DropZone({ label, onPick, accept, folders = false, many = true, children }) {
  const [over, setOver] = useState(false);
  const files = useRef(null);
  const folder = useRef(null);
  const pick = (event) => {
    const input = event.currentTarget;
    onPick(useful([...input.files].map((file) => ({ file, path: file.webkitRelativePath || file.name }))));
    // So that the same choice is heard of again.
    input.value = "";
  };
  const drop = async (event) => {
    event.preventDefault();
    setOver(false);
    onPick(useful(await dropped(event.dataTransfer)));
  };
  const drag = (event) => {
    event.preventDefault();
    setOver(true);
  };
  return html`
    <section class="drop" data-over=${over} aria-label=${label} onDragOver=${drag} onDragLeave=${() => setOver(false)} onDrop=${drop}>
      ${children}
      <div class="offers">
        <button type="button" onClick=${() => files.current.click()}>${many ? "Choose files …" : "Choose a file …"}</button>
        ${folders && html`<button type="button" onClick=${() => folder.current.click()}>Choose a folder …</button>`}
      </div>
      <input ref=${files} class="picker" type="file" multiple=${many} accept=${accept} aria-label="Files" tabindex="-1" hidden onChange=${pick} />
      ${folders && html`<input ref=${folder} class="picker" type="file" webkitdirectory aria-label="Folder" tabindex="-1" hidden onChange=${pick} />`}
    </section>
  `;
}

/** Files that are dropped beside all zones: else the browser would show them in the place of this page. */
export function useStrays(onPick) {
  useEffect(() => {
    const isOfFiles = (event) => event.dataTransfer?.types.includes("Files");
    const drag = (event) => isOfFiles(event) && event.preventDefault();
    const drop = async (event) => {
      if (!isOfFiles(event) || event.defaultPrevented) return;
      event.preventDefault();
      onPick(useful(await dropped(event.dataTransfer)));
    };
    addEventListener("dragover", drag);
    addEventListener("drop", drop);
    return () => {
      removeEventListener("dragover", drag);
      removeEventListener("drop", drop);
    };
  }, [onPick]);
}

function useful(chosen) {
  return chosen.filter(({ file }) => !LEFTOVERS.has(file.name));
}

async function dropped(transfer) {
  // The list is gone once anything is waited for.
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry()).filter(Boolean);
  const found = [];
  for (const entry of entries) await walk(entry, "", found);
  return found;
}

async function walk(entry, above, found) {
  const path = above + entry.name;
  if (entry.isFile) {
    const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
    found.push({ file, path });
    return;
  }
  const reader = entry.createReader();
  for (;;) {
    // A hundred at a time.
    const part = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!part.length) return;
    for (const each of part) await walk(each, `${path}/`, found);
  }
}
