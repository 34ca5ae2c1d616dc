// When each member reached which phase of each height: a row of times for a height. What is drawn in flight is read here.
import { KIND } from "./kinds.js";
import { COMMITTED, EXECUTED, NONE, PREPARED } from "./state.js";

const ROOM = 1024;
const T = 0; // of the proposal; 0 unknown
const PROPOSER = 1;
const VIEW = 2;
const TRANSACTIONS = 3;
const REFUSED = 4;
const TIMES = 5; // then three times a member: prepared, committed, executed; 0 where it did not

export class Heights {
  /** @param {number} members @param {number} [most] live: so many heights are kept, the oldest go */
  constructor(members, most = Infinity) {
    this.members = members;
    this.most = most;
    this.row = TIMES + 3 * members;
    this.data = new Float64Array(ROOM * this.row);
    /** The first height that is kept. */
    this.first = 1;
    /** The last of which anything is known; 0 none. */
    this.last = 0;
  }

  /** @param {number} height @returns {number} where its row begins; -1 where nothing is known of it */
  at(height) {
    return height < this.first || height > this.last ? -1 : (height - this.first) * this.row;
  }

  /** A record more. @param {number} t @param {number} node @param {number} kind @param {number} height @param {number} view @param {import("./records.js").Extra} extra */
  add(t, node, kind, height, view, extra) {
    if (!node || node > this.members || height < this.first) return;
    if (height > this.last) this._reach(height);
    const at = (height - this.first) * this.row;
    const d = this.data;
    if (kind === KIND.proposed) {
      if (view < d[at + VIEW]) return;
      d[at + T] = t;
      d[at + PROPOSER] = node;
      d[at + VIEW] = view;
      d[at + TRANSACTIONS] = extra.transactions ?? 0;
    } else if (kind === KIND.prepared) d[at + TIMES + 3 * (node - 1)] = t;
    else if (kind === KIND.committed) d[at + TIMES + 3 * (node - 1) + 1] ||= t;
    else if (kind === KIND.executed) {
      d[at + TIMES + 3 * (node - 1) + 2] ||= t;
      d[at + TRANSACTIONS] ||= extra.transactions ?? 0;
      d[at + REFUSED] ||= extra.refused ?? 0;
    }
  }

  /** @param {number} height */
  _reach(height) {
    if (this.last === 0 && height > ROOM) this.first = height; // the live page was opened late
    const rows = height - this.first + 1;
    if (rows > this.most) this._letGo(height);
    const wanted = (height - this.first + 1) * this.row;
    if (wanted > this.data.length) {
      const grown = new Float64Array(Math.max(wanted, this.data.length * 2));
      grown.set(this.data);
      this.data = grown;
    }
    this.last = height;
  }

  /** @param {number} height that is coming */
  _letGo(height) {
    const away = Math.min(Math.max(this.most >> 2, height - this.first + 1 - this.most), this.last - this.first + 1);
    const kept = (this.last - this.first + 1 - away) * this.row;
    this.data.copyWithin(0, away * this.row, away * this.row + kept);
    this.data.fill(0, kept);
    this.first = Math.max(this.first + away, height - this.most);
  }

  /** Of the proposal, 0 unknown. @param {number} height */
  proposedAt(height) {
    return this._number(height, T);
  }

  /** Node that proposed it; 0 unknown. @param {number} height */
  proposer(height) {
    return this._number(height, PROPOSER);
  }

  /** @param {number} height */
  view(height) {
    return this._number(height, VIEW);
  }

  /** @param {number} height */
  transactions(height) {
    return this._number(height, TRANSACTIONS);
  }

  /** @param {number} height */
  refused(height) {
    return this._number(height, REFUSED);
  }

  /** @param {number} height @param {number} field */
  _number(height, field) {
    const at = this.at(height);
    return at < 0 ? 0 : this.data[at + field];
  }

  /** When a member reached a phase of a height; 0 where it did not. @param {number} height @param {number} node @param {number} phase */
  time(height, node, phase) {
    const at = this.at(height);
    return at < 0 || phase < PREPARED ? 0 : this.data[at + TIMES + 3 * (node - 1) + phase - PREPARED];
  }

  /** Which phase of a height a member had reached at a moment. @param {number} height @param {number} node @param {number} t */
  phaseAt(height, node, t) {
    const at = this.at(height);
    if (at < 0) return NONE;
    const times = at + TIMES + 3 * (node - 1);
    const reached = (/** @type {number} */ time) => time > 0 && time <= t;
    if (reached(this.data[times + 2])) return EXECUTED;
    if (reached(this.data[times + 1])) return COMMITTED;
    return reached(this.data[times]) ? PREPARED : NONE;
  }

  /** How many members had reached a phase at a moment. @param {number} height @param {number} phase @param {number} t */
  countAt(height, phase, t) {
    let count = 0;
    for (let node = 1; node <= this.members; node += 1) if (this.phaseAt(height, node, t) >= phase) count += 1;
    return count;
  }

  /** From the first that is known of a height to the last, members that came much later left out. @param {number} height @returns {{ from: number, to: number } | null} */
  span(height) {
    const at = this.at(height);
    if (at < 0) return null;
    let from = this.data[at + T] || Infinity;
    /** @type {number[]} */
    const ends = [];
    for (let node = 0; node < this.members; node += 1) {
      const [prepared, committed, executed] = this.data.subarray(at + TIMES + 3 * node, at + TIMES + 3 * node + 3);
      for (const time of [prepared, committed, executed]) if (time > 0 && time < from) from = time;
      if (prepared && executed) ends.push(executed);
      else if (committed) ends.push(committed);
    }
    if (from === Infinity || !ends.length) return null;
    ends.sort((one, two) => one - two);
    const middle = ends[ends.length >> 1];
    const late = from + 4 * (middle - from) + 1000;
    return { from, to: Math.max(from + 1, ...ends.filter((end) => end <= late)) };
  }
}
