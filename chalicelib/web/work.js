/** Changes of many items: in parts of what one call takes, and jobs followed until they are over. */

import { lakePath } from "./api.js";

const AT_ONCE = 1000;

/** The target in parts, none with more ids than one call takes. */
export function* batched(target) {
  if (target.q !== undefined) yield target;
  for (let start = 0; start < (target.ids?.length ?? 0); start += AT_ONCE) {
    yield { ids: target.ids.slice(start, start + AT_ONCE) };
  }
}

/** What all jobs counted, together; `tell` hears of it until then. Throws if one of them failed. */
export async function followAll(api, jobs, { tell = () => {}, signal } = {}) {
  const progress = jobs.map((job) => job.progress);
  const ended = await Promise.all(
    jobs.map((job, place) =>
      api.follow(job, (seen) => {
        progress[place] = seen.progress;
        tell(sum(progress));
      }, signal),
    ),
  );
  const failed = ended.find((job) => job.state !== "succeeded");
  if (failed) throw new Error(failed.error ?? `the job was ${failed.state}`);
  return sum(ended.map((job) => job.progress));
}

/** {changed, missing, failed: [{detail}]}: tags put on or taken off. */
export async function retag(api, lake, method, tags, target, { tell = () => {} } = {}) {
  const path = lakePath(lake.id, "data", "tags");
  const total = { changed: 0, missing: 0, failed: [] };
  for (const part of batched(target)) {
    const answer = await api.call(method, path, { body: { ...part, tags } });
    if (answer.job) {
      const done = await followAll(api, [answer.job], { tell });
      return { changed: done.changed ?? 0, missing: done.missing ?? 0, failed: Array(done.failed ?? 0).fill({ detail: "" }) };
    }
    total.changed += answer.changed;
    total.missing += answer.missing.length;
    total.failed.push(...answer.failed);
    tell({ changed: total.changed });
  }
  return total;
}

function sum(counts) {
  const total = {};
  for (const each of counts) for (const [name, number] of Object.entries(each)) total[name] = (total[name] ?? 0) + number;
  return total;
}
