// The panels, in the order of their tabs. A panel: `{id, title(), needs(about), Panel({store, player})}`.
import { panel as members } from "./members.js";

/**
 * @typedef {object} Panel
 * @property {string} id stands in links: it does not change
 * @property {() => string} title
 * @property {(about: import("../store.js").About) => boolean} needs whether this source has what the panel shows
 * @property {(props: { store: import("../store.js").Store, player: import("../player/player.js").Player }) => unknown} Panel
 */

/** @type {Panel[]} */
export const PANELS = [members];
