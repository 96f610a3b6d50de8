/** What is asked of a lake, as the API wants it: the body of a search, or one condition in the query language. */

export const EXCEPTIONS = 50;

/** Of POST …/data/search. */
export function searchBody(asked, more = {}) {
  const body = { order_by: asked.order, ...more };
  for (const name of ["q", "type", "status", "kind", "source", "prefix"]) if (asked[name]) body[name] = asked[name];
  if (asked.tags.length) Object.assign(body, { tags: asked.tags, intersect_tags: asked.every });
  if (asked.folders) body.delimiter = "/";
  return body;
}

/** The same data as a condition, for calls that change all that a query finds; of folders all that is in them, at
 * any depth. `except`: ids, at most EXCEPTIONS, so that the condition stays short enough. */
export function condition(asked, except = []) {
  const parts = [];
  if (asked.q) parts.push(`(${asked.q})`);
  if (asked.prefix) parts.push(`object_name starts with ${literal(asked.prefix)}`);
  for (const name of ["type", "status", "kind", "source"]) {
    if (asked[name]) parts.push(`${name} = ${literal(asked[name])}`);
  }
  if (asked.every) parts.push(...asked.tags.map((tag) => `tags.name = ${literal(tag)}`));
  else if (asked.tags.length) parts.push(`tags.name in (${asked.tags.map(literal).join(", ")})`);
  if (except.length) parts.push(`id not in (${except.map(literal).join(", ")})`);
  return parts.join(" and ") || "object_name exists";
}

function literal(text) {
  return JSON.stringify(text);
}
