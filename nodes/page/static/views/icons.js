// Icons as paths: they look the same where a font has no such sign.
import { html } from "../view.js";

const PATHS = {
  play: "M7 4.5v15l12-7.5z",
  pause: "M7 5h3.6v14H7zM13.4 5H17v14h-3.6z",
  back: "M6 5h2.4v14H6zM19 5v14l-9.6-7z",
  on: "M15.6 5H18v14h-2.4zM5 5v14l9.6-7z",
  sun: "M12 7.2a4.8 4.8 0 1 0 0 9.6 4.8 4.8 0 0 0 0-9.6zM11 2h2v3h-2zM11 19h2v3h-2zM2 11h3v2H2zM19 11h3v2h-3zM4.2 5.6l1.4-1.4 2.1 2.1-1.4 1.4zM16.3 17.7l1.4-1.4 2.1 2.1-1.4 1.4zM4.2 18.4l2.1-2.1 1.4 1.4-2.1 2.1zM16.3 6.3l2.1-2.1 1.4 1.4-2.1 2.1z",
  moon: "M20.5 14.3A8.6 8.6 0 0 1 9.7 3.5a8.7 8.7 0 1 0 10.8 10.8z",
  keys: "M3 6h18v12H3zM5 8v2h2V8zM9 8v2h2V8zM13 8v2h2V8zM17 8v2h2V8zM5 11.5v2h2v-2zM9 11.5v2h2v-2zM13 11.5v2h2v-2zM17 11.5v2h2v-2zM7.5 15v1.5h9V15z",
};

/** @param {{ name: keyof typeof PATHS }} props */
export function Icon({ name }) {
  return html`<svg class="icon" viewBox="0 0 24 24" width="20" height="20" aria-hidden="true" focusable="false"><path d=${PATHS[name]} fill-rule="evenodd" /></svg>`;
}
