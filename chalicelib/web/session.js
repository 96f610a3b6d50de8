/** The API key, as long as this tab lives: it is in no cookie, no file and no other tab. */

const PLACE = "tidelake.key";
const FORM = /^tl_[0-9a-f]{16}_[0-9a-f]{64}$/;

export function readKey() {
  return sessionStorage.getItem(PLACE);
}

export function keepKey(key) {
  sessionStorage.setItem(PLACE, key);
}

export function dropKey() {
  sessionStorage.removeItem(PLACE);
}

export function isKey(text) {
  return FORM.test(text);
}
