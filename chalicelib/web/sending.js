/** Files on their way into a bucket: announced to the API, sent straight to the storage, watched until they are
 * indexed. It goes on whatever view is shown, as long as the page is open. */

import { isAborted, lakePath, pause } from "./api.js";
import { sha256Of } from "./hashing.js";
import { told } from "./words.js";

/** As many requests as browsers have under way with one host. */
const REQUESTS_AT_ONCE = 6;
/** Announced with one call; what the API gives leave for is to be used within a quarter of an hour. */
const FILES_AT_ONCE = 200;
const BYTES_AT_ONCE = 1024 ** 3;
/** What is larger goes in parts. */
const WHOLE_BYTES = 64 * 1024 ** 2;
const IDS_AT_ONCE = 1000;
const ATTEMPTS = 4;
const PAUSE_MS = 700;
const TELL_MS = 100;
const WATCH_MS = 1000;
const LONGEST_WATCH_MS = 5000;
/** How long nothing may be heard of any file that was sent. */
const PATIENCE_MS = 10 * 60_000;

const TYPES = {
  avif: "image/avif",
  bmp: "image/bmp",
  gif: "image/gif",
  heic: "image/heic",
  heif: "image/heif",
  jfif: "image/jpeg",
  jpe: "image/jpeg",
  jpeg: "image/jpeg",
  jpg: "image/jpeg",
  png: "image/png",
  tif: "image/tiff",
  tiff: "image/tiff",
  webp: "image/webp",
  avi: "video/x-msvideo",
  mkv: "video/x-matroska",
  mov: "video/quicktime",
  mp4: "video/mp4",
  webm: "video/webm",
};
const BYTES = "application/octet-stream";

/** What the storage says when the leave to send has run out. */
const EXPIRED = new Set(["AccessDenied", "ExpiredToken", "RequestExpired"]);
/** What it says when there is an object of the name, and when it knows no such condition. */
const TAKEN = "PreconditionFailed";
const NO_CONDITIONS = "NotImplemented";
const PASSING = new Set(["ConditionalRequestConflict", "InternalError", "RequestTimeout", "ServiceUnavailable", "SlowDown"]);

const THERE = "there is an object of this name";
const REASONS = { quota_exceeded: "the datalake would hold more than its quota allows; delete something, or ask an admin for more" };

export const UNDER_WAY = new Set(["waiting", "sending", "sent", "indexed"]);
const WATCHED = new Set(["sent", "indexed"]);
const MENDABLE = new Set(["failed", "canceled"]);

/** What the page was not allowed to talk to. */
const refused = new Set();
document.addEventListener("securitypolicyviolation", (event) => {
  if (URL.canParse(event.blockedURI)) refused.add(new URL(event.blockedURI).origin);
});

/** The storage did not take it. */
class Refusal extends Error {
  constructor(code, message, passing) {
    super(message);
    this.code = code;
    this.passing = passing;
  }
}

const known = new WeakMap();

/** Those of one who is signed in. */
export function uploadsOf(api) {
  if (!known.has(api)) known.set(api, new Uploads(api));
  return known.get(api);
}

class Uploads {
  files = [];
  /** What was dropped and is not on the way yet, because nothing was said of it. */
  chosen = [];
  #api;
  #listeners = new Set();
  #telling = null;
  #watching = false;
  #stop = new AbortController();
  #slots = new Slots(REQUESTS_AT_ONCE);
  #work = Promise.resolve();
  #next = 1;

  constructor(api) {
    this.#api = api;
    addEventListener("beforeunload", this.#hold);
  }

  #hold = (event) => {
    if (this.files.some((file) => file.state === "waiting" || file.state === "sending")) event.preventDefault();
  };

  /** Nobody is signed in any more. */
  leave() {
    this.cancel();
    this.files = [];
    removeEventListener("beforeunload", this.#hold);
  }

  listen(listener) {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** [{file, path}]; what is chosen again takes the place of what was. */
  choose(more) {
    this.chosen = [...new Map([...this.chosen, ...more].map((each) => [each.path, each])).values()];
    this.#tell();
  }

  unchoose() {
    this.chosen = [];
    this.#tell();
  }

  /** All that is chosen begins. `saying`: {folder, tags, source, ifExists}, `folder` below the lake's prefix. */
  begin(lake, saying) {
    const folder = saying.folder.replace(/^\/+|\/+$/g, "");
    const start = lake.prefix + (folder ? `${folder}/` : "");
    const files = this.chosen.map(({ file, path }) => ({
      id: this.#next++,
      file,
      lake,
      saying,
      name: start + path,
      type: TYPES[path.toLowerCase().split(".").pop()] ?? BYTES,
      sha256: null,
      by: "put",
      state: "waiting",
      moved: 0,
      detail: null,
      data: null,
    }));
    this.chosen = [];
    this.files = [...this.files, ...files];
    this.#begin(files);
  }

  again() {
    const files = this.files.filter((file) => MENDABLE.has(file.state));
    for (const file of files) Object.assign(file, { state: "waiting", moved: 0, detail: null });
    this.#begin(files);
  }

  /** What is sent already stays. */
  cancel() {
    this.#stop.abort();
    this.#stop = new AbortController();
    for (const file of this.files) if (file.state === "waiting" || file.state === "sending") file.state = "canceled";
    this.#tell();
  }

  clear() {
    this.files = this.files.filter((file) => UNDER_WAY.has(file.state));
    this.#tell();
  }

  #begin(files) {
    const { signal } = this.#stop;
    this.#work = this.#work.then(async () => {
      for (const group of together(files.filter((file) => file.state === "waiting"))) {
        if (signal.aborted) return;
        await this.#announce(group, signal);
        await Promise.all(group.filter((file) => file.ticket).map((file) => this.#send(file, signal)));
      }
    });
    this.#tell();
  }

  async #announce(chosen, signal) {
    const files = await this.#read(chosen, signal);
    if (!files.length) return;
    try {
      const { lake, saying, by } = files[0];
      const entries = files.map((file) => ({
        object_name: file.name,
        size: file.file.size,
        content_type: file.type,
        ...(file.sha256 && { sha256: file.sha256 }),
        ...(saying.tags.length && { tags: saying.tags }),
        ...(saying.source && { source: saying.source }),
      }));
      const body = { uploads: entries, if_exists: saying.ifExists, by };
      const answer = await this.#api.post(lakePath(lake.id, "uploads"), body, { signal });
      for (const { index, data, upload } of answer.ok) {
        Object.assign(files[index], { data: data.id, before: data.etag, ticket: upload, etag: null });
      }
      for (const { index, code, detail } of answer.failed) this.#end(files[index], "failed", REASONS[code] ?? detail);
      for (const { index, data } of answer.skipped) {
        files[index].data = data?.id ?? null;
        this.#end(files[index], "exists", null);
      }
    } catch (error) {
      if (isAborted(error)) return;
      for (const file of files) this.#end(file, "failed", told(error));
    }
  }

  /** Those whose bytes could be read, with what they are. */
  async #read(files, signal) {
    const found = [];
    for (const file of files) {
      if (signal.aborted) return [];
      try {
        if (!file.sha256 && file.file.size <= WHOLE_BYTES) file.sha256 = await sha256Of(file.file);
        found.push(file);
      } catch {
        this.#end(file, "failed", "the file cannot be read, or not any more");
      }
    }
    return found;
  }

  async #send(file, signal) {
    try {
      if (file.ticket.method === "MULTIPART") await this.#sendParts(file, signal);
      else await this.#slots.use(() => this.#sendWhole(file, signal));
      this.#end(file, "sent", null);
      this.#watch();
    } catch (error) {
      if (error.code === TAKEN && file.saying.ifExists === "skip") this.#end(file, "exists", null);
      else if (error.code === TAKEN) this.#end(file, "failed", THERE);
      else if (!isAborted(error)) this.#end(file, "failed", told(error));
    } finally {
      file.ticket = null;
    }
  }

  async #sendWhole(file, signal) {
    file.state = "sending";
    let [renewed, lost] = [false, false];
    for (let attempt = 1; ; attempt += 1) {
      try {
        const answer = await put(file.ticket, file.file, signal, (moved) => this.#moved(file, moved));
        file.etag = bare(answer.getResponseHeader("ETag"));
        return;
      } catch (error) {
        // Nobody was there before the attempt whose answer was lost: it is what put the bytes there.
        if (error.code === TAKEN && lost) return;
        lost ||= error.passing;
        if (error.code === NO_CONDITIONS && file.by === "put") {
          file.by = "form";
          await this.#renew(file, error, signal);
        } else if (EXPIRED.has(error.code) && !renewed) {
          renewed = true;
          await this.#renew(file, error, signal);
        } else if (!error.passing || attempt === ATTEMPTS) throw error;
        else await pause(PAUSE_MS * 2 ** (attempt - 1), signal);
      }
    }
  }

  async #renew(file, error, signal) {
    await this.#announce([file], signal);
    signal.throwIfAborted();
    if (file.state !== "sending") throw new Refusal(error.code, file.detail ?? error.message, false);
  }

  async #sendParts(file, signal) {
    const { upload_id: id, part_size: size, part_count: count, parts } = file.ticket;
    const path = lakePath(file.lake.id, "uploads", id);
    const addresses = new Map(parts.map((part) => [part.number, part.url]));
    const moved = new Map();
    const send = async (number) => {
      file.state = "sending";
      const part = file.file.slice(size * (number - 1), size * number);
      for (let attempt = 1; ; attempt += 1) {
        try {
          if (!addresses.has(number)) {
            const found = await this.#api.get(`${path}/parts`, { first: number }, { signal });
            for (const each of found.parts) addresses.set(each.number, each.url);
          }
          const ticket = { method: "PUT", url: addresses.get(number) };
          const answer = await put(ticket, part, signal, (octets) => {
            moved.set(number, octets);
            this.#moved(file, [...moved.values()].reduce((sum, each) => sum + each, 0));
          });
          return { number, etag: bare(answer.getResponseHeader("ETag")) };
        } catch (error) {
          const expired = EXPIRED.has(error.code);
          if (expired) addresses.delete(number);
          if ((!expired && !error.passing) || attempt === ATTEMPTS) throw error;
          await pause(PAUSE_MS * 2 ** (attempt - 1), signal);
        }
      }
    };
    try {
      const numbers = Array.from({ length: count }, (_, index) => index + 1);
      const sent = await Promise.all(numbers.map((number) => this.#slots.use(() => aborting(signal, () => send(number)))));
      await this.#api.post(`${path}/complete`, { parts: sent }, { signal });
    } catch (error) {
      // What came of it would be kept for days.
      this.#api.delete(path).catch(() => {});
      throw error;
    }
  }

  #moved(file, octets) {
    file.moved = Math.min(octets, file.file.size);
    this.#tell();
  }

  #end(file, state, detail) {
    Object.assign(file, { state, detail });
    if (state === "sent") file.moved = file.file.size;
    this.#tell();
  }

  async #watch() {
    if (this.#watching) return;
    this.#watching = true;
    let heard = Date.now();
    for (let wait = WATCH_MS; ; wait = Math.min(wait * 1.3, LONGEST_WATCH_MS)) {
      const watched = this.files.filter((file) => WATCHED.has(file.state));
      if (!watched.length || Date.now() - heard > PATIENCE_MS) break;
      await pause(wait);
      if (await this.#look(watched)) [heard, wait] = [Date.now(), WATCH_MS];
    }
    this.#watching = false;
  }

  /** Whether anything is other than it was. */
  async #look(watched) {
    let changed = false;
    for (const [lake, files] of Map.groupBy(watched, (file) => file.lake)) {
      const asked = files.slice(0, IDS_AT_ONCE);
      const body = { ids: asked.map((file) => file.data) };
      const answer = await this.#api.post(lakePath(lake.id, "uploads", "status"), body).catch(() => null);
      if (!answer) continue;
      const found = new Map(answer.items.map((item) => [item.id, item]));
      for (const file of asked) {
        const state = stateOf(file, found.get(file.data));
        if (state.state !== file.state) changed = true;
        this.#end(file, state.state, state.detail);
      }
    }
    return changed;
  }

  #tell() {
    this.#telling ??= setTimeout(() => {
      this.#telling = null;
      for (const listener of this.#listeners) listener();
    }, TELL_MS);
  }
}

/** What the index says of a file that was sent. */
function stateOf(file, item) {
  if (!item) return { state: "failed", detail: "it was deleted meanwhile" };
  const isNew = file.etag ? item.etag === file.etag : item.etag !== file.before;
  if (item.status === "pending" || !isNew) return { state: "sent", detail: null };
  if (item.status === "indexed") return { state: file.lake.preprocess === "eager" ? "indexed" : "done", detail: null };
  return { state: item.status === "ready" ? "ready" : "looked", detail: item.status_reason };
}

class Slots {
  #free;
  #waiting = [];

  constructor(count) {
    this.#free = count;
  }

  async use(work) {
    if (this.#free > 0) this.#free -= 1;
    else await new Promise((resolve) => this.#waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#free += 1;
    }
  }
}

function* together(files) {
  let group = [];
  let octets = 0;
  for (const file of files) {
    const full = group.length === FILES_AT_ONCE || octets + file.file.size > BYTES_AT_ONCE;
    if (group.length && (full || file.lake !== group[0].lake || file.saying !== group[0].saying)) {
      yield group;
      [group, octets] = [[], 0];
    }
    group.push(file);
    octets += file.file.size;
  }
  if (group.length) yield group;
}

function aborting(signal, work) {
  signal.throwIfAborted();
  return work();
}

/** Bytes to where the API allowed them to go. Only this kind of request tells how far it is. */
export function put(ticket, body, signal, onProgress = () => {}) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    const abort = () => request.abort();
    request.open(ticket.method, ticket.url);
    for (const [name, value] of Object.entries(ticket.headers ?? {})) request.setRequestHeader(name, value);
    request.upload.onprogress = (event) => onProgress(event.loaded);
    request.onload = () => (request.status < 300 ? resolve(request) : reject(refusalOf(request)));
    request.onerror = () => reject(unreached(ticket.url));
    request.onabort = () => reject(signal.reason);
    request.onloadend = () => signal?.removeEventListener("abort", abort);
    signal?.addEventListener("abort", abort);
    if (signal?.aborted) return reject(signal.reason);
    request.send(ticket.method === "POST" ? formOf(ticket, body) : body);
  });
}

function formOf(ticket, body) {
  const form = new FormData();
  for (const [name, value] of Object.entries(ticket.fields)) form.append(name, value);
  form.append("file", body);
  return form;
}

function refusalOf(request) {
  const code = request.responseXML?.querySelector("Code")?.textContent ?? String(request.status);
  const message = request.responseXML?.querySelector("Message")?.textContent ?? "the storage did not take it";
  return new Refusal(code, `${message} (${code})`, request.status >= 500 || request.status === 429 || PASSING.has(code));
}

function unreached(address) {
  const { origin } = new URL(address, location.href);
  if (!refused.has(origin)) {
    return new Refusal(null, "the storage cannot be reached, or its bucket does not allow this page to send (CORS)", true);
  }
  return new Refusal(null, `this page may not talk to ${origin}: the deployment has to name it in GalleryOrigins`, false);
}

function bare(etag) {
  return etag?.replaceAll('"', "") ?? null;
}
