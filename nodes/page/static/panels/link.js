// A deep link to a moment: what stands behind the # of the address, and how it is read back. Pure.

/**
 * @typedef {object} Moment
 * @property {number} t  microseconds since the run began
 * @property {number} speed  0.001 to 1000; 1 = as it was
 * @property {string} tab  the id of a panel
 * @property {string} eyes  a member's name; "" = everybody's
 * @property {string} lang
 * @property {{kind: string, id: string} | null} selection
 */

export const SLOWEST = 0.001;
export const FASTEST = 1000;
const SECOND_US = 1e6;
const NAME = /^[a-z0-9_-]{1,64}$/i;

/**
 * What stands behind the # for a moment. Seconds to the microsecond; what says nothing is left out.
 * @param {Partial<Moment>} moment
 * @returns {string}
 */
export function hashOf(moment) {
  const parts = new URLSearchParams();
  if (moment.t !== undefined) parts.set("t", secondsOf(moment.t));
  if (moment.speed !== undefined && moment.speed !== 1) parts.set("speed", String(moment.speed));
  if (moment.tab) parts.set("tab", moment.tab);
  if (moment.eyes) parts.set("eyes", moment.eyes);
  if (moment.lang) parts.set("lang", moment.lang);
  if (moment.selection) parts.set("show", `${moment.selection.kind}:${moment.selection.id}`);
  return `#${parts.toString()}`;
}

/**
 * The moment that a # names. What cannot be read is left out: a link that somebody has bent still opens.
 * @param {string} hash
 * @returns {Partial<Moment>}
 */
export function momentOf(hash) {
  const parts = new URLSearchParams(hash.replace(/^#/, ""));
  /** @type {Partial<Moment>} */
  const moment = {};
  const seconds = numberOf(parts.get("t"));
  if (seconds !== null && seconds >= 0) moment.t = Math.round(seconds * SECOND_US);
  const speed = numberOf(parts.get("speed"));
  if (speed !== null && speed >= SLOWEST && speed <= FASTEST) moment.speed = speed;
  for (const name of /** @type {const} */ (["tab", "eyes", "lang"])) {
    const value = parts.get(name);
    if (value !== null && NAME.test(value)) moment[name] = value;
  }
  const selection = selectionOf(parts.get("show") ?? "");
  if (selection) moment.selection = selection;
  return moment;
}

/**
 * @param {string} text  kind:id
 * @returns {{kind: string, id: string} | null}
 */
function selectionOf(text) {
  const at = text.indexOf(":");
  const kind = text.slice(0, Math.max(at, 0));
  const id = text.slice(at + 1);
  return NAME.test(kind) && id !== "" && id.length <= 200 ? { kind, id } : null;
}

/** @param {string | null} text */
function numberOf(text) {
  if (text === null || !/^\d+(\.\d+)?$/.test(text)) return null;
  const value = Number(text);
  return Number.isFinite(value) ? value : null;
}

/**
 * `17.129425`, `3`: exact, without a tail of zeros.
 * @param {number} t_us
 */
export function secondsOf(t_us) {
  const whole = Math.max(0, Math.round(t_us));
  const text = `${Math.floor(whole / SECOND_US)}.${String(whole % SECOND_US).padStart(6, "0")}`;
  return text.replace(/\.?0+$/, "");
}
