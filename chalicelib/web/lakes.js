import { useEffect, useState } from "./vendor/hooks.js";
import { html } from "./markup.js";
import { isAborted, lakePath } from "./api.js";
import { bytes, count } from "./words.js";

export const FIRST = "default";

/** The organization's datalakes; null until they are known. */
export function useLakes(api, onError) {
  const [lakes, setLakes] = useState(null);
  useEffect(() => {
    const stop = new AbortController();
    setLakes(null);
    if (api) {
      api.get("datalakes", {}, { signal: stop.signal }).then((answer) => setLakes(answer.items), (error) => isAborted(error) || onError(error));
    }
    return () => stop.abort();
  }, [api]);
  return lakes;
}

/** By name or id, as addresses have it. */
export function findLake(lakes, name) {
  return lakes?.find((lake) => lake.name === name || lake.id === name) ?? null;
}

/** Where one begins who has not said where. */
export function firstLake(lakes) {
  return findLake(lakes, FIRST) ?? lakes?.[0] ?? null;
}

export function LakeSwitch({ lakes, lake, onSwitch }) {
  return html`
    <label class="lake-switch">
      <span class="hidden">Datalake</span>
      <select value=${lake.name} onChange=${(event) => onSwitch(event.currentTarget.value)}>
        ${lakes.map((each) => html`<option key=${each.id} value=${each.name}>${each.name}</option>`)}
      </select>
    </label>
  `;
}

/** What the lake may hold, and that it holds more; null where it may hold anything. */
export function quotaOf(lake, stats) {
  const { quota, over_quota: over } = stats ?? lake;
  if (!quota) return null;
  const most = [quota.items !== null && count(quota.items, "item"), quota.bytes !== null && bytes(quota.bytes)];
  const words = most.filter(Boolean).join(" and ");
  return { over, words: over ? `More than its quota of ${words}: nothing more can be uploaded.` : `Its quota is ${words}.` };
}

/** Counts of the lake, asked for when `ready`, and again when `version` is another; null until they are known. */
export function useStats(api, lake, version, ready) {
  const [stats, setStats] = useState(null);
  useEffect(() => {
    if (!ready) return undefined;
    let stale = false;
    api.get(`${lakePath(lake.id)}/stats`).then((found) => stale || setStats(found), () => {});
    return () => {
      stale = true;
    };
  }, [api, lake.id, version, ready]);
  return stats;
}
