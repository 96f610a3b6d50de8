import { html } from "./markup.js";

export default function Browse({ lake }) {
  return html`<main id="main" class="page"><h1>${lake.name}</h1></main>`;
}
