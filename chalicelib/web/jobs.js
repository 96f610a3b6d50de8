/** Long work: how far it is, ending it, and what it reports. */

import { isAborted } from "./api.js";
import { Beginnings } from "./beginnings.js";
import { html } from "./markup.js";
import { Counts, JobState, isOver, kindOf } from "./progress.js";
import { Files } from "./reports.js";
import { useEffect, useRef, useState } from "./vendor/hooks.js";
import { moment, told } from "./words.js";

const LOOK_MS = 1500;
const IDLE_LOOK_MS = 10_000;
const PAGE = 20;

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
      ${caller && caller.role !== "viewer" && html`<${Beginnings} ...${{ api, lake, onBegun: look }} />`}
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
                <${Files} ...${{ api, job, say }} />
              </div>
            </li>
          `,
        )}
      </ul>
      ${more && html`<button onClick=${more}>Show older ones</button>`}
    </main>
  `;
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
      // One may have chosen to see those of other datalakes meanwhile.
      setFound((before) => before.next !== found.next ? before : ({ ...before, older: [...before.older, ...page.items], next: page.next_cursor }));
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
