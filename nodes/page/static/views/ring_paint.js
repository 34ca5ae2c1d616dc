// How the ring is painted. Places come from `layOut`, what is true from the state; nothing here knows time.
import { COMMITTED, DOWN, EXECUTED, PAUSED, PREPARED, UP } from "../player/state.js";
import { count } from "../format.js";
import { t } from "../words.js";
import { roleOf, shapePath } from "./roles.js";
import { lackOf } from "./standing.js";

/** How much of a shape is filled in each phase. */
export const PHASES = [0, 0.42, 0.66, 0.9];

/** @typedef {{ x: number, y: number, angle: number }} Place */
/** @typedef {{ width: number, height: number, x: number, y: number, radius: number, dial: number, node: number, places: Place[] }} Layout */

/** Where everything stands on a canvas of this size. @param {number} members @param {number} width @param {number} height @returns {Layout} */
export function layOut(members, width, height) {
  const node = Math.max(9, Math.min(34, Math.min(width, height) * 0.05, (Math.PI * Math.min(width, height) * 0.36) / Math.max(members, 4) / 1.7));
  const radius = Math.max(40, Math.min(width / 2 - node - 44, height / 2 - node - 34));
  const [x, y] = [width / 2, height / 2 - 7]; // names stand below members, and a crown above one is smaller
  const places = Array.from({ length: members }, (_, at) => {
    const angle = (at / members) * 2 * Math.PI - Math.PI / 2;
    return { x: x + radius * Math.cos(angle), y: y + radius * Math.sin(angle), angle };
  });
  return { width, height, x, y, radius, dial: radius * 0.42, node, places };
}

/** @typedef {{ player: import("../player/player.js").Player, state: import("../player/state.js").State, scene: import("../player/stage.js").Scene | null, colours: import("./canvas.js").Palette }} Picture */

/** @param {CanvasRenderingContext2D} pen @param {Layout} layout @param {Picture} picture */
export function paintRing(pen, layout, picture) {
  const { player, state, colours } = picture;
  pen.lineWidth = 1.2;
  pen.strokeStyle = state.parted ? colours.bad : colours.line;
  pen.setLineDash(state.parted ? [3, 7] : []);
  pen.beginPath();
  pen.arc(layout.x, layout.y, layout.radius, 0, 2 * Math.PI);
  pen.stroke();
  pen.setLineDash([]);
  paintDial(pen, layout, picture);
  player.about.members.forEach((member, at) => paintMember(pen, layout, at, member, picture));
}

/** @typedef {"line" | "say-V" | "say-C" | "say-X" | "say-N" | "part-V" | "part-C"} Hue */
/** @typedef {{ outer: Hue[], inner: Hue[], lines: string[] }} Dial a colour for each member in both circles; what stands in the middle: above, large, and two below */

/**
 * How the height of the scene gathers its quorum: an outer circle of votes prepared, an inner of votes committed; or
 * who asks for the view and who has entered it.
 * @param {Omit<Picture, "colours">} picture @returns {Dial}
 */
export function dialOf(picture) {
  return picture.scene?.change ? dialOfChange(picture, picture.scene.change) : dialOfHeight(picture);
}

/** @param {Omit<Picture, "colours">} picture @returns {Dial} */
function dialOfHeight({ player, state, scene }) {
  const height = scene?.height || state.head;
  const moment = scene?.t ?? player.now();
  const { heights } = player;
  const [prepared, committed] = [heights.countAt(height, PREPARED, moment), heights.countAt(height, COMMITTED, moment)];
  const quorum = state.quorum;
  const phases = player.about.members.map((_, at) => heights.phaseAt(height, at + 1, moment));
  const word = committed >= quorum ? t("committed") : prepared >= quorum ? t("{count} commit, {quorum} needed", { count: committed, quorum }) : t("{count} prepared, {quorum} needed", { count: prepared, quorum });
  return {
    outer: phases.map((phase) => (phase < PREPARED ? "line" : prepared >= quorum ? "say-V" : "part-V")),
    inner: phases.map((phase) => (phase < COMMITTED ? "line" : committed >= quorum ? "say-C" : "part-C")),
    lines: [t("height"), count(height), ...belowOf(lackOf(state, player.about.protocol), word, t("view {view}", { view: state.view }))],
  };
}

/** @param {Omit<Picture, "colours">} picture @param {import("../player/events.js").ViewChange} change @returns {Dial} */
function dialOfChange({ player, scene, state }, change) {
  const is = (/** @type {Map<number, number>} */ times, /** @type {number} */ at) => (times.get(at + 1) ?? Infinity) <= (scene?.t ?? 0);
  const members = player.about.members.map((_, at) => at);
  const asked = members.filter((at) => is(change.asks, at)).length;
  return {
    outer: members.map((at) => (is(change.asks, at) ? "say-X" : "line")),
    inner: members.map((at) => (is(change.enters, at) ? "say-N" : "line")),
    lines: [t("new view"), String(change.view), ...belowOf(lackOf(state, player.about.protocol), t("{count} ask, {quorum} needed", { count: asked, quorum: state.quorum }), "")],
  };
}

/** How wide the arcs of the dial are, and half the angle of one. @param {Layout} layout */
export function arcsOf({ dial, places }) {
  return { width: Math.max(4, dial * 0.075), half: Math.PI / places.length - Math.min(0.07, 0.9 / (places.length * 4)) };
}

/** @param {CanvasRenderingContext2D} pen @param {Layout} layout @param {Picture} picture */
function paintDial(pen, layout, picture) {
  const { outer, inner, lines } = dialOf(picture);
  const { width, half } = arcsOf(layout);
  layout.places.forEach((place, at) => {
    arc(pen, layout, layout.dial, place.angle, half, width, picture.colours[outer[at]]);
    arc(pen, layout, layout.dial - width * 1.55, place.angle, half, width, picture.colours[inner[at]]);
  });
  paintWords(pen, layout, picture.colours, lines, !!lackOf(picture.state, picture.player.about.protocol));
}

/** The two lines below; where a quorum is lacking, that. @param {ReturnType<typeof lackOf>} lack @param {string} one @param {string} other @returns {[string, string]} */
function belowOf(lack, one, other) {
  return lack ? [t("{up} of {n} up, {quorum} needed", lack), t("nothing can be decided now")] : [one, other];
}

/** @param {CanvasRenderingContext2D} pen @param {Layout} layout @param {import("./canvas.js").Palette} colours @param {string[]} lines above, the large one, and two below @param {boolean} isBad of those below */
function paintWords(pen, { x, y, dial }, colours, [above, large, below, last], isBad) {
  const inside = dial * 1.45;
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  pen.fillStyle = colours.ink;
  const size = Math.min(dial * 0.44, (inside / Math.max(4, large.length)) * 1.5);
  pen.font = `650 ${Math.round(size)}px ${colours.font}`;
  pen.fillText(large, x, y - dial * 0.06);
  pen.fillStyle = colours.muted;
  const small = Math.max(11, Math.round(dial * 0.125));
  pen.font = `${small}px ${colours.font}`;
  pen.fillText(above, x, y - dial * 0.42);
  if (isBad) pen.fillStyle = colours.bad;
  pen.fillText(below, x, y + dial * 0.28, inside);
  pen.fillText(last, x, y + dial * 0.28 + small * 1.5, inside);
}

/** @param {CanvasRenderingContext2D} pen @param {Layout} layout @param {number} radius @param {number} middle @param {number} half @param {number} width @param {string} colour */
function arc(pen, { x, y }, radius, middle, half, width, colour) {
  pen.beginPath();
  pen.arc(x, y, radius, middle - half, middle + half);
  pen.lineWidth = width;
  pen.strokeStyle = colour;
  pen.stroke();
}

/** @param {CanvasRenderingContext2D} pen @param {Layout} layout @param {number} at @param {import("../store.js").Member} member @param {Picture} picture */
function paintMember(pen, layout, at, member, { player, state, scene, colours }) {
  const now = state.member(at + 1);
  const phase = scene?.height ? player.heights.phaseAt(scene.height, at + 1, scene.t) : now.phase;
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
  if (!isGone && now.condition === UP) paintPhase(pen, place, r, phase, hue);
  if (now.condition === DOWN) paintCross(pen, place, r * 0.42, colours.bad);
  if (now.condition === PAUSED) paintBars(pen, place, r * 0.4, colours.warn);
  if (now.node === state.leader && !isGone) paintCrown(pen, place.x, place.y - r - 9, r * 0.5, colours.warn);
  paintName(pen, layout, place, member.name, now, isGone, colours);
}

/** A part of the shape is filled for each phase. @param {CanvasRenderingContext2D} pen @param {Place} place @param {number} r @param {number} phase @param {string} hue */
function paintPhase(pen, place, r, phase, hue) {
  const share = PHASES[phase] ?? 0;
  if (!share) return;
  pen.globalAlpha = phase === EXECUTED ? 0.9 : 0.55;
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

/** The corners of a crown around a point. @param {number} x @param {number} y @param {number} r @returns {number[][]} */
export function crownOf(x, y, r) {
  return [[-1, 0.45], [-1.1, -0.55], [-0.45, -0.05], [0, -0.85], [0.45, -0.05], [1.1, -0.55], [1, 0.45]].map(([across, down]) => [x + r * across, y + r * down]);
}

/** @param {CanvasRenderingContext2D} pen @param {number} x @param {number} y @param {number} r @param {string} colour */
export function paintCrown(pen, x, y, r, colour) {
  pen.beginPath();
  for (const [across, down] of crownOf(x, y, r)) pen.lineTo(across, down);
  pen.closePath();
  pen.fillStyle = colour;
  pen.fill();
}

/**
 * @param {CanvasRenderingContext2D} pen @param {Layout} layout @param {Place} place @param {string} name
 * @param {import("../player/state.js").MemberNow} now @param {boolean} isGone @param {import("./canvas.js").Palette} colours
 */
function paintName(pen, layout, place, name, now, isGone, colours) {
  const size = Math.max(12, Math.min(17, Math.round(layout.node * 0.56)));
  const below = place.y + layout.node + size;
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  pen.fillStyle = isGone ? colours.muted : colours.ink;
  pen.font = `600 ${size}px ${colours.font}`;
  pen.strokeStyle = colours.ground;
  pen.lineWidth = 4;
  pen.lineJoin = "round";
  pen.strokeText(name, place.x, below);
  pen.fillText(name, place.x, below);
  pen.fillStyle = colours.muted;
  pen.font = `${size - 1}px ${colours.font}`;
  pen.fillText(isGone ? t("down") : count(now.height), place.x, below + size * 1.2);
}
