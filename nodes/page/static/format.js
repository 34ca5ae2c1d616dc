// Times, speeds and counts as people read them.

/** A moment of the run: `0:17.025`. @param {number} t_us @param {number} [digits] of a second */
export function clockTime(t_us, digits = 1) {
  const scale = 10 ** digits;
  const ticks = Math.floor(t_us / (1_000_000 / scale));
  const seconds = Math.floor(ticks / scale);
  const part = digits ? `.${String(ticks % scale).padStart(digits, "0")}` : "";
  const two = (/** @type {number} */ value) => String(value).padStart(2, "0");
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor(seconds / 60) % 60;
  return `${hours ? `${hours}:${two(minutes)}` : minutes}:${two(seconds % 60)}${part}`;
}

/** A span: `4.8 ms`, `2.0 s`. @param {number} us */
export function span(us) {
  if (us < 1000) return `${Math.round(us)} µs`;
  if (us < 1_000_000) return `${short(us / 1000)} ms`;
  return `${short(us / 1_000_000)} s`;
}

/** Three digits that matter. @param {number} value */
export function short(value) {
  if (value >= 100) return value.toFixed(0);
  return value >= 10 ? value.toFixed(1) : value.toFixed(value >= 1 ? 1 : 2);
}

/** `12,345`. @param {number} value */
export function count(value) {
  return Math.round(value).toString().replace(/\B(?=(\d{3})+$)/g, ",");
}

/** `×0.001`. @param {number} speed */
export function speedWord(speed) {
  return `×${Number(speed.toPrecision(2))}`;
}
