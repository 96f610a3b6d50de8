import { html } from "./markup.js";
import { useEffect, useLayoutEffect, useRef } from "./vendor/hooks.js";

/** Modal while it is there. The browser keeps the focus inside, and gives it back. */
export function Dialog({ title, titled = true, className = "", onClose, children, ...more }) {
  const dialog = useRef(null);
  useLayoutEffect(() => {
    const before = document.activeElement;
    const element = dialog.current;
    element.showModal();
    (element.querySelector("[autofocus]") ?? element).focus();
    return () => {
      // As long as it is open, nothing outside of it takes the focus.
      element.close();
      if (before?.isConnected) before.focus({ preventScroll: true });
    };
  }, []);
  useEffect(() => {
    const element = dialog.current;
    // Not by the browser itself: what is open is in the address.
    const cancel = (event) => {
      if (event.target !== element) return;
      event.preventDefault();
      onClose();
    };
    element.addEventListener("cancel", cancel);
    return () => element.removeEventListener("cancel", cancel);
  }, [onClose]);
  return html`
    <dialog ref=${dialog} tabindex="-1" class=${className} aria-label=${title} onClick=${(event) => event.target === dialog.current && onClose()} ...${more}>
      ${titled &&
      html`<header class="dialog-head"><h2>${title}</h2><button class="quiet" aria-label="Close" onClick=${onClose}>×</button></header>`}
      ${children}
    </dialog>
  `;
}
