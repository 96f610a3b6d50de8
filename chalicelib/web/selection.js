/** Which items are meant by what comes next: some, by id, or all that the question finds but for a few. */

import { EXCEPTIONS, condition } from "./questions.js";
import { useEffect, useMemo, useReducer } from "./vendor/hooks.js";

/** A range that is longer is one to ask a question for. */
const LONGEST_RANGE = 10_000;

export class Selection {
  /** Where a range begins. */
  anchor = null;

  #listing;
  #asked;
  #ids = new Set();
  #all = false;
  #changed;
  #refuse;

  constructor(listing, asked, changed, refuse) {
    this.#listing = listing;
    this.#asked = asked;
    this.#changed = changed;
    this.#refuse = refuse;
  }

  /** Of the ids; of all that is found it is the least that is known. */
  get size() {
    return this.#all ? Math.max(this.#listing.length - this.#ids.size, 1) : this.#ids.size;
  }

  /** Whether `size` is all there is. */
  get exact() {
    return !this.#all || (this.#listing.done && !this.#asked.folders);
  }

  get isAll() {
    return this.#all;
  }

  /** What calls that change many data take: {ids} or {q}. */
  get target() {
    return this.#all ? { q: condition(this.#asked, [...this.#ids]) } : { ids: [...this.#ids] };
  }

  has(entry) {
    return entry?.id !== undefined && this.#ids.has(entry.id) !== this.#all;
  }

  toggle(index) {
    const entry = this.#listing.at(index);
    if (entry?.id === undefined) return;
    if (this.#ids.has(entry.id)) this.#ids.delete(entry.id);
    else if (this.#all && this.#ids.size === EXCEPTIONS) {
      this.#refuse(`All but ${EXCEPTIONS} is as far as it goes; ask for less instead.`);
      return;
    } else this.#ids.add(entry.id);
    this.anchor = index;
    this.#changed();
  }

  /** All from one place to another, also where it is not here any more. */
  async extend(from, to) {
    if (this.#all) return;
    if (Math.abs(to - from) >= LONGEST_RANGE) {
      this.#refuse(`A range has at most ${LONGEST_RANGE.toLocaleString("en")} items; select all, or ask for less.`);
      return;
    }
    this.anchor ??= from;
    try {
      const items = await this.#listing.items(Math.min(this.anchor, to), Math.max(this.anchor, to));
      for (const item of items) this.#ids.add(item.id);
    } catch (error) {
      this.#refuse(error.message);
    }
    this.#changed();
  }

  all() {
    this.#all = true;
    this.#ids.clear();
    this.#changed();
  }

  clear() {
    this.#all = false;
    this.#ids.clear();
    this.anchor = null;
    this.#changed();
  }
}

/** Empty again for every listing. */
export function useSelection(listing, asked, refuse) {
  const [, draw] = useReducer((drawn) => drawn + 1, 0);
  const selection = useMemo(() => new Selection(listing, asked, draw, refuse), [listing]);
  useEffect(() => listing.subscribe(draw), [listing]);
  return selection;
}
