// The panels, in the order of their tabs. A panel: `{id, title(), needs(about), Panel({store, player})}`.
import { panel as events } from "./events.js";
import { panel as members } from "./members.js";
import { panel as blocks } from "./blocks.js";
import { panel as story } from "./story.js";
import { panel as findings } from "./findings.js";
import { panel as funds } from "./funds.js";
import { panel as eyes } from "./eyes.js";
import { panel as sequence } from "./sequence.js";
import { panel as compare } from "./compare.js";
import { panel as attempt } from "./try.js";
import { panel as chaos } from "./chaos.js";
import { panel as tour } from "./tour.js";
import { panel as share } from "./share.js";
import { panel as performance } from "./performance.js";

/**
 * @typedef {object} Panel
 * @property {string} id stands in links: it does not change
 * @property {() => string} title
 * @property {(about: import("../store.js").About) => boolean} needs whether this source has what the panel shows
 * @property {(props: { store: import("../store.js").Store, player: import("../player/player.js").Player }) => unknown} Panel
 */

/** @type {Panel[]} */
export const PANELS = [members, blocks, story, findings, funds, eyes, events, performance, sequence, compare, attempt, chaos, tour, share];
