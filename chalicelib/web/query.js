/** The query: where it is written, and where it is wrong. */

import { html } from "./markup.js";
import { useEffect, useRef, useState } from "./vendor/hooks.js";
import { sentence } from "./words.js";

const EXAMPLES = [
  ["width >= 4000 and not tags.name = \"truck\"", "wide, and not tagged"],
  ["filename starts with \"IMG_\"", "by the beginning of a name"],
  ["created_at >= \"2026-03-01\" and status = \"failed\"", "what went wrong since"],
  ["not tags.name exists", "without any tag"],
  ["metadata.latitude exists", "with a place"],
  ["custom_metadata.lot in (\"A7\", \"B1\")", "by what people wrote"],
];

/** `failure`: what came of the query that was asked last. */
export function QueryForm({ q, failure, onQuery }) {
  const input = useRef(null);
  const [text, setText] = useState(q);
  useEffect(() => setText(q), [q]);
  const mistake = text === q ? mistakeIn(failure) : null;
  useEffect(() => {
    if (!mistake?.column || document.activeElement !== input.current) return;
    const { before, there } = cut(q, mistake);
    input.current.setSelectionRange(before.length, before.length + there.length);
  }, [failure]);
  const submit = (event) => {
    event.preventDefault();
    onQuery(text.trim());
  };
  return html`
    <form class="query" role="search" onSubmit=${submit}>
      <label class="hidden" for="query">Query</label>
      <input id="query" ref=${input} type="search" value=${text} onInput=${(event) => setText(event.currentTarget.value)}
        placeholder='Query, as  width >= 1000 and tags.name = "car"' spellcheck="false" autocapitalize="off" autocomplete="off"
        enterkeyhint="search" aria-invalid=${mistake ? "true" : null} aria-describedby="query-mistake" />
      <button class="primary">Find</button>
      <details class="help">
        <summary aria-label="How to ask">?</summary>
        <div class="sheet">
          <h2>How to ask</h2>
          <ul>${EXAMPLES.map(
            ([example, meaning]) => html`
              <li><button type="button" class="quiet" onClick=${(event) => {
                event.currentTarget.closest("details").open = false;
                onQuery(example);
              }}><code>${example}</code><span class="muted">${meaning}</span></button></li>
            `,
          )}</ul>
          <p class="muted">Compare with <code>${"= != < <= > >="}</code>, <code>in (…)</code>, <code>contains</code>, <code>starts with</code>, <code>exists</code>; join with and, or, not.</p>
        </div>
      </details>
      <div id="query-mistake" class="query-mistake" role="alert">${mistake && html`<${Mistake} q=${q} mistake=${mistake} />`}</div>
    </form>
  `;
}

function Mistake({ q, mistake }) {
  const { before, there, after } = cut(q, mistake);
  return html`
    ${mistake.column && html`<code>${before}<mark>${there || " "}</mark>${after}</code>`}
    <p>
      ${mistake.column && html`<span class="muted">At character ${mistake.column}: </span>`}${sentence(mistake.detail)}
      ${mistake.expected?.length > 0 && html` <span class="muted">There could be ${mistake.expected.join(", ")}.</span>`}
    </p>
  `;
}

/** Whether the failure is of the query and nothing else. */
export function mistakeIn(failure) {
  return failure?.errors?.find((error) => error.parameter === "q" || error.pointer === "#/q") ?? null;
}

/** The line of the mistake around it. Columns count characters, not units of UTF-16. */
function cut(q, { line = 1, column = 1 }) {
  const characters = Array.from(q.split("\n")[line - 1] ?? "");
  return {
    before: characters.slice(0, column - 1).join(""),
    there: characters[column - 1] ?? "",
    after: characters.slice(column).join(""),
  };
}
