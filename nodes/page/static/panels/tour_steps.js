// The guided tour over a day of claims: what is said at each stop, and where the player is moved to. Pure.
import { mark } from "../words.js";

/**
 * Where a stop lies: the first record of a kind that fits, after the stop before it where `onward`.
 * @typedef {object} Place
 * @property {string} kind  of a record; "begin" and "end" are those of the run
 * @property {Record<string, unknown>} [fields]  that the record has
 * @property {number} [height_min]
 * @property {boolean} [onward]
 * @property {boolean} [same_height]  of the height of the stop before
 */
/**
 * @typedef {object} Stop
 * @property {string} id
 * @property {string} title
 * @property {string[]} text
 * @property {Place} place
 * @property {string} tab
 * @property {"ring" | "panel"} shows  what it speaks of: that is brought into view, and the card leaves it free
 * @property {number} before_us  so long before it the player begins
 * @property {number} after_us  so long after it the player stops
 * @property {number} speed
 */

/** @type {Stop[]} */
export const STOPS = [
  {
    id: "nobody",
    title: mark("Nobody is in charge"),
    text: [
      mark("These are {n} organisations: a medical-insurance bureau, hospitals, pharmacies, a regulator, a supplier. None of them trusts any other with the books."),
      mark("So each keeps the whole ledger itself, and they agree on every line before it is written. This tour shows how, on one day of claims; at each stop you may play, pause and look around."),
    ],
    place: { kind: "begin" },
    tab: "members",
    shows: "ring",
    before_us: 0,
    after_us: 1_500_000,
    speed: 1,
  },
  {
    id: "wish",
    title: mark("It begins with a wish"),
    text: [
      mark("A hospital has treated somebody and issues a bill; a pharmacy scans a pack that it sells. Each such wish is a transaction, signed by who says it: nobody can say it in another's name."),
      mark("The wish is told to all members at once. From now on it can no longer be lost by one machine that breaks."),
    ],
    place: { kind: "submitted", height_min: -1, onward: true },
    tab: "blocks",
    shows: "panel",
    before_us: 100_000,
    after_us: 600_000,
    speed: 0.2,
  },
  {
    id: "leader",
    title: mark("Who says what comes first?"),
    text: [
      mark("Two claims on the same bill may arrive at the same moment, and only one can be paid. So one member, the leader, proposes an order: it sends a batch of wishes as the next block (the letter P)."),
      mark("The leader only proposes. The others check every signature of the batch before they say a word about it."),
    ],
    place: { kind: "proposed", height_min: 12 },
    tab: "members",
    shows: "ring",
    before_us: 2_000,
    after_us: 10_000,
    speed: 0.01,
  },
  {
    id: "quorum",
    title: mark("What is a quorum?"),
    text: [
      mark("A member that accepts the proposal tells all others (V, a vote); when it has heard that {quorum} of {n} accept the same, it says so, too (C, commit); and when {quorum} have committed, the block is decided."),
      mark("Why {quorum}? Up to {f} members may lie or be silent. Any two groups of {quorum} share at least {shared} members, so at least one honest one, and an honest member does not accept two different blocks at one height. So two different blocks can never both be decided."),
    ],
    place: { kind: "prepared", same_height: true },
    tab: "members",
    shows: "ring",
    before_us: 3_000,
    after_us: 40_000,
    speed: 0.02,
  },
  {
    id: "block",
    title: mark("A block is executed by everybody"),
    text: [
      mark("Each member executes the decided block for itself: who is insured, what the fund pays, whether the pack was sold before. The rules are the same program everywhere, so all come to the same result, to the fen."),
      mark("Every few blocks they compare by signing a fingerprint of their whole ledger. {quorum} equal signatures are a seal, which anybody outside can check, too."),
    ],
    place: { kind: "executed", same_height: true },
    tab: "blocks",
    shows: "ring",
    before_us: 5_000,
    after_us: 400_000,
    speed: 0.1,
  },
  {
    id: "words",
    title: mark("What a block says"),
    text: [
      mark("A block is not a mystery: each line is something that an organisation did, in words. Names lead to their stories: click a bill, and see its life from issue to payment, block by block."),
    ],
    place: { kind: "sealed", onward: true },
    tab: "blocks",
    shows: "panel",
    before_us: 0,
    after_us: 500_000,
    speed: 0.5,
  },
  {
    id: "refused",
    title: mark("Why was this claim refused?"),
    text: [
      mark("Somebody claims the same bill twice, or sells one pack to two patients. The rules refuse it everywhere alike; the attempt stays in the ledger with its reason, and the regulator is told."),
      mark("No inspector had to look for it: the second claim met the first one in the same ledger."),
    ],
    place: { kind: "finding" },
    tab: "findings",
    shows: "panel",
    before_us: 300_000,
    after_us: 300_000,
    speed: 0.5,
  },
  {
    id: "fall",
    title: mark("The leader dies"),
    text: [
      mark("Now the machine of {leader}, which leads, is killed in the middle of its work, without a warning. Nothing is proposed any more, and the line of throughput falls to nothing."),
      mark("The others do not know whether it is dead or only slow; nobody can know. They only see that their wishes wait, and each starts a clock."),
    ],
    place: { kind: "fault", fields: { act: "kill" } },
    tab: "members",
    shows: "ring",
    before_us: 700_000,
    after_us: 1_500_000,
    speed: 1,
  },
  {
    id: "new-leader",
    title: mark("A new leader, by rule"),
    text: [
      mark("The clocks run out: each member says that it suspects the leader (S), and when {quorum} do, they ask for the next view together (X). Which member leads a view is fixed in advance, so there is no election to quarrel about: it is the turn of {new_leader}."),
      mark("It may begin when {quorum} members have asked, and it must show their signed words when it does (N)."),
    ],
    place: { kind: "new_view" },
    tab: "members",
    shows: "ring",
    before_us: 120_000,
    after_us: 60_000,
    speed: 0.05,
  },
  {
    id: "not-lost",
    title: mark("Why did nothing get lost?"),
    text: [
      mark("Every wish was told to all, so the new leader knows those that the old one had not proposed yet. And what may have been decided already was accepted by {quorum} members: at least one of any {quorum} who ask for a new view brings the proof of it, and the new leader has to propose it again, unchanged."),
      mark("Each member also wrote every vote to its disk before it said it. So no wish is lost, and none is executed twice."),
    ],
    place: { kind: "executed", onward: true },
    tab: "blocks",
    shows: "panel",
    before_us: 20_000,
    after_us: 800_000,
    speed: 0.2,
  },
  {
    id: "return",
    title: mark("The dead one comes back"),
    text: [
      mark("{leader} is started again. It reads its own disk, asks the others what it missed, and believes nothing without a seal: it executes each block itself and compares."),
      mark("Then it votes again, as a member like the others. All that this cost was some seconds of patience."),
    ],
    place: { kind: "catching_up", onward: true },
    tab: "members",
    shows: "ring",
    before_us: 300_000,
    after_us: 5_500_000,
    speed: 2,
  },
  {
    id: "eyes",
    title: mark("Who may see what?"),
    text: [
      mark("That all keep the ledger does not mean that all may read everything. It holds pseudonyms, amounts and fingerprints; diagnoses and names stay with those who treat the patient, sealed for who is entitled to them."),
      mark("Look through another member's eyes here: what a supplier asks about a patient's claim is refused, and the page says so. In a consortium that runs, a look is noted where a rule says so."),
    ],
    place: { kind: "end" },
    tab: "eyes",
    shows: "panel",
    before_us: 0,
    after_us: 0,
    speed: 1,
  },
];

/**
 * The stops that a run has places for, each with the moment of its record.
 * @param {(place: Place, before: { t_us: number, height: number } | null) => { t_us: number, height: number } | null} find
 * @returns {{ stop: Stop, t_us: number, height: number }[]}
 */
export function placedStops(find) {
  const placed = [];
  /** @type {{ t_us: number, height: number } | null} */
  let before = null;
  for (const stop of STOPS) {
    const found = find(stop.place, before);
    if (!found) continue;
    placed.push({ stop, ...found });
    before = found;
  }
  return placed;
}

/**
 * What the sentences are filled with.
 * @param {{ n: number, f: number, quorum: number }} about
 * @param {{ leader: string, new_leader: string }} names
 * @returns {Record<string, string | number>}
 */
export function valuesOf(about, names) {
  return { n: about.n, f: about.f, quorum: about.quorum, shared: 2 * about.quorum - about.n, ...names };
}
