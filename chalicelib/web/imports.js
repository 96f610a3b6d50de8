/** A CSV file whose rows become links and objects: first tried, then done. */

import { isAborted, lakePath } from "./api.js";
import { rowsOf } from "./csv.js";
import { html } from "./markup.js";
import { DropZone } from "./picking.js";
import { Counts, JobState } from "./progress.js";
import { Files, hasReport, locateReport } from "./reports.js";
import { put } from "./sending.js";
import { useEffect, useRef, useState } from "./vendor/hooks.js";
import { bytes, count, told } from "./words.js";

const PROBLEMS = 200;

const MODES = [
  ["skip", "Leave it as it is"],
  ["update", "Write to it what the row says"],
  ["error", "Report it"],
];
const ACTIONS = [
  ["link", "Links: the bytes stay where they are"],
  ["upload", "Objects: the bytes go into the bucket"],
];

export default function Imports({ api, lake, say }) {
  const [file, setFile] = useState(null);
  const [saying, setSaying] = useState({ mode: "skip", action: "link" });
  const [tried, setTried] = useState(null);
  const [done, setDone] = useState(null);
  const [failure, setFailure] = useState(null);
  const stop = useRef(new AbortController());
  useEffect(() => () => stop.current.abort(), []);
  const forget = () => {
    stop.current.abort();
    stop.current = new AbortController();
    setTried(null);
    setDone(null);
    setFailure(null);
  };
  const run = async (dry, show) => {
    const { signal } = stop.current;
    setFailure(null);
    try {
      const body = { filename: file.name, ...saying, dry_run: dry };
      const begun = await api.post(lakePath(lake.id, "imports", "csv"), body, { signal, once: true });
      show({ job: begun.job, moved: 0 });
      await put(begun.upload, file, signal, (moved) => show({ job: begun.job, moved }));
      const job = await api.follow(begun.job, (seen) => show({ job: seen }), signal);
      const problems = await problemsOf(api, job, signal);
      show({ job, problems });
      if (!dry) say(`The import of ${file.name} is over.`, { tone: job.state === "succeeded" ? "good" : "bad" });
    } catch (error) {
      if (isAborted(error)) return;
      show(null);
      setFailure(told(error));
    }
  };
  const choose = ([first]) => {
    forget();
    setFile(first?.file ?? null);
  };
  const change = (event) => {
    forget();
    setSaying({ ...saying, [event.currentTarget.name]: event.currentTarget.value });
  };
  const busy = [tried, done].some((each) => each && !each.problems);
  return html`
    <main id="main" class="page work" tabindex="-1">
      <h1>Import a CSV file into ${lake.name}</h1>
      <${DropZone} label="The CSV file" accept=".csv,text/csv,text/plain" many=${false} onPick=${choose}>
        <p>Drop a CSV file here. Each of its rows becomes a link or an object.</p>
        <p class="muted">Columns, in any order: <code>ID</code>, <code>URL</code>, <code>image_bytes</code>, <code>name</code>, <code>action</code>, <code>mimetype</code>, <code>item_metadata</code>, <code>item_description</code>, <code>tags</code>, <code>source</code>.</p>
      <//>
      ${failure && html`<p class="remark bad" role="alert">${failure}</p>`}
      ${file &&
      html`
        <form class="panel form" aria-label="The import" onSubmit=${(event) => event.preventDefault()}>
          <p><strong>${file.name}</strong>, ${bytes(file.size)}</p>
          <${Choice} label="Rows that do not say it become" name="action" choices=${ACTIONS} value=${saying.action} disabled=${busy} onChange=${change} />
          <${Choice} label="If an item is there already" name="mode" choices=${MODES} value=${saying.mode} disabled=${busy} onChange=${change} />
          <div class="offers">
            <button class=${tried?.problems ? "" : "primary"} disabled=${busy} onClick=${() => run(true, setTried)}>Try it: nothing is changed</button>
            ${tried?.problems && !done && html`<button class="primary" disabled=${busy} onClick=${() => run(false, setDone)}>Import ${creatable(tried.job)}</button>`}
          </div>
        </form>
        ${tried && html`<${Result} title="What would happen" run=${tried} file=${file} api=${api} say=${say} />`}
        ${done && html`<${Result} title="What happened" run=${done} file=${file} api=${api} say=${say} />`}
      `}
    </main>
  `;
}

function Choice({ label, choices, ...more }) {
  return html`
    <label>${label}
      <select ...${more}>${choices.map(([value, text]) => html`<option value=${value}>${text}</option>`)}</select>
    </label>
  `;
}

function Result({ title, run, file, api, say }) {
  const { job, problems, moved } = run;
  const failed = job.progress.failed ?? 0;
  return html`
    <section class="panel" aria-label=${title}>
      <h2>${title}</h2>
      <p role="status"><${JobState} job=${job} /></p>
      ${moved !== undefined && html`<progress aria-label="File sent" max=${Math.max(file.size, 1)} value=${moved}></progress>`}
      <${Counts} job=${job} />
      ${job.error && html`<p class="remark bad">${job.error}</p>`}
      ${problems && !problems.length && !job.error && html`<p>No row has a problem.</p>`}
      ${problems?.length > 0 && html`<${Problems} problems=${problems} of=${failed} />`}
      <div class="offers"><${Files} ...${{ api, job, say }} /></div>
    </section>
  `;
}

function Problems({ problems, of }) {
  return html`
    <div class="scrolls" tabindex="0" role="region" aria-label="Rows with problems">
      <table>
        <caption>${count(Math.max(of, problems.length), "row has a problem", "rows have problems")}${of > problems.length && `, of which these are the first ${problems.length}`}</caption>
        <thead><tr><th scope="col">Row</th><th scope="col">Name</th><th scope="col">Problem</th><th scope="col">What it says</th></tr></thead>
        <tbody>
          ${problems.map((each) => html`<tr><td>${each.row}</td><td>${each.name}</td><td>${each.code.replaceAll("_", " ")}</td><td>${each.detail}</td></tr>`)}
        </tbody>
      </table>
    </div>
  `;
}

/** The first rows that failed, read only as far as they are shown. */
async function problemsOf(api, job, signal) {
  const url = hasReport(job) ? await locateReport(api, job, { signal }) : null;
  if (!url) return [];
  const report = await fetch(url, { signal, credentials: "omit" });
  if (!report.ok) throw new Error("the report cannot be read");
  const reader = report.body.pipeThrough(new TextDecoderStream()).getReader();
  const found = [];
  for await (const [row, name, outcome, code, detail] of rowsOf(texts(reader))) {
    if (outcome === "failed" || outcome === "ignored") found.push({ row, name, code: code || outcome, detail });
    if (found.length === PROBLEMS) break;
  }
  reader.cancel();
  return found;
}

async function* texts(reader) {
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    yield value;
  }
}

function creatable(job) {
  const { created = 0, updated = 0 } = job.progress;
  return created + updated ? count(created + updated, "row") : "all the same";
}
