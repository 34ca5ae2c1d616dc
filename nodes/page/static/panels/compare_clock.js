// Two runs on one clock: which moment of the second belongs to a moment of the first. Pure.

/**
 * @typedef {object} Track  when a run reached each height first; times rise
 * @property {number} end_us
 * @property {ArrayLike<number>} heights  rising
 * @property {ArrayLike<number>} times_us  of the same length
 * @property {ArrayLike<number>} transactions  how many were executed up to and with this height
 */

/** @typedef {"elapsed" | "height"} Clock */

/**
 * The place of the last entry that is ≤ `value`; -1 where there is none.
 * @param {ArrayLike<number>} rising
 * @param {number} value
 */
export function placeOf(rising, value) {
  let low = 0;
  let high = rising.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (/** @type {number} */ (rising[middle]) <= value) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/**
 * Where a run stands at a moment of its own: its height, what it has executed, transactions a second of the last second.
 * @param {Track} track
 * @param {number} t_us
 */
export function standing(track, t_us) {
  const at = placeOf(track.times_us, t_us);
  const before = placeOf(track.times_us, t_us - 1e6);
  const executed = at < 0 ? 0 : Number(track.transactions[at]);
  return {
    height: at < 0 ? -1 : Number(track.heights[at]),
    executed,
    per_s: executed - (before < 0 ? 0 : Number(track.transactions[before])),
    is_over: t_us >= track.end_us,
  };
}

/**
 * The moment of the second run that belongs to `t_us` of the first: as long after its begin, or when it had as many
 * blocks (its end, where it never had as many).
 * @param {Track} first
 * @param {Track} second
 * @param {number} t_us
 * @param {Clock} clock
 */
export function momentOfSecond(first, second, t_us, clock) {
  if (clock === "elapsed") return Math.min(t_us, second.end_us);
  const { height } = standing(first, t_us);
  if (height < 0) return 0;
  for (let at = placeOf(second.heights, height - 1) + 1; at < second.heights.length; at += 1) {
    if (Number(second.heights[at]) >= height) return Number(second.times_us[at]);
  }
  return second.end_us;
}

/**
 * A track of what members noted: the first `executed` of each height by anybody.
 * @param {Iterable<{t_us: number, height: number, transactions: number}>} executed  in order of time
 * @param {number} end_us
 * @returns {Track}
 */
export function trackOf(executed, end_us) {
  const heights = [];
  const times_us = [];
  const transactions = [];
  let top = -1;
  let sum = 0;
  for (const each of executed) {
    if (each.height <= top) continue;
    top = each.height;
    sum += each.height === 0 ? 0 : each.transactions;
    heights.push(each.height);
    times_us.push(each.t_us);
    transactions.push(sum);
  }
  return { end_us, heights, times_us, transactions };
}

/**
 * A line for a chart `width` by `height`: transactions executed over time, both runs on the same scales.
 * @param {Track} track
 * @param {{end_us: number, most: number, width: number, height: number}} scale
 * @returns {string}  the points of a polyline
 */
export function curveOf(track, scale) {
  const points = ["0,".concat(String(scale.height))];
  const step = Math.max(1, Math.floor(track.heights.length / 400));
  for (let at = 0; at < track.heights.length; at += step) {
    points.push(pointOf(Number(track.times_us[at]), Number(track.transactions[at]), scale));
  }
  const last = track.heights.length - 1;
  if (last >= 0) points.push(pointOf(track.end_us, Number(track.transactions[last]), scale));
  return points.join(" ");
}

/**
 * @param {number} t_us
 * @param {number} value
 * @param {{end_us: number, most: number, width: number, height: number}} scale
 */
function pointOf(t_us, value, scale) {
  const x = (t_us / Math.max(1, scale.end_us)) * scale.width;
  const y = scale.height - (value / Math.max(1, scale.most)) * scale.height;
  return `${x.toFixed(1)},${y.toFixed(1)}`;
}
