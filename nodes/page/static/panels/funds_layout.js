// Where the accounts and the flows of money between them stand in a drawing: sources to the left. Pure.

/** @typedef {{ source: string, target: string, amount_fen: number, count: number, first_height?: number, last_height?: number }} Flow */

/** The way of a yuan, from left to right, by the first word of an account's name. */
const ORDER = ["external", "premium", "fund", "advance", "unconfirmed", "disputed", "payable", "payout", "supplier", "paid", "person"];
const GAP = 14;
const THINNEST = 2;
export const BAR = 12;
const COLUMN_MIN = 90;

/** @param {string} name */
export function kindOf(name) {
  return name.split("/", 1)[0] ?? name;
}

/**
 * A column for each node: one more than the farthest that leads to it; what turns back is left out of the count.
 * @param {Flow[]} flows
 * @returns {Map<string, number>}
 */
export function columnsOf(flows) {
  const names = [...new Set(flows.flatMap((flow) => [flow.source, flow.target]))].sort(byOrder);
  const columns = new Map(names.map((name) => [name, 0]));
  const onward = flows.filter((flow) => flow.source !== flow.target && byOrder(flow.source, flow.target) < 0);
  for (let turn = 0; turn < names.length; turn += 1) {
    for (const flow of onward) {
      const next = Number(columns.get(flow.source)) + 1;
      if (next > Number(columns.get(flow.target))) columns.set(flow.target, next);
    }
  }
  return columns;
}

/** @param {string} one @param {string} other */
function byOrder(one, other) {
  return placeOf(one) - placeOf(other) || (one < other ? -1 : one > other ? 1 : 0);
}

/** @param {string} name */
function placeOf(name) {
  const at = ORDER.indexOf(kindOf(name));
  return at < 0 ? ORDER.indexOf("fund") : at;
}

/**
 * Bars and ribbons. A ribbon is as wide as the logarithm of its amount: premiums of millions and a single bill stand in one
 * drawing (the drawing says so).
 * @param {Flow[]} flows
 * @param {number} width
 */
export function layoutFunds(flows, width) {
  const columns = columnsOf(flows);
  const count = Math.max(1, ...columns.values()) + 1;
  const step = Math.max(COLUMN_MIN, (width - BAR - 2) / Math.max(1, count - 1));
  const sizes = sizesOf(flows);
  /** @type {Map<string, { name: string, x: number, y: number, height: number, out: number, into: number, column: number }>} */
  const bars = new Map();
  const depth = new Map();
  for (const [name, column] of columns) {
    const y = depth.get(column) ?? 24;
    const height = Math.max(10, sizes.get(name) ?? 0);
    bars.set(name, { name, x: column * step, y, height, out: y, into: y, column });
    depth.set(column, y + height + GAP + 16);
  }
  const ribbons = flows.flatMap((flow) => ribbonOf(flow, bars));
  return { width: (count - 1) * step + BAR + 2, height: Math.max(60, ...depth.values()), bars: [...bars.values()], ribbons, last: count - 1 };
}

/** @param {number} fen */
export function thickness(fen) {
  return Math.max(THINNEST, Math.log10(1 + Math.abs(fen) / 100) * 3);
}

/** How high a bar is: all that leaves it or all that comes, whichever is more. @param {Flow[]} flows */
function sizesOf(flows) {
  const out = new Map();
  const into = new Map();
  for (const flow of flows) {
    out.set(flow.source, (out.get(flow.source) ?? 0) + thickness(flow.amount_fen));
    into.set(flow.target, (into.get(flow.target) ?? 0) + thickness(flow.amount_fen));
  }
  return new Map([...new Set([...out.keys(), ...into.keys()])].map((name) => [name, Math.max(out.get(name) ?? 0, into.get(name) ?? 0)]));
}

/**
 * @param {Flow} flow
 * @param {Map<string, { x: number, y: number, out: number, into: number }>} bars
 */
function ribbonOf(flow, bars) {
  const from = bars.get(flow.source);
  const to = bars.get(flow.target);
  if (!from || !to || from === to) return [];
  const wide = thickness(flow.amount_fen);
  const y1 = from.out + wide / 2;
  const y2 = to.into + wide / 2;
  from.out += wide;
  to.into += wide;
  const x1 = from.x + BAR;
  const x2 = to.x;
  const bend = Math.max(30, Math.abs(x2 - x1) / 2);
  return [{ flow, wide, path: `M${x1.toFixed(1)},${y1.toFixed(1)} C${(x1 + bend).toFixed(1)},${y1.toFixed(1)} ${(x2 - bend).toFixed(1)},${y2.toFixed(1)} ${x2.toFixed(1)},${y2.toFixed(1)}` }];
}
