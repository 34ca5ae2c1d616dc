// Where a state can be begun from: a copy of it every 2,000 records.
import { STRIDE } from "./records.js";
import { State } from "./state.js";

export class Keyframes {
  /**
   * @param {import("./records.js").Records} records
   * @param {() => import("./state.js").Source} source
   */
  constructor(records, source) {
    this.records = records;
    this.source = source;
    /** @type {Float64Array[]} the state before record `gone + i * STRIDE` */
    this._frames = [];
    this._first = 0; // which keyframe the list begins with
    this._begin();
  }

  _begin() {
    const { members, validators } = this.source();
    this._now = new State(members, validators);
    this._done = 0; // records of all time that `_now` holds
    this._ahead = new State(members, validators); // at the end of what is known
    this._aheadDone = 0;
    this._frames = [this._now.data.slice()];
    this._first = 0;
  }

  /** Makes the keyframes of what has come since; and drops those of what has gone. Some milliseconds per 100,000. */
  extend() {
    const { records } = this;
    const end = records.gone + records.length;
    if (this.source().members !== this._ahead.members) this._widen();
    while (this._aheadDone < end) {
      const until = Math.min(end, (Math.floor(this._aheadDone / STRIDE) + 1) * STRIDE);
      this._aheadDone = this._play(this._ahead, this._aheadDone, until);
      if (until % STRIDE === 0) this._frames.push(this._ahead.data.slice());
    }
    while (this._frames.length > 1 && (this._first + 1) * STRIDE <= records.gone) {
      this._frames.shift();
      this._first += 1;
    }
    if (this._done < records.gone) this._jump(this._first);
  }

  /** The state when `count` of the kept records are in. It is the same object each time: read it, do not keep it. @param {number} count @returns {State} */
  at(count) {
    const wanted = this.records.gone + count;
    const frame = Math.floor(wanted / STRIDE);
    const isNear = this._done <= wanted && wanted - this._done <= STRIDE;
    if (!isNear) this._jump(Math.min(Math.max(frame, this._first), this._first + this._frames.length - 1));
    this._done = this._play(this._now, this._done, wanted);
    return this._now;
  }

  /** The state at the end of all that is known. */
  get newest() {
    return this._ahead;
  }

  /** @param {number} frame */
  _jump(frame) {
    this._now.data.set(this._frames[frame - this._first]);
    this._done = frame * STRIDE;
  }

  /** @param {State} state @param {number} from @param {number} until both of all time @returns {number} `until` */
  _play(state, from, until) {
    const { records } = this;
    const source = this.source();
    const { kinds } = source;
    for (let at = from - records.gone; at < until - records.gone; at += 1) {
      const kind = kinds[records.kind[at]];
      if (kind) state.apply(records.t[at], records.node[at], kind, records.height[at], records.view[at], records.extra(at), source);
    }
    return until;
  }

  /** A member came that nobody knew: the states grow. Live alone, and rare. */
  _widen() {
    const { members, validators } = this.source();
    const widen = (/** @type {Float64Array} */ data) => new State(members, validators).take(data, this._ahead.members);
    this._frames = this._frames.map((data) => widen(data).data);
    this._now = widen(this._now.data);
    this._ahead = widen(this._ahead.data);
  }
}
