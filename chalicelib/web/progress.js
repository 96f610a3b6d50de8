/** How far jobs are, in words. */

import { html } from "./markup.js";
import { bytes, count } from "./words.js";

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
  export: "Export of the index",
  restore: "Import of an export",
};
const STATES = { queued: "Waiting", running: "Running", succeeded: "Done", failed: "Failed", canceled: "Canceled" };
/** What is counted, where its name does not say it. */
const COUNTS = {
  changed: "other than recorded",
  edited: "edited by it",
  ghosts: "gone from the bucket",
  hinted: "looked at again",
  inserted: "newly recorded",
  missing_thumbnails: "thumbnails removed",
  new: "not recorded yet",
  per_second: "in a second",
  seconds_left: "left",
  stale: "uploads that never came",
  taggings: "tags put on",
};
/** What is shown also where there is none. */
const TOLD_OF_NONE = new Set(["failed", "rows", "seen"]);
/** Of progress, what is no plain count. */
const SECONDS = new Set(["seconds_left"]);
const BYTES = new Set(["bytes"]);

const DOLLARS = new Intl.NumberFormat("en", { style: "currency", currency: "USD", maximumSignificantDigits: 2 });

export function kindOf(job) {
  return KINDS[job.kind] ?? job.kind.replaceAll("_", " ");
}

export function JobState({ job }) {
  return html`<strong class="stage" data-state=${job.state}>${STATES[job.state]}</strong>`;
}

/** What was counted so far. */
export function Counts({ job }) {
  const counts = Object.entries(job.progress).filter(([name, value]) => value > 0 || (value === 0 && TOLD_OF_NONE.has(name)));
  if (!counts.length) return isOver(job) ? null : html`<progress aria-label=${`${kindOf(job)} is at work`}></progress>`;
  return html`
    <dl class="tallies">
      ${counts.map(([name, value]) => html`<div key=${name} data-name=${name}><dt>${COUNTS[name] ?? name.replaceAll("_", " ")}</dt><dd>${shown(name, value)}</dd></div>`)}
    </dl>
    ${job.progress.estimate && html`<p>${estimated(job.progress.estimate)}</p>`}
    ${!isOver(job) && html`<progress aria-label=${`${kindOf(job)} is at work`} ...${share(job)}></progress>`}
  `;
}

export function isOver(job) {
  return job.state !== "queued" && job.state !== "running";
}

function estimated({ objects, bytes: octets, calls, usd }) {
  const cost = usd < 0.01 ? "less than a cent" : `about ${DOLLARS.format(usd)}`;
  return `It would go through ${count(objects, "object")} of ${bytes(octets)}, with ${count(calls, "request")} to AWS that cost ${cost} at list prices.`;
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
