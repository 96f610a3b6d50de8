/** Files of one's own into the lake. */

import { html } from "./markup.js";
import { quotaOf, useStats } from "./lakes.js";
import { DropZone } from "./picking.js";
import { writeRoute } from "./routing.js";
import { UNDER_WAY, uploadsOf } from "./sending.js";
import { useEffect, useReducer } from "./vendor/hooks.js";
import { bytes, count, reasonOf } from "./words.js";

const SHOWN = 200;

/** What may happen where there is an object of the name. */
const CHOICES = [
  ["error", "Report it"],
  ["skip", "Leave the one that is there"],
  ["overwrite", "Overwrite it"],
];

const STATES = {
  waiting: "Waiting",
  sending: "Sending",
  sent: "Sent, not indexed yet",
  indexed: "Indexed, being looked at",
  done: "Indexed",
  ready: "Ready",
  looked: "Indexed",
  exists: "Left: there is one of this name",
  failed: "Failed",
  canceled: "Canceled",
};

/** What needs somebody's eyes comes first. */
const ORDER = ["failed", "sending", "waiting", "sent", "indexed", "looked", "exists", "canceled", "done", "ready"];

export default function Uploads({ api, lake, say }) {
  const uploads = uploadsOf(api);
  const { chosen, files } = useUploads(uploads);
  const stats = useStats(api, lake, files.length, true);
  const quota = quotaOf(lake, stats);
  const takes = lake.capabilities.includes("upload");
  const start = (saying) => {
    say(`${count(chosen.length, "file")} on the way.`);
    uploads.begin(lake, saying);
  };
  const add = (more) => {
    if (more.length) uploads.choose(more);
    else say("There is no file in there.", { tone: "bad", lasting: false });
  };
  return html`
    <main id="main" class="page work" tabindex="-1">
      <h1>Upload to ${lake.name}</h1>
      ${!takes &&
      html`<p class="remark warn">Nothing can be uploaded: it was never seen that its connector may write to the bucket. An admin can check the connector.</p>`}
      ${quota && html`<p class=${quota.over ? "remark warn" : "muted"}>${quota.words}${stats && ` It holds ${count(stats.items, "item")}, ${bytes(stats.bytes)}.`}</p>`}
      ${takes &&
      html`<${DropZone} label="Files to upload" folders onPick=${add}>
        <p>Drop pictures, videos or whole folders here.</p>
        <p class="muted">They go straight into the bucket <code>${lake.bucket}</code>${lake.prefix && html`, below <code>${lake.prefix}</code>`}.</p>
      <//>`}
      ${chosen.length > 0 && html`<${Saying} lake=${lake} chosen=${chosen} onStart=${start} onDrop=${() => uploads.unchoose()} />`}
      ${files.length > 0 && html`<${Progress} uploads=${uploads} files=${files} />`}
    </main>
  `;
}

/** What is said of all the files that are chosen, before they go. */
function Saying({ lake, chosen, onStart, onDrop }) {
  const submit = (event) => {
    event.preventDefault();
    const given = new FormData(event.currentTarget);
    const tags = given.get("tags").split(",").map((tag) => tag.trim()).filter(Boolean);
    onStart({
      folder: given.get("folder").trim(),
      tags: [...new Set(tags)],
      source: given.get("source").trim(),
      ifExists: given.get("exists"),
    });
  };
  const octets = chosen.reduce((sum, { file }) => sum + file.size, 0);
  const names = chosen.slice(0, 3).map(({ path }) => path).join(", ");
  const what = count(chosen.length, "file");
  return html`
    <form class="panel form" aria-label="Before they go" onSubmit=${submit}>
      <p><strong>${what}</strong>, ${bytes(octets)}: <span class="muted">${names}${chosen.length > 3 && " …"}</span></p>
      <label>Folder <input name="folder" placeholder=${lake.prefix ? `below ${lake.prefix}` : "the top"} maxlength="900" /></label>
      <label>Tags, with commas between <input name="tags" placeholder="car, night" /></label>
      <label>Source <input name="source" placeholder="camera-one" maxlength="128" /></label>
      <label>If there is an object of the name
        <select name="exists">${CHOICES.map(([value, text]) => html`<option value=${value}>${text}</option>`)}</select>
      </label>
      <div class="offers">
        <button class="primary">Upload ${what}</button>
        <button type="button" class="quiet" onClick=${onDrop}>Choose others</button>
      </div>
    </form>
  `;
}

function Progress({ uploads, files }) {
  const counts = Object.groupBy(files, (file) => file.state);
  const number = (state) => counts[state]?.length ?? 0;
  const total = files.reduce((sum, file) => sum + file.file.size, 0);
  const moved = files.reduce((sum, file) => sum + file.moved, 0);
  const going = number("waiting") + number("sending");
  const under = files.filter((file) => UNDER_WAY.has(file.state)).length;
  const told = Object.keys(STATES).filter(number).map((state) => `${number(state)} ${STATES[state].split(/[,:]/)[0].toLowerCase()}`);
  const sorted = ORDER.flatMap((state) => counts[state] ?? []);
  return html`
    <section class="panel" aria-labelledby="progress">
      <h2 id="progress">Progress</h2>
      <p role="status">${under ? `${count(files.length - under, "file")} of ${files.length.toLocaleString("en")} done.` : "All done."}</p>
      <progress aria-label="Bytes sent" max=${Math.max(total, 1)} value=${total ? moved : Number(!going)}></progress>
      <p class="muted">${bytes(moved)} of ${bytes(total)} sent: ${told.join(", ")}</p>
      <div class="offers">
        ${going > 0 && html`<button onClick=${() => uploads.cancel()}>Cancel</button>`}
        ${number("failed") + number("canceled") > 0 && html`<button onClick=${() => uploads.again()}>Try what failed again</button>`}
        ${under < files.length && html`<button class="quiet" onClick=${() => uploads.clear()}>Clear what is done</button>`}
      </div>
      <div class="scrolls" tabindex="0" role="region" aria-label="Files">
        <table>
          <thead><tr><th scope="col">File</th><th scope="col">Size</th><th scope="col">State</th></tr></thead>
          <tbody>${sorted.slice(0, SHOWN).map((file) => html`<${Row} key=${file.id} file=${file} />`)}</tbody>
        </table>
      </div>
      ${sorted.length > SHOWN && html`<p class="muted">… and ${(sorted.length - SHOWN).toLocaleString("en")} more.</p>`}
    </section>
  `;
}

function Row({ file }) {
  const there = file.data && !["waiting", "sending", "failed", "canceled"].includes(file.state);
  return html`
    <tr data-state=${file.state}>
      <td>${there ? html`<a href=${writeRoute({ lake: file.lake.name, item: file.data })}>${file.name}</a>` : file.name}</td>
      <td>${bytes(file.file.size)}</td>
      <td>${STATES[file.state]}${file.state === "sending" && file.file.size > 0 && ` ${Math.floor((100 * file.moved) / file.file.size)} %`}${why(file)}</td>
    </tr>
  `;
}

function why(file) {
  if (!file.detail) return null;
  return `: ${file.state === "looked" ? reasonOf({ status_reason: file.detail }) : file.detail}`;
}

function useUploads(uploads) {
  const [, look] = useReducer((turn) => turn + 1, 0);
  useEffect(() => uploads.listen(look), [uploads]);
  return uploads;
}
