/** What jobs leave behind, as files. */

import { html } from "./markup.js";
import { isOver } from "./progress.js";
import { saveAs } from "./saving.js";
import { told } from "./words.js";

/** Those that have a report when they are over. */
const REPORTING = new Set(["csv_import", "bucket_import", "restore"]);
/** Of an export's files, those that are offered one by one. */
const PARTS = 50;

/** One that was canceled before its file came has none. */
export function hasReport(job) {
  return REPORTING.has(job.kind) && isOver(job) && (job.state !== "canceled" || job.progress.rows > 0);
}

/** What a job leaves to be downloaded. */
export function Files({ api, job, say }) {
  if (hasReport(job)) return html`<button onClick=${() => download(api, job, say)}>Download the report</button>`;
  if (job.kind !== "export" || job.state !== "succeeded") return null;
  const parts = job.progress.files ?? 1;
  if (parts === 1) return html`<button onClick=${() => download(api, job, say)}>Download the export</button>`;
  const numbers = Array.from({ length: Math.min(parts, PARTS) }, (_, index) => index + 1);
  return html`
    ${numbers.map((part) => html`<button key=${part} onClick=${() => download(api, job, say, part)}>Download part ${part} of ${parts}</button>`)}
    ${parts > PARTS && html`<button onClick=${() => download(api, job, say)}>Download the list of all parts</button>`}
  `;
}

/** Where the report is; null if there is none. */
export async function locateReport(api, job, { part, signal } = {}) {
  try {
    const found = await api.get(`jobs/${encodeURIComponent(job.id)}/report`, { redirect: false, part }, { signal });
    return found.url;
  } catch (error) {
    if (error.status === 404) return null;
    throw error;
  }
}

export async function download(api, job, say, part) {
  try {
    const url = await locateReport(api, job, { part });
    if (url) saveAs(url, "");
    else say("There is no report.", { tone: "bad" });
  } catch (error) {
    say(told(error), { tone: "bad" });
  }
}
