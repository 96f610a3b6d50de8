/** What a question finds, page by page. Of pages far from what is looked at only their places are kept, so that memory
 * is bounded however far one scrolls; they are fetched again when they come into sight, and when the addresses of
 * their thumbnails are about to expire. */

import { isAborted, lakePath } from "./api.js";
import { searchBody } from "./questions.js";
import { Remaking } from "./thumbnails.js";

const PAGE = 100;

/** Entries that are fetched before they come into sight. */
const AHEAD = 50;

/** Entries before and behind what is looked at that are kept. */
const KEPT = 400;

/** Addresses of thumbnails are valid for 15 minutes. */
const FRESH_MS = 13 * 60_000;

/** How often what is in sight is asked for again while none of it changes by itself: some minutes, ever less often. */
const TURNS = 25;
const FIRST_WAIT_MS = 2000;
const LONGEST_WAIT_MS = 15_000;

export class Listing {
  /** What the first request went wrong with, or the last one. */
  failure = null;
  length = 0;
  done = false;

  #api;
  #lake;
  #path;
  #asked;
  #remaking;
  #awaited = "";
  #turns = 0;
  #pages = [];
  #next = null;
  #wanted = [0, 0];
  #extending = false;
  #ended = new AbortController();
  #listeners = new Set();

  constructor(api, lake, asked) {
    this.#api = api;
    this.#lake = lake;
    this.#path = lakePath(lake.id, "data", "search");
    this.#asked = asked;
    this.#remaking = new Remaking(api, lake, this.#ended.signal, (ids) => this.#remade(ids));
  }

  subscribe(listener) {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Nobody looks any more. */
  end() {
    this.#ended.abort();
    this.#listeners.clear();
  }

  /** An item, or {folder}; undefined while it is not here. */
  at(index) {
    const page = this.#pageOf(index);
    return page?.entries?.[index - page.start];
  }

  /** The item of this id and its index, if it is here. */
  find(id) {
    for (const page of this.#pages) {
      const place = page.entries?.findIndex((entry) => entry.id === id) ?? -1;
      if (place >= 0) return { index: page.start + place, item: page.entries[place] };
    }
    return null;
  }

  get empty() {
    return this.done && this.length === 0;
  }

  /** Whether more is being looked for. */
  get searching() {
    return this.#extending;
  }

  /** These entries are looked at. */
  want(first, last) {
    this.#wanted = [first, last];
    for (const page of this.#pages) {
      const distance = Math.max(page.start - last, first - page.start - page.count, 0);
      if (distance > KEPT) {
        page.entries = null;
        // Else all that one passes by would come before what one gets to.
        page.loading?.abort();
      }
      else if (distance === 0 && !isFresh(page)) this.#refetch(page);
    }
    this.#extend();
  }

  /** What is looked at is asked for again if it may soon be otherwise by itself, or its addresses expire. How many
   * milliseconds until that is to be done again. */
  keepUp() {
    const awaited = this.#unsettled().join();
    if (awaited !== this.#awaited) this.#turns = 0;
    this.#awaited = awaited;
    if (!this.failure && this.isPatient && awaited) {
      this.#turns += 1;
      this.refresh();
    } else if (!this.failure) this.want(...this.#wanted);
    return Math.min(FIRST_WAIT_MS * 1.3 ** this.#turns, LONGEST_WAIT_MS);
  }

  /** Whether what is not looked at yet is still waited for. */
  get isPatient() {
    return this.#turns < TURNS;
  }

  /** What is looked at is asked for again: it may have changed. */
  refresh() {
    for (const page of this.#pages) page.fetchedAt = 0;
    this.retry();
  }

  retry() {
    this.failure = null;
    this.want(...this.#wanted);
    this.#tell();
  }

  /** A thumbnail could not be had: its address may have expired while this tab slept, or its file is gone. */
  doubt(index) {
    const page = this.#pageOf(index);
    if (!page?.entries) return;
    if (!isFresh(page)) this.#refetch(page);
    else this.#remaking.begin(this.at(index).id);
  }

  /** Whether the item's thumbnail is being made again. */
  isRemade(id) {
    return this.#remaking.has(id);
  }

  /** What is shown of one item from now on. */
  replace(item) {
    const found = this.find(item.id);
    if (!found) return;
    const page = this.#pageOf(found.index);
    page.entries[found.index - page.start] = { ...item, thumbnail_url: item.thumbnail_url ?? found.item.thumbnail_url };
    this.#tell();
  }

  /** Items from one index to another, both inclusive, wherever they are. */
  async items(first, last) {
    const pages = this.#pages.filter((page) => page.start <= last && page.start + page.count > first);
    const found = [];
    for (const page of pages) {
      const entries = page.entries ?? (await this.#fetch(page.cursor, this.#ended.signal)).entries;
      found.push(...entries.slice(Math.max(0, first - page.start), last - page.start + 1));
    }
    return found.filter((entry) => entry.id);
  }

  /** The ids of what is in sight and may be otherwise soon. */
  #unsettled() {
    const [first, last] = this.#wanted;
    const found = [];
    for (let index = first; index <= Math.min(last, this.length - 1); index += 1) {
      const entry = this.at(index);
      if (isUnsettled(entry, this.#lake)) found.push(entry.id);
    }
    return found;
  }

  #remade(ids) {
    for (const page of this.#pages) {
      if (page.entries?.some((entry) => ids.includes(entry.id))) this.#refetch(page);
    }
    this.#tell();
  }

  #pageOf(index) {
    let [low, high] = [0, this.#pages.length - 1];
    while (low <= high) {
      const middle = (low + high) >> 1;
      const page = this.#pages[middle];
      if (index < page.start) high = middle - 1;
      else if (index >= page.start + page.count) low = middle + 1;
      else return page;
    }
    return null;
  }

  async #extend() {
    if (this.#extending) return;
    this.#extending = true;
    try {
      while (!this.done && !this.failure && this.#wanted[1] + AHEAD >= this.length) {
        const cursor = this.#next;
        const { entries, next } = await this.#fetch(cursor, this.#ended.signal);
        if (cursor !== this.#next) continue;
        // An empty page is none: the API spent its budget for one request before it found anything.
        if (entries.length) this.#pages.push(pageOf(cursor, next, this.length, entries));
        else if (this.#pages.length) this.#pages.at(-1).next = next;
        this.#continueAt(next);
      }
    } catch (error) {
      this.#fail(error);
    } finally {
      this.#extending = false;
    }
  }

  async #refetch(page) {
    if (page.loading) return;
    page.loading = new AbortController();
    try {
      const { entries, next } = await this.#fetch(page.cursor, AbortSignal.any([this.#ended.signal, page.loading.signal]));
      const place = this.#pages.indexOf(page);
      if (place < 0) return;
      const same = entries.length === page.count && (next === page.next || next === page.own);
      Object.assign(page, { entries, fetchedAt: Date.now() });
      if (same) this.#tell();
      else {
        // It ends elsewhere than it did, so what follows it does, too.
        Object.assign(page, { next, own: next, count: entries.length });
        this.#pages.length = entries.length ? place + 1 : place;
        this.#continueAt(next);
        this.#extend();
      }
    } catch (error) {
      this.#fail(error);
    } finally {
      page.loading = null;
    }
  }

  #continueAt(next) {
    const last = this.#pages.at(-1);
    this.length = last ? last.start + last.count : 0;
    this.#next = next;
    this.done = next === null;
    this.#tell();
  }

  async #fetch(cursor, signal) {
    const body = searchBody(this.#asked, { limit: PAGE, cursor, thumbnails: true });
    const answer = await this.#api.post(this.#path, body, { signal });
    return { entries: merged(answer.items, answer.folders ?? [], this.#asked.order), next: answer.next_cursor };
  }

  #fail(error) {
    if (isAborted(error)) return;
    this.failure = error;
    this.#tell();
  }

  #tell() {
    for (const listener of this.#listeners) listener();
  }
}

/** `own`: where it ended by itself; `next`: where what follows begins, behind pages that were empty. */
function pageOf(cursor, next, start, entries) {
  return { cursor, next, own: next, start, count: entries.length, entries, fetchedAt: Date.now(), loading: null };
}

function isFresh(page) {
  return page.entries !== null && Date.now() - page.fetchedAt < FRESH_MS;
}

/** Whether the item may be otherwise soon without anybody's doing. */
export function isUnsettled(item, lake) {
  return item?.status === "pending" || (item?.status === "indexed" && lake.preprocess !== "off");
}

function merged(items, folders, order) {
  if (!folders.length) return items;
  const sign = order.startsWith("-") ? -1 : 1;
  const name = (entry) => entry.folder ?? entry.object_name;
  const entries = [...items, ...folders.map((folder) => ({ folder }))];
  return entries.sort((one, other) => sign * (name(one) < name(other) ? -1 : 1));
}
