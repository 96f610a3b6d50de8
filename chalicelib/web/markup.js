import htm from "./vendor/htm.js";
import { h } from "./vendor/preact.js";

/** What components return: HTML in which every value is text, never markup. */
export const html = htm.bind(h);
