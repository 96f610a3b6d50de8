/** What is said in passing: work that goes on, how it ended, mistakes. Read aloud by screen readers. */

import { useCallback, useRef, useState } from "./vendor/hooks.js";
import { html } from "./markup.js";

const SHOWN_MS = 6000;

/** `say(text, {tone, id, lasting})` shows a notice; the same `id` takes the place of what it said before. */
export function useNotices() {
  const [notices, setNotices] = useState([]);
  const next = useRef(1);
  const drop = useCallback((id) => setNotices((shown) => shown.filter((each) => each.id !== id)), []);
  const say = useCallback((text, { tone = "plain", id = next.current++, lasting = tone === "bad" } = {}) => {
    const notice = { id, text, tone, told: Symbol("told") };
    setNotices((shown) =>
      shown.some((each) => each.id === id)
        ? shown.map((each) => (each.id === id ? notice : each))
        : [...shown, notice],
    );
    if (!lasting) {
      const fade = (shown) => shown.filter((each) => each.told !== notice.told);
      setTimeout(() => setNotices(fade), SHOWN_MS);
    }
    return id;
  }, []);
  return { notices, say, drop };
}

export function Notices({ notices, onDrop }) {
  return html`
    <div class="notices" role="status" aria-live="polite">
      ${notices.map(
        (each) => html`
          <p key=${each.id} class="notice ${each.tone}">
            <span>${each.text}</span>
            <button class="quiet" aria-label="Dismiss" onClick=${() => onDrop(each.id)}>×</button>
          </p>
        `,
      )}
    </div>
  `;
}
