// A message-sequence diagram out of what members noted of a height: who must have heard whom, and by when. Pure.

/** @typedef {import("./sequence_layout.js").Diagram} Diagram */
/** @typedef {import("./sequence_layout.js").Message} Message */
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
 * Messages of PBFT between these notes: a proposal to each that prepared, the votes that were there when somebody committed,
 * the commits that were there when somebody executed. Each ends when its receiver noted what it allowed, at the latest.
 * @param {Note[]} notes
 * @returns {Message[]}
 */
export function messagesBetween(notes) {
  const of = (/** @type {string} */ kind) => notes.filter((each) => each.kind === kind);
  return [
    ...pairs("PrePrepare", of("proposed").slice(0, 1), of("prepared")),
    ...pairs("Prepare", of("prepared"), of("committed")),
    ...pairs("Commit", of("committed"), of("executed")),
  ];
}

/** @param {string} kind @param {Note[]} from @param {Note[]} to @returns {Message[]} */
function pairs(kind, from, to) {
  return from.flatMap((sender) =>
    to
      .filter((receiver) => receiver.member !== sender.member && receiver.t_us >= sender.t_us)
      .map((receiver) => ({ kind, from: sender.member, to: receiver.member, sent_us: sender.t_us, got_us: receiver.t_us })),
  );
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
  const messages = player.about.protocol === "pbft" ? messagesBetween(notes) : [];
  const members = player.about.members.map((each) => each.name).filter((name) => notes.some((each) => each.member === name));
  return { height, exact: false, said, members, messages, notes };
}
