// Whether what is shown goes on at all: the line to a consortium that stands, and the quorum of those who run.
import { t } from "../words.js";

/** @typedef {import("../player/player.js").Player} Player */

/** Of the line to a consortium that stands. @param {import("../store.js").Line} line */
export function lineWords(line) {
  if (line === "lost") return t("not connected, trying again");
  return line === "down" ? t("no member runs, looking again") : t("live");
}

/**
 * How many run of those that vote, where they are fewer than a quorum; null where they are enough.
 * @param {import("../player/state.js").State} state @param {string} protocol
 */
export function lackOf(state, protocol) {
  const { running: up, validators: n, quorum } = state;
  return protocol === "solo" || up >= quorum ? null : { up, n, quorum };
}

/** The lack of a quorum at a moment, in a sentence; "" where there is none. @param {Player} player @param {number} t_us */
export function lackWords(player, t_us) {
  const lack = lackOf(player.stateAt(t_us), player.about.protocol);
  return lack ? t("{up} of {n} up, {quorum} needed: nothing can be decided now", lack) : "";
}
