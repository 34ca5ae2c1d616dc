// Members that a consortium's own status says stand still, though no record tells of it: who dies writes nothing.
import { DOWN, PAUSED, UP } from "./state.js";

const RUNNING = ["running", "starting", "stopping", ""]; // "": nobody keeps its process, so nobody knows
/** @type {ReadonlyMap<number, number>} */
const NOBODY = new Map();

export class Seen {
  constructor() {
    /** @type {Map<number, { t: number, condition: number }>} since when a node is seen so */
    this._since = new Map();
  }

  /** @param {number} t @param {{ name: string, state: string }[]} members @param {(name: string) => number} nodeOf */
  look(t, members, nodeOf) {
    for (const { name, state } of members) {
      const node = nodeOf(name);
      const condition = conditionOf(state);
      if (condition === UP) this._since.delete(node);
      else if (node && this._since.get(node)?.condition !== condition) this._since.set(node, { t, condition });
    }
  }

  /** DOWN or PAUSED of the nodes that were seen so by then. @param {number} t @returns {ReadonlyMap<number, number>} */
  at(t) {
    if (!this._since.size) return NOBODY;
    return new Map([...this._since].filter(([, seen]) => seen.t <= t).map(([node, seen]) => [node, seen.condition]));
  }
}

/** @param {string} state as `consortium status` has it */
export function conditionOf(state) {
  if (state === "paused") return PAUSED;
  return RUNNING.includes(state) ? UP : DOWN;
}
