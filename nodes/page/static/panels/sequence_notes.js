// A message-sequence diagram out of what members noted of a height: the messages that the ring draws, on lanes. Pure.
import { MESSAGES, flightsOf } from "../player/flights.js";

/** @typedef {import("./sequence_layout.js").Diagram} Diagram */
/** @typedef {{ t_us: number, member: string, kind: string }} Note */

const PHASES = ["proposed", "prepared", "committed", "executed"];
const STRAGGLER = 4; // who executed it so many times later fetched it

/**
 * Everything that members noted of a height, in order of time, without those who fetched it long after.
 * @param {import("../player/player.js").Player} player
 * @param {number} height
 * @returns {Note[]}
 */
export function notesOf(player, height) {
  const { records } = player;
  const { kinds } = player.about;
  const wanted = new Set(PHASES.map((kind) => kinds.indexOf(kind)));
  const notes = [];
  for (let at = 0; at < records.length; at += 1) {
    if (records.height[at] !== height || !wanted.has(Number(records.kind[at])) || !records.node[at]) continue;
    notes.push({ t_us: Number(records.t[at]), member: player.nameOf(Number(records.node[at])), kind: String(kinds[Number(records.kind[at])]) });
  }
  const executed = notes.filter((each) => each.kind === "executed").map((each) => each.t_us);
  const begin = notes[0]?.t_us ?? 0;
  const half = executed[Math.floor(executed.length / 2)] ?? Infinity;
  return notes.filter((each) => each.t_us <= begin + STRAGGLER * (half - begin));
}

/**
 * @param {import("../player/player.js").Player} player
 * @param {number} height
 * @param {string} said  how exact it is, in words
 * @returns {Diagram | null}  null where nobody noted anything of it
 */
export function notedDiagram(player, height, said) {
  const notes = notesOf(player, height);
  if (notes.length === 0) return null;
  const until = Number(notes.at(-1)?.t_us);
  const { protocol } = player.about;
  const names = /** @type {Record<string, string>} */ (protocol === "hotstuff" ? MESSAGES.hotstuff : MESSAGES.pbft);
  const flights = flightsOf(player.heights, height, protocol).filter((flight) => flight.end <= until);
  const messages = flights.map((flight) => ({
    kind: String(names[flight.letter]),
    from: player.nameOf(flight.from),
    to: player.nameOf(flight.to),
    sent_us: flight.start,
    got_us: flight.end,
  }));
  const members = player.about.members.map((each) => each.name).filter((name) => notes.some((each) => each.member === name));
  return { height, exact: false, said, members, messages, notes };
}
