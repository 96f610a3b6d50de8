/** What a file's bytes are. */

/** In hexadecimal digits; null where the browser does not count them, as it does only for pages that come by https or
 * from this machine. Raises what the browser says of files that cannot be read any more. */
export async function sha256Of(file) {
  if (!crypto.subtle) return null;
  const digest = await crypto.subtle.digest("SHA-256", await file.arrayBuffer());
  return Array.from(new Uint8Array(digest), (octet) => octet.toString(16).padStart(2, "0")).join("");
}
