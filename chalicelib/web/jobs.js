/** Long work: how far it is, ending it, and what it reports. */

import { isAborted } from "./api.js";
import { html } from "./markup.js";
import { useEffect, useRef, useState } from "./vendor/hooks.js";
import { bytes, moment, told } from "./words.js";

const LOOK_MS = 1500;
const IDLE_LOOK_MS = 10_000;
const PAGE = 20;

const KINDS = {
  csv_import: "CSV import",
  bucket_import: "Bucket import",
  scan: "Scan of the bucket",
  sync: "Comparison with the bucket",
  delete: "Deletion",
  delete_lake: "Deletion of a datalake",
  edit_by_query: "Edit of what a query finds",
  detach_label: "Removal of a label",
  check_links: "Check of links",
  export: "Export",
};
const STATES = { queued: "Waiting", running: "Running", succeeded: "Done", failed: "Failed", canceled: "Canceled" };
/** Of progress, what is no plain count. */
const SECONDS = new Set(["seconds_left"]);
const BYTES = new Set(["bytes"]);

export default function Jobs({ api, lake, lakes, caller, say }) {
  const [everywhere, setEverywhere] = useState(false);
  const { jobs, more, failure, look } = useJobs(api, everywhere ? null : lake.id);
  const names = new Map(lakes.map((each) => [each.id, each.name]));
  const cancel = async (job) => {
    try {
      await api.post(`jobs/${encodeURIComponent(job.id)}/cancel`, undefined, { once: true });
      say(`${kindOf(job)} is canceled; what it has done stays.`);
    } catch (error) {
      say(told(error), { tone: "bad" });
    }
    look();
  };
  return html`
    <main id="main" class="page work" tabindex="-1">
      <h1>Jobs</h1>
      <label class="choice"><input type="checkbox" checked=${everywhere} onChange=${(event) => setEverywhere(event.currentTarget.checked)} /> Of all datalakes</label>
      ${failure && html`<p class="remark bad" role="alert">${told(failure)}</p>`}
      ${jobs?.length === 0 && html`<p class="muted">There is none yet. Scans, imports, deletions and other long work show here for 30 days.</p>`}
      <ul class="cards" aria-label="Jobs">
        ${jobs?.map(
          (job) => html`
            <li key=${job.id} class="panel" data-state=${job.state}>
              <h2>${kindOf(job)} <span class="muted">${names.get(job.datalake_id) ?? ""}</span></h2>
              <p><${JobState} job=${job} /> <span class="muted">since ${moment(job.started_at ?? job.created_at)}${job.finished_at && `, until ${moment(job.finished_at)}`}</span></p>
              ${job.error && html`<p class="remark bad">${job.error}</p>`}
              <${Counts} job=${job} />
              <div class="offers">
                ${!isOver(job) && job.kind !== "delete_lake" && caller?.role !== "viewer" && html`<button aria-label=${`Cancel: ${kindOf(job)}`} onClick=${() => cancel(job)}>Cancel</button>`}
                ${hasReport(job) && html`<button onClick=${() => download(api, job, say)}>Download the report</button>`}
              </div>
            </li>
          `,
        )}
      </ul>
      ${more && html`<button onClick=${more}>Show older ones</button>`}
    </main>
  `;
}

export function JobState({ job }) {
  return html`<strong class="stage" data-state=${job.state}>${STATES[job.state]}</strong>`;
}

/** What was counted so far. */
export function Counts({ job }) {
  const counts = Object.entries(job.progress).filter(([, value]) => typeof value === "number");
  if (!counts.length) return isOver(job) ? null : html`<progress aria-label=${`${kindOf(job)} is at work`}></progress>`;
  return html`
    <dl class="tallies">
      ${counts.map(([name, value]) => html`<div key=${name} data-name=${name}><dt>${name.replaceAll("_", " ")}</dt><dd>${shown(name, value)}</dd></div>`)}
    </dl>
    ${!isOver(job) && html`<progress aria-label=${`${kindOf(job)} is at work`} ...${share(job)}></progress>`}
  `;
}

export function isOver(job) {
  return job.state !== "queued" && job.state !== "running";
}

/** One that was canceled before its file came has none. */
export function hasReport(job) {
  return job.kind === "csv_import" && isOver(job) && (job.state !== "canceled" || job.progress.rows > 0);
}

/** Where the report is; null if there is none. */
export async function locateReport(api, job, signal) {
  try {
    const found = await api.get(`jobs/${encodeURIComponent(job.id)}/report`, { redirect: false }, { signal });
    return found.url;
  } catch (error) {
    if (error.status === 404) return null;
    throw error;
  }
}

export async function download(api, job, say) {
  try {
    const url = await locateReport(api, job);
    if (!url) return say("There is no report.", { tone: "bad" });
    const link = document.createElement("a");
    link.href = url;
    link.download = "report.csv";
    link.click();
  } catch (error) {
    say(told(error), { tone: "bad" });
  }
}

/** The newest first, looked at again and again: often while any is at work, and not while nobody looks. */
function useJobs(api, lakeId) {
  const [found, setFound] = useState({ jobs: null, next: null, older: [] });
  const [failure, setFailure] = useState(null);
  const again = useRef(() => {});
  useEffect(() => {
    const stop = new AbortController();
    let timer = null;
    const look = async () => {
      clearTimeout(timer);
      let wait = IDLE_LOOK_MS;
      try {
        const page = await read(api, lakeId, null, stop.signal);
        setFound((before) => ({ ...before, jobs: page.items, next: before.older.length ? before.next : page.next_cursor }));
        setFailure(null);
        if (!page.items.every(isOver)) wait = LOOK_MS;
      } catch (error) {
        if (isAborted(error)) return;
        setFailure(error);
      }
      clearTimeout(timer);
      if (!document.hidden && !stop.signal.aborted) timer = setTimeout(look, wait);
    };
    const wake = () => document.hidden || look();
    again.current = look;
    setFound({ jobs: null, next: null, older: [] });
    look();
    document.addEventListener("visibilitychange", wake);
    return () => {
      stop.abort();
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", wake);
    };
  }, [api, lakeId]);
  const more = async () => {
    try {
      const page = await read(api, lakeId, found.next);
      setFound((before) => ({ ...before, older: [...before.older, ...page.items], next: page.next_cursor }));
    } catch (error) {
      setFailure(error);
    }
  };
  const all = found.jobs && [...new Map([...found.older, ...found.jobs].map((job) => [job.id, job])).values()];
  all?.sort((one, other) => (one.id < other.id ? 1 : -1));
  return { jobs: all, more: found.next && more, failure, look: () => again.current() };
}

function read(api, lakeId, cursor, signal) {
  return api.get("jobs", { limit: PAGE, datalake: lakeId, cursor }, { signal });
}

function kindOf(job) {
  return KINDS[job.kind] ?? job.kind.replaceAll("_", " ");
}

function shown(name, value) {
  if (BYTES.has(name)) return bytes(value);
  if (SECONDS.has(name)) return value < 90 ? `${value} s` : `${Math.round(value / 60)} min`;
  return value.toLocaleString("en");
}

/** How much of it is done, as far as that can be known. */
function share({ progress }) {
  const { seen, per_second: pace, seconds_left: left } = progress;
  return pace && left !== undefined ? { max: seen + pace * left || 1, value: seen } : {};
}
