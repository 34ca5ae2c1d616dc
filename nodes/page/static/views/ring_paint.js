// How the ring is painted. Places come from `layOut`, what is true from the state; nothing here knows time.
import { COMMITTED, DOWN, EXECUTED, PAUSED, PREPARED } from "../player/state.js";
import { count } from "../format.js";
import { t } from "../words.js";
import { roleOf, shapePath } from "./roles.js";

/** @typedef {{ x: number, y: number, angle: number }} Place */
/** @typedef {{ width: number, height: number, x: number, y: number, radius: number, dial: number, node: number, places: Place[] }} Layout */

/** Where everything stands on a canvas of this size. @param {number} members @param {number} width @param {number} height @returns {Layout} */
export function layOut(members, width, height) {
  const node = Math.max(9, Math.min(26, Math.min(width, height) * 0.052, (Math.PI * Math.min(width, height) * 0.36) / Math.max(members, 4) / 1.7));
  const radius = Math.max(40, Math.min(width / 2 - node - 44, height / 2 - node - 34));
  const [x, y] = [width / 2, height / 2];
  const places = Array.from({ length: members }, (_, at) => {
    const angle = (at / members) * 2 * Math.PI - Math.PI / 2;
    return { x: x + radius * Math.cos(angle), y: y + radius * Math.sin(angle), angle };
  });
  return { width, height, x, y, radius, dial: radius * 0.42, node, places };
}

/**
 * @param {CanvasRenderingContext2D} pen @param {Layout} layout @param {import("../player/player.js").Player} player
 * @param {import("../player/state.js").State} state @param {import("./canvas.js").Palette} colours
 */
export function paintRing(pen, layout, player, state, colours) {
  pen.lineWidth = 1;
  pen.strokeStyle = colours.line;
  pen.setLineDash(state.parted ? [3, 7] : []);
  pen.beginPath();
  pen.arc(layout.x, layout.y, layout.radius, 0, 2 * Math.PI);
  pen.stroke();
  pen.setLineDash([]);
  const newest = state.heights(1)[0] ?? null;
  paintDial(pen, layout, state, newest, colours);
  player.about.members.forEach((member, at) => paintMember(pen, layout, at, member, state, colours));
}

/**
 * @param {CanvasRenderingContext2D} pen @param {Layout} layout @param {import("../player/state.js").State} state
 * @param {import("../player/state.js").HeightNow | null} height @param {import("./canvas.js").Palette} colours
 */
export function paintDial(pen, layout, state, height, colours) {
  const { x, y, dial, places } = layout;
  const gap = Math.min(0.08, 1 / (places.length * 4));
  const half = Math.PI / places.length - gap;
  const quorum = state.quorum;
  const prepared = height ? height.count(PREPARED) : 0;
  const committed = height ? height.count(COMMITTED) : 0;
  places.forEach((place, at) => {
    const phase = height ? height.phase(at + 1) : 0;
    arc(pen, x, y, dial, place.angle, half, 7, phase >= PREPARED ? (prepared >= quorum ? colours["say-V"] : colours.warn) : colours.line);
    arc(pen, x, y, dial - 11, place.angle, half, 7, phase >= COMMITTED ? (committed >= quorum ? colours["say-C"] : colours.warn) : colours.line);
  });
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  pen.fillStyle = colours.ink;
  pen.font = `600 ${Math.round(dial * 0.34)}px ${colours.font}`;
  pen.fillText(count(height ? height.height : state.head), x, y - dial * 0.1);
  pen.fillStyle = colours.muted;
  pen.font = `${Math.max(11, Math.round(dial * 0.115))}px ${colours.font}`;
  pen.fillText(t("height"), x, y - dial * 0.42);
  pen.fillText(t("{count} of {quorum} needed", { count: Math.max(prepared, committed), quorum }), x, y + dial * 0.2);
  pen.fillText(t("view {view}", { view: state.view }), x, y + dial * 0.42);
}

/** @param {CanvasRenderingContext2D} pen @param {number} x @param {number} y @param {number} radius @param {number} middle @param {number} half @param {number} width @param {string} colour */
function arc(pen, x, y, radius, middle, half, width, colour) {
  pen.beginPath();
  pen.arc(x, y, radius, middle - half, middle + half);
  pen.lineWidth = width;
  pen.strokeStyle = colour;
  pen.stroke();
}

/**
 * @param {CanvasRenderingContext2D} pen @param {Layout} layout @param {number} at @param {import("../store.js").Member} member
 * @param {import("../player/state.js").State} state @param {import("./canvas.js").Palette} colours
 */
function paintMember(pen, layout, at, member, state, colours) {
  const now = state.member(at + 1);
  const place = layout.places[at];
  const role = roleOf(member.role);
  const hue = colours[/** @type {keyof typeof colours} */ (role.hue.slice(2))];
  const isGone = now.condition === DOWN || (!now.lives && !now.height);
  const r = layout.node;
  shapePath(pen, role.shape, place.x, place.y, r);
  pen.fillStyle = isGone ? colours.ground : colours.surface;
  pen.fill();
  pen.lineWidth = isGone ? 1.5 : 2.5;
  pen.strokeStyle = isGone ? colours.faint : hue;
  pen.setLineDash(now.votes ? [] : [4, 3]);
  pen.stroke();
  pen.setLineDash([]);
  if (!isGone) paintPhase(pen, place, r, now, hue);
  if (now.condition === DOWN) paintCross(pen, place, r * 0.42, colours.bad);
  if (now.condition === PAUSED) paintBars(pen, place, r * 0.4, colours.warn);
  if (now.node === state.leader && !isGone) paintCrown(pen, place.x, place.y - r - 9, r * 0.5, colours.warn);
  paintName(pen, layout, place, member.name, now, isGone, colours);
}

/** A part of the shape is filled for each phase. @param {CanvasRenderingContext2D} pen @param {Place} place @param {number} r @param {import("../player/state.js").MemberNow} now @param {string} hue */
function paintPhase(pen, place, r, now, hue) {
  const share = [0, 0.42, 0.66, 0.9][now.phase] ?? 0;
  if (!share || now.condition !== 0) return;
  pen.globalAlpha = now.phase === EXECUTED ? 0.9 : 0.55;
  pen.fillStyle = hue;
  pen.beginPath();
  pen.arc(place.x, place.y, r * share * 0.62, 0, 2 * Math.PI);
  pen.fill();
  pen.globalAlpha = 1;
}

/** @param {CanvasRenderingContext2D} pen @param {Place} place @param {number} r @param {string} colour */
function paintCross(pen, place, r, colour) {
  pen.strokeStyle = colour;
  pen.lineWidth = 2.5;
  pen.beginPath();
  pen.moveTo(place.x - r, place.y - r);
  pen.lineTo(place.x + r, place.y + r);
  pen.moveTo(place.x + r, place.y - r);
  pen.lineTo(place.x - r, place.y + r);
  pen.stroke();
}

/** @param {CanvasRenderingContext2D} pen @param {Place} place @param {number} r @param {string} colour */
function paintBars(pen, place, r, colour) {
  pen.fillStyle = colour;
  pen.fillRect(place.x - r, place.y - r, r * 0.7, r * 2);
  pen.fillRect(place.x + r * 0.3, place.y - r, r * 0.7, r * 2);
}

/** @param {CanvasRenderingContext2D} pen @param {number} x @param {number} y @param {number} r @param {string} colour */
export function paintCrown(pen, x, y, r, colour) {
  pen.beginPath();
  pen.moveTo(x - r, y + r * 0.45);
  pen.lineTo(x - r * 1.1, y - r * 0.55);
  pen.lineTo(x - r * 0.45, y - r * 0.05);
  pen.lineTo(x, y - r * 0.85);
  pen.lineTo(x + r * 0.45, y - r * 0.05);
  pen.lineTo(x + r * 1.1, y - r * 0.55);
  pen.lineTo(x + r, y + r * 0.45);
  pen.closePath();
  pen.fillStyle = colour;
  pen.fill();
}

/**
 * @param {CanvasRenderingContext2D} pen @param {Layout} layout @param {Place} place @param {string} name
 * @param {import("../player/state.js").MemberNow} now @param {boolean} isGone @param {import("./canvas.js").Palette} colours
 */
function paintName(pen, layout, place, name, now, isGone, colours) {
  const below = place.y + layout.node + 13;
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  pen.fillStyle = isGone ? colours.muted : colours.ink;
  pen.font = `600 13px ${colours.font}`;
  pen.fillText(name, place.x, below);
  pen.fillStyle = colours.muted;
  pen.font = `12px ${colours.font}`;
  pen.fillText(isGone ? t("down") : count(now.height), place.x, below + 15);
}
