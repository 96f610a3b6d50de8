/** The thumbnails of a listing. Only the rows in sight are in the document, and the one that has the focus. */

import { html } from "./markup.js";
import { Tile } from "./tile.js";
import { useEffect, useLayoutEffect, useReducer, useRef, useState } from "./vendor/hooks.js";

const GAP = 10;
const NARROWEST = 150;
const NARROWEST_ON_PHONES = 104;
const PHONE = 500;
const CAPTION = 30;
const ROWS_AROUND = 2;

/** `active`: the index that has the focus, or would have it. */
export function Grid({ lake, listing, selection, active, onActive, onOpen, label }) {
  const scroller = useRef(null);
  const sizer = useRef(null);
  const [box, setBox] = useState({ width: 0, height: 0 });
  const [top, setTop] = useState(0);
  const focusing = useRef(false);
  const [, draw] = useReducer((drawn) => drawn + 1, 0);
  useEffect(() => listing.subscribe(draw), [listing]);

  useLayoutEffect(() => {
    const measure = () => {
      const { width } = sizer.current.getBoundingClientRect();
      const height = scroller.current.clientHeight;
      setBox((before) => (before.width === width && before.height === height ? before : { width, height }));
    };
    const observer = new ResizeObserver(measure);
    observer.observe(scroller.current);
    measure();
    return () => observer.disconnect();
  }, []);
  useLayoutEffect(() => {
    scroller.current.scrollTop = 0;
    setTop(0);
  }, [listing]);

  const shape = shapeOf(box.width);
  const rows = Math.ceil(listing.length / shape.columns);
  const first = Math.max(0, Math.floor(top / shape.height) - ROWS_AROUND);
  const last = Math.min(rows - 1, Math.ceil((top + box.height) / shape.height) + ROWS_AROUND);
  const activeRow = Math.floor(active / shape.columns);

  useEffect(() => {
    if (box.width) listing.want(first * shape.columns, (last + 1) * shape.columns);
  }, [listing, first, last, shape.columns, box.width]);
  useLayoutEffect(() => {
    if (!focusing.current) return;
    focusing.current = false;
    scroller.current.querySelector(`[data-index="${active}"]`)?.focus({ preventScroll: true });
  });

  const move = (index, extends_) => {
    const target = Math.max(0, Math.min(index, listing.length - 1));
    const row = Math.floor(target / shape.columns) * shape.height;
    const element = scroller.current;
    if (row < element.scrollTop) element.scrollTop = row;
    else if (row + shape.height > element.scrollTop + box.height) element.scrollTop = row + shape.height - box.height;
    focusing.current = true;
    if (extends_) selection.extend(active, target);
    onActive(target);
    setTop(element.scrollTop);
    draw();
  };
  const onKeyDown = (event) => {
    const page = Math.max(1, Math.floor(box.height / shape.height)) * shape.columns;
    const rowStart = active - (active % shape.columns);
    const steps = {
      ArrowLeft: active - 1,
      ArrowRight: active + 1,
      ArrowUp: active < shape.columns ? active : active - shape.columns,
      ArrowDown: active + shape.columns,
      PageUp: active - page,
      PageDown: active + page,
      Home: event.ctrlKey ? 0 : rowStart,
      End: event.ctrlKey ? listing.length - 1 : rowStart + shape.columns - 1,
    };
    if (event.key in steps && !event.altKey) move(steps[event.key], event.shiftKey);
    else if (event.key === "Enter") onOpen(active);
    else if (event.key === " ") selection.toggle(active);
    else if (event.key === "a" && (event.ctrlKey || event.metaKey)) selection.all();
    else if (event.key === "Escape" && selection.size) selection.clear();
    else return;
    event.preventDefault();
  };
  const onClick = (event) => {
    const place = event.target.closest?.("[data-index]");
    if (!place) return;
    const index = Number(place.dataset.index);
    onActive(index);
    const entry = listing.at(index);
    const picks = event.target.closest("[data-check]") || event.ctrlKey || event.metaKey || selection.size > 0;
    if (entry?.folder !== undefined) onOpen(index);
    else if (event.shiftKey) selection.extend(selection.anchor ?? active, index);
    else if (picks) selection.toggle(index);
    else onOpen(index);
  };

  const drawn = [];
  for (let row = first; row <= last; row += 1) drawn.push(row);
  if (rows && !drawn.includes(activeRow) && activeRow < rows) drawn.push(activeRow);
  return html`
    <div class="grid" ref=${scroller} role="grid" aria-label=${label} aria-multiselectable="true"
      aria-rowcount=${listing.done ? rows : -1} aria-colcount=${shape.columns} aria-busy=${listing.searching ? "true" : "false"}
      onScroll=${(event) => setTop(event.currentTarget.scrollTop)} onKeyDown=${onKeyDown} onClick=${onClick}
      onMouseDown=${(event) => event.shiftKey && event.preventDefault()}>
      <div class="rows" ref=${sizer} role="presentation" style=${{ height: `${rows * shape.height}px` }}>
        ${drawn.map(
          (row) => html`
            <div key=${row} role="row" aria-rowindex=${row + 1}
              style=${{ transform: `translateY(${row * shape.height}px)`, gridTemplateColumns: `repeat(${shape.columns}, 1fr)`, height: `${shape.height - GAP}px` }}>
              ${indices(row, shape.columns, listing.length).map(
                (index) => html`
                  <${Tile} key=${index} index=${index} entry=${listing.at(index)} why=${whyNoThumbnail(listing, lake, listing.at(index))} picked=${selection.has(listing.at(index))}
                    active=${index === active} onBroken=${() => listing.doubt(index)} />
                `,
              )}
            </div>
          `,
        )}
      </div>
    </div>
  `;
}

/** Also of what has one that may not be had. */
function whyNoThumbnail(listing, lake, item) {
  if (listing.isRemade(item?.id)) return "being made again";
  if (item?.status !== "indexed" || lake.preprocess === "off") return null;
  return listing.isPatient ? "being looked at" : "not looked at yet";
}

function indices(row, columns, length) {
  const found = [];
  for (let index = row * columns; index < Math.min((row + 1) * columns, length); index += 1) found.push(index);
  return found;
}

/** How many columns fit, and how high a row is with the gap below it: tiles are square, with a line of text. */
function shapeOf(width) {
  const narrowest = width < PHONE ? NARROWEST_ON_PHONES : NARROWEST;
  const columns = Math.max(1, Math.floor((width + GAP) / (narrowest + GAP)));
  return { columns, height: Math.floor((width - GAP * (columns - 1)) / columns) + CAPTION + GAP };
}
