// How the time line is painted: throughput as a mountain, what happened as marks below it, seconds below those.
import { clockTime } from "../format.js";

/** @typedef {{ width: number, height: number, begin: number, end: number }} Frame */

const STEPS_S = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21600, 86400];
export const LANE = 14; // of the marks
export const FOOT = 15; // of the seconds

/** @param {Frame} frame @param {number} t */
export function placeOf(frame, t) {
  return ((t - frame.begin) / Math.max(1, frame.end - frame.begin)) * frame.width;
}

/** @param {CanvasRenderingContext2D} pen @param {Frame} frame @param {import("../player/player.js").Player} player @param {import("./canvas.js").Palette} colours */
export function paintBase(pen, frame, player, colours) {
  const floor = frame.height - FOOT - LANE;
  paintMountain(pen, frame, floor, player.series.course(Math.max(60, Math.floor(frame.width / 2))), colours);
  pen.fillStyle = colours.line;
  pen.fillRect(0, floor, frame.width, 1);
  paintSeconds(pen, frame, colours);
  for (const event of player.events.list) if (event.t >= frame.begin) paintMark(pen, placeOf(frame, event.t), floor, event, colours);
}

/** @param {CanvasRenderingContext2D} pen @param {Frame} frame @param {number} floor @param {{ t: number[], rate: number[] }} course @param {import("./canvas.js").Palette} colours */
function paintMountain(pen, frame, floor, course, colours) {
  if (!course.t.length) return;
  const sorted = [...course.rate].sort((one, two) => one - two);
  const most = Math.max(1, (sorted[Math.floor(sorted.length * 0.96)] ?? 1) * 1.25); // a burst at the begin does not flatten all else
  const y = (/** @type {number} */ rate) => floor - Math.min(1, rate / most) * (floor - 3);
  const step = (course.t[1] ?? course.t[0] + 1) - course.t[0];
  pen.beginPath();
  pen.moveTo(placeOf(frame, course.t[0] * 1e6), floor);
  course.t.forEach((seconds, at) => {
    pen.lineTo(placeOf(frame, seconds * 1e6), y(course.rate[at]));
    pen.lineTo(placeOf(frame, (seconds + step) * 1e6), y(course.rate[at]));
  });
  pen.lineTo(placeOf(frame, (course.t[course.t.length - 1] + step) * 1e6), floor);
  pen.closePath();
  pen.globalAlpha = 0.28;
  pen.fillStyle = colours.accent;
  pen.fill();
  pen.globalAlpha = 1;
}

/** @param {CanvasRenderingContext2D} pen @param {Frame} frame @param {import("./canvas.js").Palette} colours */
function paintSeconds(pen, frame, colours) {
  const seconds = (frame.end - frame.begin) / 1e6;
  const step = STEPS_S.find((one) => (one / Math.max(1e-6, seconds)) * frame.width >= 84) ?? 86400;
  pen.fillStyle = colours.muted;
  pen.font = `11px ${colours.font}`;
  pen.textBaseline = "middle";
  for (let at = Math.ceil(frame.begin / 1e6 / step); at * step * 1e6 <= frame.end; at += 1) {
    const x = placeOf(frame, at * step * 1e6);
    if (x > frame.width - 20) break;
    pen.textAlign = x < 20 ? "left" : "center";
    pen.fillText(clockTime(at * step * 1e6, step >= 1 ? 0 : step >= 0.1 ? 1 : 3), x, frame.height - FOOT / 2);
  }
}

/** @param {CanvasRenderingContext2D} pen @param {number} x @param {number} floor @param {import("../player/events.js").Event} event @param {import("./canvas.js").Palette} colours */
function paintMark(pen, x, floor, event, colours) {
  const y = floor + LANE / 2 + 1;
  const colour = { fault: colours.bad, exit: colours.bad, repair: colours.good, view: colours["say-N"], epoch: colours.accent, finding: colours.warn }[event.kind];
  pen.strokeStyle = pen.fillStyle = colour;
  pen.lineWidth = 2.2;
  if (event.kind !== "finding") {
    pen.globalAlpha = 0.45;
    pen.fillRect(x - 0.5, 2, 1, floor - 2);
    pen.globalAlpha = 1;
  }
  pen.beginPath();
  if (event.kind === "fault" || event.kind === "exit") {
    for (const [dx, dy] of [[-4, -4], [-4, 4]]) {
      pen.moveTo(x + dx, y + dy);
      pen.lineTo(x - dx, y - dy);
    }
    pen.stroke();
    return;
  }
  if (event.kind === "repair") polygon(pen, x, y, [[0, -5], [5, 4], [-5, 4]]);
  else if (event.kind === "view") polygon(pen, x, y, [[0, -5.5], [5, 0], [0, 5.5], [-5, 0]]);
  else if (event.kind === "epoch") polygon(pen, x, y, [[-4, -4], [4, -4], [4, 4], [-4, 4]]);
  else pen.arc(x, y, 2, 0, 2 * Math.PI);
  pen.fill();
}

/** @param {CanvasRenderingContext2D} pen @param {number} x @param {number} y @param {number[][]} corners */
function polygon(pen, x, y, corners) {
  corners.forEach(([dx, dy], at) => (at ? pen.lineTo(x + dx, y + dy) : pen.moveTo(x + dx, y + dy)));
  pen.closePath();
}

/** What is to come is veiled, and a line stands at the moment. @param {CanvasRenderingContext2D} pen @param {Frame} frame @param {number} t @param {import("./canvas.js").Palette} colours */
export function paintMoment(pen, frame, t, colours) {
  const x = Math.min(frame.width - 1, Math.max(1, placeOf(frame, t)));
  pen.globalAlpha = 0.55;
  pen.fillStyle = colours.surface;
  pen.fillRect(x, 0, frame.width - x, frame.height - FOOT - LANE);
  pen.globalAlpha = 1;
  pen.fillStyle = colours.accent;
  pen.fillRect(x - 1, 0, 2, frame.height - FOOT);
  pen.beginPath();
  pen.arc(x, 6, 6, 0, 2 * Math.PI);
  pen.fill();
}
