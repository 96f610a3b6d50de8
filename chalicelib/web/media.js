/** The bytes of one item, as large as there is room. They come straight from the bucket, by an address that expires. */

import { lakePath } from "./api.js";
import { html } from "./markup.js";
import { Glyph } from "./tile.js";
import { useEffect, useState } from "./vendor/hooks.js";
import { explain } from "./words.js";

const IMAGES = new Set(["image/avif", "image/bmp", "image/gif", "image/jpeg", "image/png", "image/webp"]);
const VIDEOS = new Set(["video/mp4", "video/quicktime", "video/webm"]);

/** Addresses are valid for 15 minutes. */
const FRESH_MS = 13 * 60_000;

/** Where the bytes are, kept fresh: {url}, or {failure}; null where there are none, undefined until it is known. What
 * is somewhere else on the web has no address here: nothing is loaded from there unasked. */
export function useContent(api, lake, item) {
  const [content, setContent] = useState(undefined);
  useEffect(() => {
    setContent(undefined);
    if (item.status === "pending" || isElsewhere(item)) {
      setContent(null);
      return undefined;
    }
    const stop = new AbortController();
    const fail = (failure) => stop.signal.aborted || setContent({ failure });
    const locate = () => locateContent(api, lake, item.id, false, stop.signal).then((url) => setContent(url && { url }), fail);
    locate();
    const timer = setInterval(locate, FRESH_MS);
    return () => {
      stop.abort();
      clearInterval(timer);
    };
  }, [api, lake.id, item.id, item.etag]);
  return content;
}

/** `download`: as a file to be saved. Null where there are no bytes. */
export async function locateContent(api, lake, id, download, signal) {
  const answer = await api.post(lakePath(lake.id, "data", "content"), { ids: [id], download }, { signal });
  return answer.items[0]?.url ?? null;
}

/** Whether the bytes are on some host of the web. */
export function isElsewhere(item) {
  return /^https?:/i.test(item.url ?? "");
}

export function Media({ item, content }) {
  const [failed, setFailed] = useState(null);
  const [bare, setBare] = useState(null);
  const fail = () => setFailed(content);
  const broken = failed !== null && failed === content;
  const alt = item.description ?? item.filename;
  if (content?.url && !broken && item.type === "video" && VIDEOS.has(item.content_type)) {
    return html`<video src=${content.url} poster=${item.thumbnail_url} controls playsinline preload="metadata" aria-label=${alt} onError=${fail}></video>`;
  }
  if (content?.url && !broken && item.type === "image" && IMAGES.has(item.content_type)) {
    return html`<img class="large" src=${content.url} alt=${alt} onError=${fail} />`;
  }
  return html`
    <div class="card">
      ${item.thumbnail_url && bare !== item.thumbnail_url ? html`<img src=${item.thumbnail_url} alt=${alt} onError=${() => setBare(item.thumbnail_url)} />` : html`<${Glyph} name=${item.type ?? "unknown"} />`}
      <p>${whyCard(item, content, broken)}</p>
    </div>
  `;
}

function whyCard(item, content, broken) {
  if (content === undefined) return "Loading …";
  if (content?.failure) return `The bytes cannot be located: ${content.failure.message}.`;
  if (broken) return "The original cannot be shown here; download it to see it.";
  if (isElsewhere(item)) return "The bytes are elsewhere on the web; nothing is loaded from there until you open it.";
  if (item.status === "ready") return "Browsers do not show this kind of file; download it to see it.";
  return explain(item);
}
