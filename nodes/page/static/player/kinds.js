// Which kinds of records the player reads, as small numbers of its own: the numbers of a source differ from run to run.

const NAMES = /** @type {const} */ ([
  "other", "proposed", "prepared", "committed", "executed", "included", "view_change", "new_view", "term", "fault",
  "booted", "exited", "catching_up", "caught_up", "sealed", "epoch", "admitted", "removed", "finding", "ended", "down",
  "stands", "bus", "convicted", "observing", "slow_leader", "damaged", "suspect",
]);

/** @typedef {typeof NAMES[number]} KindName */

/** Number of each name: `KIND.proposed`. @type {Readonly<Record<KindName, number>>} */
export const KIND = /** @type {any} */ (Object.freeze(Object.fromEntries(NAMES.map((name, number) => [name, number]))));

/**
 * From the numbers of a source to ours. @param {readonly string[]} kinds the source's names in order of their numbers
 * @returns {Uint8Array}
 */
export function kindsOf(kinds) {
  return Uint8Array.from(kinds, (name) => Reflect.get(KIND, name) ?? KIND.other);
}
