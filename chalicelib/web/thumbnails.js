/** Thumbnails whose files were removed: each is asked for once, which has it made again, and looked for until it is
 * there, but not for ever. */

import { isAborted, lakePath, pause } from "./api.js";

const AT_ONCE = 6;
const TURNS = 12;
const FIRST_PAUSE_MS = 2000;
const LONGEST_PAUSE_MS = 15_000;

export class Remaking {
  #api;
  #lake;
  #signal;
  #tell;
  /** Turns that are left, by id. */
  #awaited = new Map();
  #known = new Set();
  #running = false;

  /** `tell` hears which are there now, and of none when one was given up. */
  constructor(api, lake, signal, tell) {
    this.#api = api;
    this.#lake = lake;
    this.#signal = signal;
    this.#tell = tell;
  }

  has(id) {
    return this.#awaited.has(id);
  }

  async begin(id) {
    if (this.#known.has(id)) return;
    this.#known.add(id);
    this.#awaited.set(id, TURNS);
    if (this.#running) return;
    this.#running = true;
    try {
      for (let wait = 0; this.#awaited.size; wait = Math.min(Math.max(FIRST_PAUSE_MS, wait * 1.4), LONGEST_PAUSE_MS)) {
        await pause(wait, this.#signal);
        await this.#lookAtAll();
      }
    } catch (error) {
      if (!isAborted(error)) throw error;
    } finally {
      this.#running = false;
    }
  }

  async #lookAtAll() {
    const there = [];
    const waiting = [...this.#awaited.keys()];
    while (waiting.length) {
      const some = waiting.splice(0, AT_ONCE);
      const found = await Promise.all(some.map((id) => this.#look(id)));
      there.push(...some.filter((_, place) => found[place]));
    }
    this.#tell(there);
  }

  async #look(id) {
    try {
      await this.#api.leads(lakePath(this.#lake.id, "data", id, "thumbnail"), { signal: this.#signal });
      this.#awaited.delete(id);
      return true;
    } catch (error) {
      if (isAborted(error)) throw error;
      const left = this.#awaited.get(id) - 1;
      if (left > 0 && (error.status !== 404 || error.code === "not_ready")) this.#awaited.set(id, left);
      else this.#awaited.delete(id);
      return false;
    }
  }
}
