// What stands on the time line: faults and their ends, view changes, epochs, members that fell by themselves.
import { KIND } from "./kinds.js";

const MOST = 4000;
const REPAIRS = /^(restart|resume|heal|calm|broker_restart|disk_free|disk_copy)$/;

/** @typedef {{ view: number, leader: number, suspects: Map<number, number>, asks: Map<number, number>, enters: Map<number, number>, from: number, to: number }} ViewChange times in µs, by node */
/** @typedef {{ t: number, kind: "fault" | "repair" | "view" | "epoch" | "exit" | "finding", node: number, what: string, view: number }} Event */

export class Events {
  constructor() {
    /** @type {Event[]} in order of time */
    this.list = [];
    /** @type {ViewChange[]} those that came to an end, in order of time */
    this.changes = [];
    /** @type {Map<number, ViewChange>} */
    this._open = new Map();
    this._epoch = 0;
  }

  /**
   * A record more. @param {number} t @param {number} node @param {number} kind @param {number} view
   * @param {import("./records.js").Extra} extra @param {(name: string) => number} nodeOf
   */
  add(t, node, kind, view, extra, nodeOf) {
    switch (kind) {
      case KIND.fault: return this._fault(t, extra, nodeOf);
      case KIND.suspect: return this._told(t, node, view + 1, "suspects");
      case KIND.view_change: return this._told(t, node, view, "asks");
      case KIND.new_view: return this._enters(t, node, view, nodeOf(String(extra.leader ?? "")));
      case KIND.finding: return this._push({ t, kind: "finding", node, what: String(extra.rule ?? ""), view: 0 });
      case KIND.exited:
        if (extra.code !== 0 && extra.code !== -15) this._push({ t, kind: "exit", node, what: String(extra.why ?? ""), view: 0 });
        return undefined;
      case KIND.epoch:
        if (extra.epoch > this._epoch) {
          this._epoch = extra.epoch;
          this._push({ t, kind: "epoch", node, what: String(extra.epoch), view: 0 });
        }
        return undefined;
      default: return undefined;
    }
  }

  /** @param {number} t @param {import("./records.js").Extra} extra @param {(name: string) => number} nodeOf */
  _fault(t, extra, nodeOf) {
    const act = String(extra.act ?? "");
    const isOver = REPAIRS.test(act) || extra.phase === "end";
    const target = String(extra.target ?? "");
    this._push({ t, kind: isOver ? "repair" : "fault", node: nodeOf(target), what: [act.replace(/[_:]/g, " "), target].filter(Boolean).join(" "), view: 0 });
  }

  /** @param {number} t @param {number} node @param {number} view that is to begin @param {"suspects" | "asks"} what */
  _told(t, node, view, what) {
    let change = this._open.get(view);
    if (!change) {
      change = { view, leader: 0, suspects: new Map(), asks: new Map(), enters: new Map(), from: t, to: t };
      this._open.set(view, change);
    }
    if (change.enters.size) return;
    if (!change[what].has(node)) change[what].set(node, t);
  }

  /** @param {number} t @param {number} node @param {number} view @param {number} leader */
  _enters(t, node, view, leader) {
    const change = this._open.get(view);
    if (!change) return;
    if (!change.enters.size) {
      change.leader = leader;
      this.changes.push(change);
      if (this.changes.length > MOST) this.changes.splice(0, MOST / 4);
      this._push({ t, kind: "view", node: leader, what: "", view });
      for (const older of this._open.keys()) if (older < view) this._open.delete(older);
    }
    if (t - change.from < 60_000_000 && !change.enters.has(node)) {
      change.enters.set(node, t);
      change.to = Math.max(change.to, t);
    }
  }

  /** @param {Event} event */
  _push(event) {
    this.list.push(event);
    if (this.list.length > MOST) this.list.splice(0, MOST / 4);
  }

  /** The last view change that somebody entered in `(from, to]`; null none. @param {number} from @param {number} to @returns {ViewChange | null} */
  changeBetween(from, to) {
    for (let at = this.changes.length - 1; at >= 0; at -= 1) {
      const first = Math.min(...this.changes[at].enters.values());
      if (first <= from) return null;
      if (first <= to) return this.changes[at];
    }
    return null;
  }

  /** The view change that is under way at a moment. @param {number} t @returns {ViewChange | null} */
  changeAt(t) {
    for (let at = this.changes.length - 1; at >= 0; at -= 1) {
      const change = this.changes[at];
      if (change.from <= t && t <= change.to) return change;
      if (change.to < t - 60_000_000) return null;
    }
    return null;
  }
}
