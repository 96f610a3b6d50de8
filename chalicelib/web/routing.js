/** The address after the #: which lake, which view, which question, which item. It can be shared, and Back works. */

import { useEffect, useState } from "./vendor/hooks.js";

export const ORDERS = [
  ["-created_at", "Newest first"],
  ["created_at", "Oldest first"],
  ["object_name", "Name"],
  ["-object_name", "Name, from the end"],
  ["filename", "File name"],
  ["-filename", "File name, from the end"],
];

/** What is asked of a lake when nothing is. `folders`: level by level. */
export const EVERYTHING = Object.freeze({
  q: "",
  tags: Object.freeze([]),
  every: false,
  type: null,
  status: null,
  kind: null,
  source: null,
  prefix: "",
  folders: false,
  order: "-created_at",
});

const CHOICES = {
  type: ["image", "video", "other"],
  status: ["pending", "indexed", "ready", "failed", "skipped"],
  kind: ["object", "link"],
  order: ORDERS.map(([order]) => order),
};

/** `#/{lake}/{view}?{question}`; the view of one item is `data/{id}`. */
export function readRoute(hash) {
  const [path, query = ""] = split(hash.replace(/^#\/?/, ""), "?");
  const [lake = null, view = "", item = null] = path.split("/").filter(Boolean).map(decoded);
  const given = new URLSearchParams(query);
  return { lake, view: view === "data" ? "" : view, item: view === "data" ? item : null, asked: readQuestion(given) };
}

export function writeRoute({ lake, view = "", item = null, asked = EVERYTHING }) {
  const parts = [lake, ...(item ? ["data", item] : view ? [view] : [])].filter((part) => part !== null);
  const query = writeQuestion(asked).toString();
  return `#/${parts.map(encodeURIComponent).join("/")}${query ? `?${query}` : ""}`;
}

export function useRoute() {
  const [hash, setHash] = useState(location.hash);
  useEffect(() => {
    const follow = () => setHash(location.hash);
    addEventListener("hashchange", follow);
    follow();
    return () => removeEventListener("hashchange", follow);
  }, []);
  return readRoute(hash);
}

export function go(route, { replace = false } = {}) {
  const hash = writeRoute(route);
  if (hash === location.hash) return;
  if (replace) location.replace(hash);
  else location.hash = hash;
}

/** Whether anything less than all of the lake is meant. */
export function isQuestion(asked) {
  const narrows = ["q", "type", "status", "kind", "source", "prefix"];
  return asked.tags.length > 0 || narrows.some((name) => asked[name]);
}

function readQuestion(given) {
  const chosen = (name) => (CHOICES[name].includes(given.get(name)) ? given.get(name) : EVERYTHING[name]);
  const folders = given.has("folders");
  const order = chosen("order");
  return {
    q: given.get("q") ?? "",
    tags: [...new Set(given.getAll("tag").filter(Boolean))],
    every: given.has("every"),
    type: chosen("type"),
    status: chosen("status"),
    kind: chosen("kind"),
    source: given.get("source") || null,
    prefix: given.get("prefix") ?? "",
    folders,
    order: folders && !order.endsWith("object_name") ? "object_name" : order,
  };
}

function writeQuestion(asked) {
  const query = new URLSearchParams();
  if (asked.q) query.set("q", asked.q);
  for (const tag of asked.tags) query.append("tag", tag);
  if (asked.every && asked.tags.length > 1) query.set("every", "");
  for (const name of ["type", "status", "kind", "source", "prefix"]) if (asked[name]) query.set(name, asked[name]);
  if (asked.folders) query.set("folders", "");
  if (asked.order !== (asked.folders ? "object_name" : EVERYTHING.order)) query.set("order", asked.order);
  return query;
}

function split(text, mark) {
  const place = text.indexOf(mark);
  return place < 0 ? [text] : [text.slice(0, place), text.slice(place + mark.length)];
}

function decoded(part) {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
