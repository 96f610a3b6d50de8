import { lakePath } from "./api.js";
import { useEffect, useState } from "./vendor/hooks.js";

/** More names than this are typed rather than chosen. */
const NAMES = 500;

/** The names of the lake's `tags` or `sources` with their counts, asked for when `ready`, and again when `version` is
 * another. */
export function useLabels(api, lake, group, version, ready = true) {
  const [labels, setLabels] = useState({ items: [], more: false });
  useEffect(() => {
    if (!ready) return undefined;
    let stale = false;
    const show = (answer) => stale || setLabels({ items: answer.items, more: answer.next_cursor !== null });
    api.get(lakePath(lake.id, group), { limit: NAMES }).then(show, () => {});
    return () => {
      stale = true;
    };
  }, [api, lake.id, group, version, ready]);
  return labels;
}

/** Whether two names are one to the API: neither case nor Unicode form counts. */
export function sameName(one, other) {
  return folded(one) === folded(other);
}

export function folded(name) {
  return name.normalize("NFKC").toLowerCase();
}
