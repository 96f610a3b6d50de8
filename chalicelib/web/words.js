/** How things are called and counted in front of people. */

export const STATUSES = {
  ready: "Ready",
  indexed: "Indexed",
  pending: "Pending",
  skipped: "Skipped",
  failed: "Failed",
};

export const TYPES = { image: "Image", video: "Video", other: "Other" };
export const KINDS = { object: "Object", link: "Link" };

const MEANINGS = {
  ready: "Its bytes were looked at.",
  indexed: "It is known by name and size; its bytes have not been looked at yet.",
  pending: "It was announced; its bytes have not come yet.",
  skipped: "Its bytes were not read.",
  failed: "Its bytes could not be read.",
};

const REASONS = {
  unsupported_type: "it is no image or video of a kind that is understood",
  archived: "the object lies in an archive and cannot be read until it is restored",
  empty: "the object has no bytes",
  corrupt: "the bytes are damaged, or not what they claim to be",
  too_large: "it has more pixels or bytes than are read",
  access_denied: "the bucket does not let Tidelake read it",
  out_of_resources: "reading it took more memory or time than there is",
  refused: "the link leads to where nothing is ever fetched from",
  not_found: "there is nothing where the link points",
  unreachable: "the link's host is not known, does not answer, or cannot prove who it is",
  too_slow: "the link's host took too long",
  bad_answer: "the link's host answered with an error",
};

const HEALTH = {
  ok: "What it points to is there.",
  dead: "What it points to is gone.",
  changed: "Something else is there than when it was fetched.",
};

/** Why data is as it is, in one sentence or two. */
export function explain(item) {
  const reason = item.status_reason && (REASONS[item.status_reason] ?? item.status_reason);
  return reason ? `${STATUSES[item.status]}: ${reason}.` : MEANINGS[item.status];
}

export function explainHealth(item) {
  return HEALTH[item.health] ?? null;
}

export function reasonOf(item) {
  return (item.status_reason ?? item.status).replaceAll("_", " ");
}

export function count(number, one, many = `${one}s`) {
  return `${number.toLocaleString("en")} ${number === 1 ? one : many}`;
}

export function bytes(number) {
  if (number === null || number === undefined) return "unknown";
  if (number < 1000) return count(number, "byte");
  const power = Math.min(Math.floor(Math.log10(number) / 3), 5);
  const scaled = number / 1000 ** power;
  return `${scaled.toLocaleString("en", { maximumFractionDigits: scaled < 10 ? 1 : 0 })} ${" kMGTP"[power]}B`;
}

/** In the time zone of whoever looks. */
export function moment(text) {
  const time = new Date(text);
  return Number.isNaN(time.getTime()) ? text : time.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "medium" });
}

export function sentence(text) {
  const first = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?…]$/.test(first) ? first : `${first}.`;
}

/** What went wrong, with what the API says of each place. */
export function told(error) {
  const places = (error.errors ?? []).map((each) => {
    const place = (each.parameter ?? each.pointer ?? "").replace(/^#\/?/, "").replaceAll("/", ".");
    return place ? `${place}: ${each.detail}` : each.detail;
  });
  return places.length ? places.map(sentence).join(" ") : sentence(error.message);
}
