// Where each line of a message-sequence diagram stands: a lane for each member, time to the right. Pure.

/**
 * @typedef {object} Message
 * @property {string} kind
 * @property {string} from
 * @property {string} to
 * @property {number} sent_us
 * @property {number | null} got_us  null: not heard while the diagram lasts
 */

/**
 * @typedef {object} Diagram
 * @property {number} height
 * @property {boolean} exact
 * @property {string} said  how exact, in words
 * @property {string[]} members
 * @property {Message[]} messages
 * @property {{member: string, t_us: number, kind: string}[]} notes
 */

/** @typedef {{kind: string, letter: string, from: string, to: string, x1: number, y1: number, x2: number, y2: number, sent_us: number, got_us: number | null, lost: boolean}} Arrow */

export const LANE = 44;
export const TOP = 30;
export const LEFT = 108;
const RIGHT = 24;
const LOST_AFTER = 26;
const TICKS = 6;
const STEPS_US = [1, 2, 5];

/**
 * @param {Diagram} diagram
 * @param {number} width  of the whole drawing
 */
export function layout(diagram, width) {
  const span = spanOf(diagram);
  const inner = Math.max(120, width - LEFT - RIGHT);
  /** @param {number} t_us */
  const x = (t_us) => LEFT + ((t_us - span.begin_us) / (span.end_us - span.begin_us)) * inner;
  const lanes = diagram.members.map((name, place) => ({ name, y: TOP + LANE * (place + 0.5) }));
  const rows = new Map(lanes.map((lane) => [lane.name, lane.y]));
  return {
    width: LEFT + inner + RIGHT,
    height: TOP + LANE * lanes.length + 34,
    foot: TOP + LANE * lanes.length,
    lanes,
    ticks: ticksOf(span).map((t_us) => ({ x: x(t_us), t_us, after_us: t_us - span.begin_us })),
    arrows: diagram.messages.flatMap((each) => arrowOf(each, x, rows)),
    marks: diagram.notes.flatMap((each) => {
      const y = rows.get(each.member);
      return y === undefined ? [] : [{ ...each, x: x(each.t_us), y }];
    }),
  };
}

/**
 * @param {Message} message
 * @param {(t_us: number) => number} x
 * @param {Map<string, number>} rows
 * @returns {Arrow[]}
 */
function arrowOf(message, x, rows) {
  const y1 = rows.get(message.from);
  const y2 = rows.get(message.to);
  if (y1 === undefined || y2 === undefined || y1 === y2) return [];
  const lost = message.got_us === null;
  const x1 = x(message.sent_us);
  const part = lost ? 0.45 : 1;
  return [
    {
      kind: message.kind,
      letter: letterOf(message.kind),
      from: message.from,
      to: message.to,
      sent_us: message.sent_us,
      got_us: message.got_us,
      lost,
      x1,
      y1,
      x2: message.got_us === null ? x1 + LOST_AFTER : x(message.got_us),
      y2: y1 + (y2 - y1) * part,
    },
  ];
}

/** @param {Diagram} diagram */
export function spanOf(diagram) {
  const times = diagram.notes.map((each) => each.t_us);
  for (const each of diagram.messages) {
    times.push(each.sent_us);
    if (each.got_us !== null) times.push(each.got_us);
  }
  if (times.length === 0) return { begin_us: 0, end_us: 1 };
  let begin_us = Infinity;
  let end_us = -Infinity;
  for (const each of times) {
    begin_us = Math.min(begin_us, each);
    end_us = Math.max(end_us, each);
  }
  const margin = Math.max(1, (end_us - begin_us) * 0.03);
  return { begin_us: begin_us - margin, end_us: end_us + margin };
}

/**
 * Moments for an axis: steps of 1, 2 or 5 times a power of ten, counted from the first note.
 * @param {{begin_us: number, end_us: number}} span
 */
export function ticksOf(span) {
  const all = span.end_us - span.begin_us;
  const step = stepOf(all);
  const ticks = [];
  for (let t_us = span.begin_us; t_us <= span.end_us; t_us += step) ticks.push(t_us);
  return ticks;
}

/** @param {number} all  µs of the whole span */
function stepOf(all) {
  for (let power = 1; ; power *= 10) {
    const found = STEPS_US.find((each) => all / (each * power) <= TICKS);
    if (found !== undefined) return found * power;
  }
}

/**
 * The letter of a kind of messages, beside its colour; the ring has the same.
 * @param {string} kind
 */
export function letterOf(kind) {
  const known = /** @type {Record<string, string>} */ ({
    preprepare: "P",
    prepare: "V",
    commit: "C",
    suspect: "S",
    viewchange: "X",
    newview: "N",
    checkpoint: "Q",
    proposal: "P",
    vote: "V",
    certificate: "Q",
    timeout: "X",
    submission: "w",
  });
  return known[plainKind(kind)] ?? kind.slice(0, 1).toLowerCase();
}

/**
 * `PrePrepare`, `pre_prepare` and `PRE-PREPARE` are one kind.
 * @param {string} kind
 */
export function plainKind(kind) {
  return kind.toLowerCase().replace(/[^a-z]/g, "");
}

/**
 * How many of each kind, in the order in which they were first said.
 * @param {Message[]} messages
 */
export function countsOf(messages) {
  /** @type {Map<string, number>} */
  const counts = new Map();
  for (const each of messages) counts.set(each.kind, (counts.get(each.kind) ?? 0) + 1);
  return [...counts];
}
