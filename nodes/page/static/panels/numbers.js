// Amounts, times and counts as a person reads them. Pure.

/**
 * `-1,234.05` of -123405: nothing is rounded.
 * @param {number} fen
 */
export function yuan(fen) {
  const whole = Math.abs(Math.trunc(fen));
  return `${fen < 0 ? "-" : ""}${count(Math.floor(whole / 100))}.${String(whole % 100).padStart(2, "0")}`;
}

/**
 * `12,345`.
 * @param {number} value
 */
export function count(value) {
  return String(Math.trunc(value)).replace(/\B(?=(\d{3})+$)/g, ",");
}

/**
 * `17.129 s`, `3.2 ms`, `250 µs`: three digits that matter.
 * @param {number} us
 */
export function duration(us) {
  const size = Math.abs(us);
  if (size >= 1e6) return `${(us / 1e6).toFixed(size >= 1e8 ? 1 : 3)} s`;
  if (size >= 1e3) return `${(us / 1e3).toFixed(size >= 1e5 ? 0 : 1)} ms`;
  return `${Math.round(us)} µs`;
}

/**
 * `20:46:18` in the chain's calendar.
 * @param {number} time_us
 * @param {number} offset_minutes
 */
export function clockTime(time_us, offset_minutes) {
  const seconds = Math.floor(time_us / 1e6) + offset_minutes * 60;
  const of_day = ((seconds % 86400) + 86400) % 86400;
  return [Math.floor(of_day / 3600), Math.floor(of_day / 60) % 60, of_day % 60]
    .map((each) => String(each).padStart(2, "0"))
    .join(":");
}

/**
 * Fen of an amount that a person typed: `45,560.00`, `45560`, `0.5`; null where it is none.
 * @param {string} text
 */
export function fenOf(text) {
  const plain = text.trim().replace(/[,，\s]/g, "");
  const found = /^(\d{1,12})(?:\.(\d{1,2}))?$/.exec(plain);
  return found ? Number(found[1]) * 100 + Number((found[2] ?? "").padEnd(2, "0")) : null;
}
