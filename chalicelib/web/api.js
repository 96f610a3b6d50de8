/** All calls to the API: the key, what went wrong, and trying again. */

const ATTEMPTS = 4;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 15_000;
const POLL_MS = 1000;
/** How long a job may not be heard of before it is given up; it goes on all the same. */
const DEAF_MS = 120_000;
const PASSING = new Set([429, 500, 502, 503, 504]);

/** What the API answers instead of what was asked for (RFC 9457). */
export class Problem extends Error {
  constructor(status, body) {
    super(body.detail ?? body.title ?? `the answer was ${status}`);
    this.name = "Problem";
    this.status = status;
    this.code = body.code ?? "unknown";
    /** Each mistake of a request that was malformed. */
    this.errors = body.errors ?? [];
    this.requestId = body.request_id ?? null;
  }
}

/** No answer at all. */
export class Unreachable extends Error {
  constructor() {
    super("the server cannot be reached");
    this.name = "Unreachable";
  }
}

export class Api {
  #key;
  #address;

  /** `onRefused` hears of a key that is not, or no longer, accepted; `onTrouble` of each attempt that fails and is
   * made again, and with null when one of those succeeded. */
  constructor(key, { onRefused = () => {}, onTrouble = () => {} } = {}) {
    this.#key = key;
    this.#address = new URL("../v1/", import.meta.url);
    this.onRefused = onRefused;
    this.onTrouble = onTrouble;
  }

  get(path, query, options) {
    return this.call("GET", path, { query, ...options });
  }

  post(path, body, options) {
    return this.call("POST", path, { body, ...options });
  }

  patch(path, body, options) {
    return this.call("PATCH", path, { body, ...options });
  }

  delete(path, { query, body, ...options } = {}) {
    return this.call("DELETE", path, { query, body, ...options });
  }

  /** `path` is below /v1/, its parts encoded. The JSON of the answer, null where there is none. `once`: what would
   * be done twice if it were asked for twice, or what is better asked for later. `idempotencyKey` makes that safe
   * where the API takes one. */
  async call(method, path, { query, body, signal, redirect, once = false, idempotencyKey } = {}) {
    const address = new URL(path, this.#address);
    for (const [name, value] of Object.entries(query ?? {})) {
      for (const each of [value].flat()) {
        if (each !== undefined && each !== null) address.searchParams.append(name, each);
      }
    }
    const headers = { Authorization: `Bearer ${this.#key}` };
    if (body !== undefined) headers["Content-Type"] = "application/json";
    if (idempotencyKey) headers["Idempotency-Key"] = idempotencyKey;
    const request = { method, headers, signal, redirect, body: body === undefined ? undefined : JSON.stringify(body) };
    const attempts = once && !idempotencyKey ? 1 : ATTEMPTS;
    for (let attempt = 1; ; attempt += 1) {
      try {
        const answer = await perform(address, { ...request, cache: "no-store", credentials: "omit" });
        if (attempt > 1) this.onTrouble(null);
        return answer;
      } catch (error) {
        if (error.status === 401) this.onRefused();
        if (attempt >= attempts || !isPassing(error)) {
          if (attempt > 1) this.onTrouble(null);
          throw error;
        }
        this.onTrouble(error);
        await pause(error.retryAfter ?? FIRST_PAUSE_MS * 2 ** (attempt - 1) * (0.75 + Math.random() / 2), signal);
      }
    }
  }

  /** Whether the path leads anywhere, which is not followed. Raises Problem where it does not. */
  async leads(path, options) {
    await this.get(path, {}, { redirect: "manual", once: true, ...options });
  }

  /** The job when it is over; `tell` hears of it until then. */
  async follow(job, tell = () => {}, signal = undefined) {
    let seen = job;
    let heard = Date.now();
    while (seen.state === "queued" || seen.state === "running") {
      tell(seen);
      await pause(POLL_MS, signal);
      try {
        seen = await this.get(`jobs/${encodeURIComponent(job.id)}`, {}, { signal });
        heard = Date.now();
      } catch (error) {
        if (!isPassing(error) || Date.now() - heard > DEAF_MS) throw error;
      }
    }
    tell(seen);
    return seen;
  }
}

export function isAborted(error) {
  return error?.name === "AbortError";
}

/** The path of a datalake, by its name or id, and of what is below it. */
export function lakePath(lake, ...parts) {
  return ["datalakes", lake, ...parts].map(encodeURIComponent).join("/");
}

async function perform(address, request) {
  let response;
  try {
    response = await fetch(address, request);
    if (response.type === "opaqueredirect") return null;
    const text = await response.text();
    if (response.ok) return text ? JSON.parse(text) : null;
    throw Object.assign(new Problem(response.status, read(text)), { retryAfter: pauseOf(response) });
  } catch (error) {
    if (error instanceof Problem || isAborted(error)) throw error;
    throw new Unreachable();
  }
}

function read(text) {
  try {
    return JSON.parse(text) ?? {};
  } catch {
    return {};
  }
}

function pauseOf(response) {
  const seconds = Number(response.headers.get("Retry-After"));
  return seconds > 0 ? Math.min(seconds * 1000, LONGEST_PAUSE_MS) : undefined;
}

function isPassing(error) {
  return error instanceof Unreachable || PASSING.has(error.status) || error.retryAfter !== undefined;
}

export function pause(ms, signal) {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(signal.reason);
    const timer = setTimeout(resolve, ms);
    signal?.addEventListener("abort", () => {
      clearTimeout(timer);
      reject(signal.reason);
    }, { once: true });
    return undefined;
  });
}

/** For what is to happen once however often it is asked for. Also where the browser takes the page's origin for
 * none that is secure. */
export function newKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (octet) => octet.toString(16).padStart(2, "0")).join("");
}
