// One small store: what all views of the page agree on. It holds no record of the run; the player does.

/** @typedef {{ name: string, role: string, validator: boolean }} Member */
/** @typedef {{ number: number, first_height: number, validators: string[] }} Epoch */
/**
 * What `/page/about.json` says of a source.
 * @typedef {object} About
 * @property {number} format
 * @property {string} name
 * @property {string} [folder] its last part, of a run
 * @property {"run" | "trace" | "live"} source
 * @property {string} on
 * @property {string} scenario
 * @property {number} seed
 * @property {string} protocol
 * @property {number} origin_us calendar time of `t_us` 0
 * @property {number | null} end_us null while it goes on
 * @property {number} n
 * @property {number} f
 * @property {number} quorum
 * @property {Member[]} members
 * @property {Epoch[]} epochs
 * @property {string[]} kinds names of the kinds of records, in the order of their numbers
 * @property {number} offset_minutes
 * @property {number} records
 * @property {number} sampled 1: all; else messages of one height of so many are told
 * @property {string} [cursor] live: where the stream goes on from
 * @property {{ submit: boolean, chaos: boolean }} may
 * @property {string[]} eyes
 * @property {About[]} [others]
 */
/** Of a page that is live: whether anybody is there. @typedef {"live" | "lost" | "down"} Line */
/**
 * @typedef {object} State
 * @property {About} about
 * @property {number} t time of the run in µs: renewed 8 times a second while it plays, at once after a seek
 * @property {number} end last moment that is known, in µs
 * @property {boolean} playing
 * @property {number} speed
 * @property {boolean} following live: the page keeps at the newest moment
 * @property {string} tab
 * @property {string} eyes "" looks with everybody's
 * @property {"en" | "zh"} lang
 * @property {{ kind: string, id: string } | null} selection
 * @property {Record<string, unknown> | null} status live: heights and phases of the members, as they say
 * @property {Line} line live: lost where nobody answers, down where no member runs
 * @property {string} notice a sentence for the person who looks; "" for none
 * @property {"" | "light" | "dark"} theme "" follows the system
 * @property {number} tour stop of the guided tour; -1 none
 */

export class Store {
  /** @param {State} initial */
  constructor(initial) {
    /** @type {State} */
    this._state = initial;
    /** @type {Set<() => void>} */
    this._listeners = new Set();
  }

  /** @returns {State} not to be changed: `set` makes a new one */
  get() {
    return this._state;
  }

  /** Listeners are told only where something changed. @param {Partial<State>} patch */
  set(patch) {
    const before = this._state;
    const next = { ...before, ...patch };
    if (Object.keys(patch).every((key) => Object.is(Reflect.get(before, key), Reflect.get(next, key)))) return;
    this._state = next;
    for (const listener of [...this._listeners]) listener();
  }

  /** @param {() => void} listener @returns {() => void} what ends it */
  on(listener) {
    this._listeners.add(listener);
    return () => void this._listeners.delete(listener);
  }
}

/** The state of a page that was just opened. @param {About} about @param {Partial<State>} wishes @returns {State} */
export function freshState(about, wishes = {}) {
  const live = about.source === "live";
  return {
    about, t: 0, end: about.end_us ?? 0, playing: false, speed: 1, following: live, tab: "", eyes: "", lang: "en",
    selection: null, status: null, line: "live", notice: "", theme: "", tour: -1, ...wishes,
  };
}
