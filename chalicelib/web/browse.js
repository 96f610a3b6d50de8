/** A lake to look at: what is asked of it, what that finds, one item of it, and what is done with many. */

import { SelectionBar } from "./actions.js";
import { Chips, Filters, Order, Path } from "./filters.js";
import { Grid } from "./grid.js";
import { ItemDialog } from "./item.js";
import { quotaOf, useStats } from "./lakes.js";
import { Listing } from "./listing.js";
import { html } from "./markup.js";
import { QueryForm, mistakeIn } from "./query.js";
import { go, isQuestion, writeRoute } from "./routing.js";
import { useSelection } from "./selection.js";
import { useCallback, useEffect, useMemo, useReducer, useState } from "./vendor/hooks.js";
import { bytes, count, told } from "./words.js";

/** After which one looks whether what is shown is still so. */
const FIRST_LOOK_MS = 2000;

export default function Browse({ api, lake, caller, say, route, onReady }) {
  const { asked, item } = route;
  const [version, recount] = useReducer((counted) => counted + 1, 0);
  const [turn, nextTurn] = useReducer((counted) => counted + 1, 0);
  const listing = useListing(api, lake, asked, turn);
  const selection = useSelection(listing, asked, (why) => say(why, { tone: "bad" }));
  const [active, setActive] = useState(0);
  const [showsFilters, setShowsFilters] = useState(false);
  const ready = listing.length > 0 || listing.done || listing.failure !== null;
  const stats = useStats(api, lake, version, ready);

  useEffect(() => setActive(0), [listing]);
  useEffect(() => {
    if (ready) onReady();
  }, [ready, onReady]);
  useEffect(() => {
    let timer = null;
    const look = () => {
      clearTimeout(timer);
      if (document.visibilityState === "visible") timer = setTimeout(look, listing.keepUp());
    };
    timer = setTimeout(look, FIRST_LOOK_MS);
    document.addEventListener("visibilitychange", look);
    return () => {
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", look);
    };
  }, [listing]);

  const isOpen = item !== null;
  useEffect(() => {
    // One may have stepped on to another item than the one that was opened.
    if (isOpen) return () => document.querySelector('.grid [tabindex="0"]')?.focus({ preventScroll: true });
    return undefined;
  }, [isOpen]);

  const reread = () => {
    listing.refresh();
    recount();
  };
  const restart = () => {
    nextTurn();
    recount();
  };
  const ask = (change) => go({ lake: lake.name, asked: settled({ ...asked, ...change }) });
  const open = (index) => {
    const entry = listing.at(index);
    if (entry?.folder !== undefined) ask({ prefix: entry.folder });
    else if (entry) go({ lake: lake.name, item: entry.id, asked });
  };
  const close = useCallback(() => go({ lake: lake.name, asked }), [lake.name, writeRoute({ lake: lake.name, asked })]);
  const here = item ? listing.find(item) : null;
  const step = (by) => {
    for (let index = (here?.index ?? 0) + by; here && index >= 0 && index < listing.length; index += by) {
      const entry = listing.at(index);
      if (!entry) return undefined;
      if (entry.id) {
        return () => {
          listing.want(index, index);
          setActive(index);
          go({ lake: lake.name, item: entry.id, asked }, { replace: true });
        };
      }
    }
    return undefined;
  };
  const quota = quotaOf(lake, stats);
  return html`
    <main id="main" class="browse" tabindex="-1" aria-label="Browse">
      <div class="asking">
        <${QueryForm} q=${asked.q} failure=${listing.failure} onQuery=${(q) => ask({ q })} />
        <div class="tools">
          <button class="filters-toggle" aria-expanded=${showsFilters ? "true" : "false"} aria-controls="filters" onClick=${() => setShowsFilters(!showsFilters)}>Filters</button>
          <div class="pair" role="group" aria-label="View">
            <button aria-pressed=${asked.folders ? "false" : "true"} onClick=${() => ask({ folders: false })}>All</button>
            <button aria-pressed=${asked.folders ? "true" : "false"} onClick=${() => ask({ folders: true })}>Folders</button>
          </div>
          <${Order} asked=${asked} onAsk=${ask} />
          <button class="quiet" aria-label="Refresh" title="Refresh" onClick=${restart}>↻</button>
        </div>
      </div>
      <div class="columns">
        <aside id="filters" class=${showsFilters ? "filters open" : "filters"} aria-label="Filters">
          <${Filters} ...${{ api, lake, asked, stats, version, ready, onAsk: ask }} />
        </aside>
        <section class="found" aria-label="Found">
          <${Path} lake=${lake} asked=${asked} />
          <${Chips} asked=${asked} onAsk=${ask} />
          <p class="summary muted" role="status">${summary(listing, asked, stats)}${quota && !quota.over && html` <span class="quota">${quota.words}</span>`}</p>
          ${quota?.over && html`<p class="remark warn">${quota.words}</p>`}
          ${listing.failure && !mistakeIn(listing.failure) && html`<${Failure} failure=${listing.failure} onRetry=${() => listing.retry()} />`}
          ${listing.empty ? html`<${Nothing} asked=${asked} lake=${lake} />`
            : !mistakeIn(listing.failure) && html`<${Grid} ...${{ lake, listing, selection, active, onActive: setActive, onOpen: open, label: `Data of ${lake.name}` }} />`}
          ${selection.size > 0 && html`<${SelectionBar} ...${{ api, lake, caller, selection, say, onChanged: reread, onGone: restart }} />`}
        </section>
      </div>
    </main>
    ${item &&
    html`<${ItemDialog} ...${{ api, lake, caller, id: item, say }} first=${here?.item ?? null} onStep=${{ previous: step(-1), next: step(1) }}
      onClose=${close} onChanged=${(changed) => listing.replace(changed)} onGone=${() => {
        close();
        restart();
      }} />`}
  `;
}

/** Another one for every question, and for every turn. */
function useListing(api, lake, asked, turn) {
  const [, draw] = useReducer((drawn) => drawn + 1, 0);
  const question = writeRoute({ lake: lake.id, asked });
  const listing = useMemo(() => new Listing(api, lake, asked), [api, lake.id, question, turn]);
  useEffect(() => {
    const stop = listing.subscribe(draw);
    listing.want(0, 0);
    return () => {
      stop();
      listing.end();
    };
  }, [listing]);
  return listing;
}

/** Folders have an order of their own. */
function settled(asked) {
  if (asked.folders && !asked.order.endsWith("object_name")) return { ...asked, order: "object_name" };
  return asked;
}

function summary(listing, asked, stats) {
  if (mistakeIn(listing.failure)) return "Nothing was looked for: the query has a mistake.";
  if (listing.failure && !listing.length) return "";
  // Counts follow some seconds later.
  if (!isQuestion(asked) && !asked.folders && stats?.items >= listing.length) return `${count(stats.items, "item")}, ${bytes(stats.bytes)}`;
  if (!listing.length && !listing.done) return "Looking …";
  return listing.done ? `${count(listing.length, asked.folders ? "entry" : "item", asked.folders ? "entries" : "items")}` : `${count(listing.length, "item")} so far${listing.searching ? " …" : ""}`;
}

function Failure({ failure, onRetry }) {
  return html`<div class="failure" role="alert"><p>${told(failure)}</p><button onClick=${onRetry}>Try again</button></div>`;
}

function Nothing({ asked, lake }) {
  if (isQuestion(asked)) return html`<div class="empty"><h2>Nothing is like that</h2><p class="muted">Ask for less at once, or <a href=${writeRoute({ lake: lake.name })}>look at everything</a>.</p></div>`;
  return html`<div class="empty"><h2>${lake.name} is empty</h2><p class="muted">What is put into s3://${lake.bucket}/${lake.prefix} appears here within seconds.</p></div>`;
}
