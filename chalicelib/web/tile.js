import { html } from "./markup.js";
import { useState } from "./vendor/hooks.js";
import { reasonOf } from "./words.js";

/** One place of the grid: an item, a folder, or what is not here yet. `why` there is no thumbnail, if that is known. */
export function Tile({ index, entry, why, picked, active, onBroken }) {
  const place = { "data-index": index, tabIndex: active ? 0 : -1, role: "gridcell" };
  if (!entry) return html`<div class="tile" ...${place} aria-busy="true"><span class="hidden">Loading</span><div class="face"></div></div>`;
  if (entry.folder !== undefined) {
    const name = entry.folder.slice(entry.folder.lastIndexOf("/", entry.folder.length - 2) + 1, -1);
    return html`
      <div class="tile folder" ...${place}>
        <div class="face"><${Glyph} name="folder" /></div>
        <div class="caption"><span class="hidden">Folder </span>${name || "(no name)"}</div>
      </div>
    `;
  }
  return html`
    <div class="tile" ...${place} aria-selected=${picked ? "true" : "false"}>
      <${Face} item=${entry} why=${why} onBroken=${onBroken} />
      <div class="caption" title=${entry.object_name}>${entry.filename}</div>
      <span class="check" data-check aria-hidden="true"></span>
    </div>
  `;
}

function Face({ item, why, onBroken }) {
  // Which one: what is fetched anew is tried anew.
  const [broken, setBroken] = useState(null);
  const fail = () => {
    setBroken(item);
    onBroken();
  };
  const shown = item.thumbnail_url && broken !== item;
  return html`
    <div class="face">
      ${shown && html`<img src=${item.thumbnail_url} alt="" decoding="async" draggable=${false} onError=${fail} />`}
      ${!shown && html`<${Glyph} name=${item.type ?? "unknown"} /><span class="why ${item.status}">${why ?? (broken === item ? "thumbnail not loaded" : reasonOf(item))}</span>`}
      ${shown && item.type === "video" && html`<span class="badge"><${Glyph} name="play" /><span class="hidden">Video</span></span>`}
      ${item.kind === "link" && html`<span class="badge link"><${Glyph} name="link" /><span class="hidden">Link</span></span>`}
    </div>
  `;
}

const PATHS = {
  image: "M4 5h16v14H4zM4 16l5-5 4 4 3-3 4 4M9 9.5a1 1 0 1 1-2 0 1 1 0 0 1 2 0",
  video: "M4 6h11v12H4zM15 10l5-3v10l-5-3",
  other: "M6 3h8l4 4v14H6zM14 3v4h4",
  unknown: "M6 3h8l4 4v14H6zM14 3v4h4M10 12a2 2 0 1 1 2.5 2v1M12.5 17.5v.1",
  folder: "M3 6h6l2 2h10v11H3z",
  play: "M8 5v14l11-7z",
  link: "M10 14a4 4 0 0 0 6 0l3-3a4 4 0 0 0-6-6l-1 1M14 10a4 4 0 0 0-6 0l-3 3a4 4 0 0 0 6 6l1-1",
};

export function Glyph({ name }) {
  return html`<svg class="glyph ${name}" viewBox="0 0 24 24" aria-hidden="true"><path d=${PATHS[name]} /></svg>`;
}
