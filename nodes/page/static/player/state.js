// The state of every member at one moment: what the records up to it say. All of it lies in one array of numbers, so
// that a keyframe is a copy of it, and a seek is the nearest keyframe and the records since.
import { KIND } from "./kinds.js";

/** So many heights are kept with who reached which phase of them: more than are ever under way at once. */
export const SLOTS = 24;

export const UP = 0;
export const DOWN = 1;
export const PAUSED = 2;

export const NONE = 0;
export const PREPARED = 1;
export const COMMITTED = 2;
export const EXECUTED = 3;

// Of the whole: the first numbers of the array.
const VIEW = 0; // the highest that a quorum of nobody asked for: where members are that entered one
const LEADER = 1; // node number, 0 unknown
const EPOCH = 2;
const HEAD = 3; // highest height that anybody executed
const NEWEST = 4; // highest height of which anything is known
const TRANSACTIONS = 5;
const REFUSED = 6;
const PARTED = 7; // the network is parted
const LAST_T = 8;
const SEALED = 9;
const VALIDATORS = 10; // how many vote in this epoch; 0: as the source said at its begin
const FINDINGS = 11;
const WHOLE = 16;

// Of a member.
const M_HEIGHT = 0;
const M_VIEW = 1;
const M_CONDITION = 2;
const M_PHASE = 3; // of M_AT
const M_AT = 4; // height that it works at
const M_ASKS = 5; // view that it asks for, -1 none
const M_CATCHES = 6; // height that it fetches up to, -1 none
const M_SINCE = 7; // t of its last record
const M_VOTES = 8; // 1: a validator of this epoch
const M_LIVES = 9; // how often it booted
const M_SUSPECTS = 10; // view whose leader it suspects, -1 none
const MEMBER = 11;

// Of a height under way: then a phase for each member.
const S_HEIGHT = 0;
const S_VIEW = 1;
const S_PROPOSER = 2;
const S_T = 3;
const S_TRANSACTIONS = 4;
const SLOT = 5;

/**
 * Who the nodes of a source are. @typedef {object} Source
 * @property {number} members
 * @property {number[]} validators nodes that vote at the begin
 * @property {Uint8Array} kinds from the source's numbers to KIND
 * @property {(name: string) => number} nodeOf 0 where nobody is called so
 * @property {(epoch: number) => number[] | undefined} votersOf nodes that vote in an epoch, where that is known
 */
/**
 * A member as it is at one moment.
 * @typedef {object} MemberNow
 * @property {number} node
 * @property {number} height executed so far
 * @property {number} view
 * @property {number} condition UP, DOWN or PAUSED
 * @property {number} phase NONE, PREPARED, COMMITTED or EXECUTED, of the height `at`
 * @property {number} at
 * @property {number} asks view that it asks for; -1 none
 * @property {number} suspects view whose leader it suspects; -1 none
 * @property {number} catches height that it fetches up to; -1 none
 * @property {number} since µs, of its last record
 * @property {boolean} votes
 * @property {number} lives
 */
/**
 * A height under way. @typedef {object} HeightNow
 * @property {number} height
 * @property {number} view
 * @property {number} proposer node, 0 unknown
 * @property {number} t of the proposal, or of the first that was heard of it
 * @property {number} transactions
 * @property {(node: number) => number} phase
 * @property {(phase: number) => number} count members that reached at least this phase
 */

export class State {
  /** @param {number} members @param {readonly number[]} validators nodes that vote at the begin */
  constructor(members, validators) {
    this.members = members;
    this.slotSize = SLOT + members;
    /** @type {ReadonlyMap<number, number>} live: nodes that are seen DOWN or PAUSED, whatever the records say */
    this.seen = new Map();
    this.data = new Float64Array(WHOLE + members * MEMBER + SLOTS * this.slotSize);
    for (let node = 1; node <= members; node += 1) {
      const at = this._member(node);
      this.data[at + M_ASKS] = this.data[at + M_CATCHES] = this.data[at + M_SUSPECTS] = -1;
      this.data[at + M_VOTES] = validators.includes(node) ? 1 : 0;
    }
    for (let slot = 0; slot < SLOTS; slot += 1) this.data[this._slotAt(slot)] = -1;
    this.data[VALIDATORS] = validators.length;
  }

  /** Takes over what a state of fewer members held. @param {Float64Array} data @param {number} members @returns {this} */
  take(data, members) {
    this.data.set(data.subarray(0, WHOLE + members * MEMBER));
    for (let slot = 0; slot < SLOTS; slot += 1) {
      const from = WHOLE + members * MEMBER + slot * (SLOT + members);
      this.data.set(data.subarray(from, from + SLOT + members), this._slotAt(slot));
    }
    return this;
  }

  /** @param {number} node */
  _member(node) {
    return WHOLE + (node - 1) * MEMBER;
  }

  /** @param {number} slot */
  _slotAt(slot) {
    return WHOLE + this.members * MEMBER + slot * this.slotSize;
  }

  get view() { return this.data[VIEW]; }
  get leader() { return this.data[LEADER]; }
  get epoch() { return this.data[EPOCH]; }
  get head() { return this.data[HEAD]; }
  get newest() { return this.data[NEWEST]; }
  get transactions() { return this.data[TRANSACTIONS]; }
  get refused() { return this.data[REFUSED]; }
  get parted() { return this.data[PARTED] > 0; }
  get sealed() { return this.data[SEALED]; }
  get findings() { return this.data[FINDINGS]; }
  /** How many vote. */
  get validators() { return this.data[VALIDATORS]; }
  /** How many make a quorum of those that vote: ⌈(n+f+1)/2⌉. */
  get quorum() {
    const n = this.data[VALIDATORS];
    return Math.ceil((n + Math.floor((n - 1) / 3) + 1) / 2);
  }

  /** How many run of those that vote. */
  get running() {
    let running = this.data[VALIDATORS];
    for (let node = 1; node <= this.members; node += 1) {
      const { votes, condition } = this.member(node);
      if (votes && condition !== UP) running -= 1;
    }
    return running;
  }

  /** @param {number} node @returns {MemberNow} */
  member(node) {
    const at = this._member(node);
    const d = this.data;
    return {
      node, height: d[at + M_HEIGHT], view: d[at + M_VIEW], condition: this.seen.get(node) ?? d[at + M_CONDITION], phase: d[at + M_PHASE],
      at: d[at + M_AT], asks: d[at + M_ASKS], catches: d[at + M_CATCHES], since: d[at + M_SINCE],
      suspects: d[at + M_SUSPECTS], votes: d[at + M_VOTES] === 1, lives: d[at + M_LIVES],
    };
  }

  /** The height, where anything is known of it and it is not too long ago. @param {number} height @returns {HeightNow | null} */
  height(height) {
    if (height < 0) return null;
    const at = this._slotAt(height % SLOTS);
    const d = this.data;
    if (d[at + S_HEIGHT] !== height) return null;
    return {
      height, view: d[at + S_VIEW], proposer: d[at + S_PROPOSER], t: d[at + S_T], transactions: d[at + S_TRANSACTIONS],
      phase: (node) => d[at + SLOT + node - 1],
      count: (phase) => {
        let count = 0;
        for (let member = 0; member < this.members; member += 1) if (d[at + SLOT + member] >= phase) count += 1;
        return count;
      },
    };
  }

  /** The newest heights of which anything is known, the newest first. @param {number} most @returns {HeightNow[]} */
  heights(most) {
    /** @type {HeightNow[]} */
    const found = [];
    for (let height = this.newest; height > 0 && height > this.newest - SLOTS && found.length < most; height -= 1) {
      const one = this.height(height);
      if (one) found.push(one);
    }
    return found;
  }

  /**
   * One record more. `kind` is one of KIND.
   * @param {number} t @param {number} node @param {number} kind @param {number} height @param {number} view
   * @param {import("./records.js").Extra} extra @param {Source} source
   */
  apply(t, node, kind, height, view, extra, source) {
    this.data[LAST_T] = t;
    if (node > this.members) return;
    if (node) this.data[this._member(node) + M_SINCE] = t;
    switch (kind) {
      case KIND.proposed: return this._proposed(t, node, height, view, extra);
      case KIND.prepared: return this._reached(t, node, height, view, PREPARED);
      case KIND.committed: return this._reached(t, node, height, view, COMMITTED);
      case KIND.executed: return this._executed(t, node, height, extra);
      case KIND.sealed: return void (this.data[SEALED] = Math.max(this.data[SEALED], height));
      case KIND.finding: return void (this.data[FINDINGS] += 1);
      case KIND.fault: return this._fault(extra, source.nodeOf);
      case KIND.epoch: return this._epoch(extra, source.votersOf(extra.epoch));
      default: if (node) this._ofMember(node, kind, view, extra, source.nodeOf);
    }
  }

  /** @param {number} height @returns {number} where its slot begins; -1 where it is too old */
  _slot(height) {
    if (height <= 0) return -1;
    const at = this._slotAt(height % SLOTS);
    const d = this.data;
    if (d[at + S_HEIGHT] > height) return -1;
    if (d[at + S_HEIGHT] < height) {
      d.fill(0, at, at + this.slotSize);
      d[at + S_HEIGHT] = height;
      d[NEWEST] = Math.max(d[NEWEST], height);
    }
    return at;
  }

  /** @param {number} t @param {number} node @param {number} height @param {number} view @param {any} extra */
  _proposed(t, node, height, view, extra) {
    const slot = this._slot(height);
    const d = this.data;
    if (view >= d[VIEW]) {
      d[VIEW] = view;
      d[LEADER] = node;
    }
    if (slot < 0) return;
    if (view > d[slot + S_VIEW]) this._forgetPrepared(slot);
    d[slot + S_VIEW] = view;
    d[slot + S_PROPOSER] = node;
    d[slot + S_T] = t;
    d[slot + S_TRANSACTIONS] = extra.transactions ?? 0;
  }

  /** What was prepared in an older view is prepared anew in this one. @param {number} slot */
  _forgetPrepared(slot) {
    for (let at = slot + SLOT; at < slot + this.slotSize; at += 1) if (this.data[at] === PREPARED) this.data[at] = NONE;
  }

  /** @param {number} t @param {number} node @param {number} height @param {number} view @param {number} phase */
  _reached(t, node, height, view, phase) {
    const slot = this._slot(height);
    const d = this.data;
    const member = this._member(node);
    if (view > d[member + M_VIEW]) d[member + M_VIEW] = view;
    if (slot < 0) return;
    d[slot + S_T] ||= t;
    if (d[slot + SLOT + node - 1] < phase) d[slot + SLOT + node - 1] = phase;
    if (height >= d[member + M_AT]) {
      d[member + M_PHASE] = height > d[member + M_AT] ? phase : Math.max(phase, d[member + M_PHASE]);
      d[member + M_AT] = height;
    }
  }

  /** @param {number} t @param {number} node @param {number} height @param {any} extra */
  _executed(t, node, height, extra) {
    const d = this.data;
    const member = this._member(node);
    d[member + M_HEIGHT] = height;
    if (height > d[HEAD]) {
      d[HEAD] = height;
      d[TRANSACTIONS] += extra.transactions ?? 0;
      d[REFUSED] += extra.refused ?? 0;
    }
    this._reached(t, node, height, -1, EXECUTED);
    const slot = this._slot(height);
    if (slot >= 0 && !d[slot + S_TRANSACTIONS]) d[slot + S_TRANSACTIONS] = extra.transactions ?? 0;
  }

  /** @param {any} extra @param {number[] | undefined} voters */
  _epoch(extra, voters) {
    const d = this.data;
    if (!(extra.epoch > d[EPOCH])) return;
    d[EPOCH] = extra.epoch;
    if (extra.validators) d[VALIDATORS] = extra.validators;
    d[VIEW] = 0; // views begin at 0 in each epoch
    for (let node = 1; node <= this.members; node += 1) {
      d[this._member(node) + M_VIEW] = 0;
      if (voters) d[this._member(node) + M_VOTES] = voters.includes(node) ? 1 : 0;
    }
  }

  /** @param {any} extra @param {(name: string) => number} nodeOf */
  _fault(extra, nodeOf) {
    const act = String(extra.act ?? "");
    const node = nodeOf(String(extra.target ?? ""));
    if (/partition/.test(act)) this.data[PARTED] = 1;
    if (act === "heal") this.data[PARTED] = 0;
    if (!node) return;
    const member = this._member(node);
    if (act === "kill" || act === "stop") this._goDown(member);
    if (act === "pause") this.data[member + M_CONDITION] = PAUSED;
    if (act === "resume" || act === "restart") this.data[member + M_CONDITION] = UP;
  }

  /** @param {number} member */
  _goDown(member) {
    const d = this.data;
    d[member + M_CONDITION] = DOWN;
    d[member + M_ASKS] = d[member + M_CATCHES] = d[member + M_SUSPECTS] = -1;
    d[member + M_PHASE] = NONE;
  }

  /** @param {number} node @param {number} kind @param {number} view @param {any} extra @param {(name: string) => number} nodeOf */
  _ofMember(node, kind, view, extra, nodeOf) {
    const d = this.data;
    const member = this._member(node);
    switch (kind) {
      case KIND.booted:
        d[member + M_CONDITION] = UP;
        d[member + M_LIVES] += 1;
        break;
      case KIND.exited:
        if (extra.code !== 0 && extra.code !== -15) this._goDown(member); // it ended as it was told to: the run is over
        break;
      case KIND.view_change:
        d[member + M_ASKS] = view;
        break;
      case KIND.suspect:
        d[member + M_SUSPECTS] = view;
        break;
      case KIND.new_view:
      case KIND.term:
        this._entered(member, view, nodeOf(String(extra.leader ?? "")), kind === KIND.new_view);
        break;
      case KIND.catching_up:
        d[member + M_CATCHES] = extra.to_height ?? 0;
        break;
      case KIND.caught_up:
        d[member + M_CATCHES] = -1;
        break;
      case KIND.admitted:
        d[member + M_VOTES] = 1;
        break;
      case KIND.removed:
        d[member + M_VOTES] = 0;
        break;
      default:
    }
  }

  /** @param {number} member @param {number} view @param {number} leader @param {boolean} isNewView */
  _entered(member, view, leader, isNewView) {
    const d = this.data;
    if (view > d[member + M_VIEW]) d[member + M_VIEW] = view;
    if (isNewView || view >= d[member + M_ASKS]) d[member + M_ASKS] = -1;
    if (view > d[member + M_SUSPECTS]) d[member + M_SUSPECTS] = -1;
    if (view >= d[VIEW] && leader) {
      d[VIEW] = view;
      d[LEADER] = leader;
    }
  }
}
