// Messages in flight. A trace holds phases, not messages: they are drawn between what sender and receiver noted.
//
// PBFT: `prepared` says that the certificate is held. So the PRE-PREPARE is in flight in the first half of the time from
// `proposed` to a member's `prepared`, PREPAREs in the second; COMMITs from the sender's `prepared` to the receiver's
// `committed`. HotStuff: votes go to a collector, the first that holds the certificate, and it tells the others.
import { COMMITTED, PREPARED } from "./state.js";

/** @typedef {"P" | "V" | "C" | "Q" | "S" | "X" | "N"} Letter */
/** @typedef {{ letter: Letter, from: number, to: number, start: number, end: number }} Flight */

/** What the letters stand for, in each protocol. */
export const MESSAGES = {
  pbft: { P: "PRE-PREPARE", V: "PREPARE", C: "COMMIT", S: "SUSPECT", X: "VIEW-CHANGE", N: "NEW-VIEW" },
  hotstuff: { P: "PROPOSAL", V: "VOTE", Q: "CERTIFICATE", X: "TIMEOUT", N: "NEW-VIEW" },
};

/**
 * All messages of a height, by their start.
 * @param {import("./heights.js").Heights} heights @param {number} height @param {string} protocol
 * @returns {Flight[]}
 */
export function flightsOf(heights, height, protocol) {
  const flights = protocol === "hotstuff" ? ofHotStuff(heights, height) : ofPbft(heights, height);
  return flights.filter((flight) => flight.end > flight.start).sort((one, two) => one.start - two.start);
}

/** @param {import("./heights.js").Heights} heights @param {number} height @returns {Flight[]} */
function ofPbft(heights, height) {
  /** @type {Flight[]} */
  const flights = [];
  const nodes = Array.from({ length: heights.members }, (_, at) => at + 1);
  const [proposed, leader] = [heights.proposedAt(height), heights.proposer(height)];
  const prepared = nodes.map((node) => heights.time(height, node, PREPARED));
  const heard = prepared.map((time) => (time > proposed ? (proposed + time) / 2 : 0));
  for (const to of nodes) {
    if (proposed && to !== leader && heard[to - 1]) flights.push({ letter: "P", from: leader, to, start: proposed, end: heard[to - 1] });
    for (const from of nodes) {
      if (from === to) continue;
      if (proposed && from !== leader && heard[from - 1]) flights.push({ letter: "V", from, to, start: heard[from - 1], end: prepared[to - 1] });
      if (prepared[from - 1]) flights.push({ letter: "C", from, to, start: prepared[from - 1], end: heights.time(height, to, COMMITTED) });
    }
  }
  return flights;
}

/** @param {import("./heights.js").Heights} heights @param {number} height @returns {Flight[]} */
function ofHotStuff(heights, height) {
  const nodes = Array.from({ length: heights.members }, (_, at) => at + 1);
  const [proposed, leader] = [heights.proposedAt(height), heights.proposer(height)];
  const certified = nodes.map((node) => heights.time(height, node, PREPARED));
  const collector = nodes.filter((node) => certified[node - 1]).sort((one, two) => certified[one - 1] - certified[two - 1])[0];
  if (!collector || !proposed) return [];
  const until = certified[collector - 1];
  const middle = (proposed + until) / 2;
  return nodes.filter((node) => certified[node - 1]).flatMap((node) => {
    /** @type {Flight[]} */
    const flights = [];
    if (node !== leader) flights.push({ letter: "P", from: leader, to: node, start: proposed, end: middle });
    if (node !== collector) {
      flights.push({ letter: "V", from: node, to: collector, start: middle, end: until });
      flights.push({ letter: "Q", from: collector, to: node, start: until, end: certified[node - 1] });
    }
    return flights;
  });
}

/**
 * All messages of a view change: who asks tells all, and the new leader tells those that enter.
 * @param {import("./events.js").ViewChange} change @param {number} members
 * @returns {Flight[]}
 */
export function flightsOfChange(change, members) {
  /** @type {Flight[]} */
  const flights = [];
  const begun = change.enters.get(change.leader) ?? Math.min(...change.enters.values());
  for (const [from, start] of change.suspects) {
    for (const [to, end] of change.asks) if (to !== from) flights.push({ letter: "S", from, to, start, end });
  }
  for (const [from, start] of change.asks) {
    for (let to = 1; to <= members; to += 1) {
      if (to !== from) flights.push({ letter: "X", from, to, start, end: begun });
    }
  }
  for (const [to, end] of change.enters) if (to !== change.leader) flights.push({ letter: "N", from: change.leader, to, start: begun, end });
  return flights.filter((flight) => flight.end > flight.start);
}

/** Those of the flights that are under way, thinned to `most`, and one of how many that is. @param {Flight[]} flights @param {number} t @param {number} most */
export function underWay(flights, t, most) {
  const found = flights.filter((flight) => flight.start <= t && t < flight.end);
  const of = Math.max(1, Math.ceil(found.length / most));
  return { flights: of === 1 ? found : found.filter((_, at) => at % of === 0), of };
}
