import { isKey } from "./session.js";
import { html } from "./markup.js";
import { useState } from "./vendor/hooks.js";

/** `reason`: why one is asked again. */
export function SignIn({ reason, onKey }) {
  const [mistake, setMistake] = useState(null);
  const submit = (event) => {
    event.preventDefault();
    const key = new FormData(event.currentTarget).get("key").trim();
    if (isKey(key)) onKey(key);
    else setMistake("A key begins with tl_ and has 84 characters; this is none.");
  };
  const told = mistake ?? reason;
  return html`
    <main class="signin">
      <form onSubmit=${submit}>
        <h1><${Mark} /> Tidelake</h1>
        <label for="key">API key</label>
        <input id="key" name="key" type="password" autocomplete="off" spellcheck="false" required autofocus
          placeholder="tl_…" aria-describedby="key-told key-note" aria-invalid=${told ? "true" : null} />
        <p id="key-told" class="mistake" role="alert">${told}</p>
        <button class="primary">Sign in</button>
        <p id="key-note" class="muted">It is kept in this tab only, and gone when you close it or sign out.</p>
      </form>
    </main>
  `;
}

export function Mark() {
  return html`
    <svg class="mark" viewBox="0 0 32 32" aria-hidden="true">
      <rect width="32" height="32" rx="8" />
      <path d="M5 13q3.7-4 7.3 0t7.4 0 7.3 0M5 20q3.7-4 7.3 0t7.4 0 7.3 0" />
    </svg>
  `;
}
