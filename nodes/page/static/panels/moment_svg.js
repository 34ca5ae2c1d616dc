// A moment as a picture of its own, as the ring shows it: SVG text that needs no style sheet, no font and no script. Pure.
import { shareOf, wayBetween } from "../views/flights_paint.js";
import { PHASES, arcsOf, crownOf, layOut } from "../views/ring_paint.js";
import { cornersOf, roleOf } from "../views/roles.js";
import { harmless } from "../text.js";

/**
 * @typedef {object} MemberShown
 * @property {string} name
 * @property {string} role
 * @property {string} words  what it does, as the table of members says
 * @property {"up" | "down" | "paused"} condition
 * @property {boolean} is_leader
 * @property {number} phase  of the height that is drawn
 */
/**
 * @typedef {object} MomentShown
 * @property {string} title
 * @property {string} subtitle
 * @property {string} foot
 * @property {boolean} is_parted  the network
 * @property {import("../views/ring_paint.js").Dial} dial
 * @property {{ flight: import("../player/flights.js").Flight, t: number }[]} flights  messages on their way
 * @property {MemberShown[]} members
 */
/** @typedef {import("../views/ring_paint.js").Layout} Layout */

const WIDTH = 960;
const HEIGHT = 760;
const TOP = 90; // of the ring
const RING = HEIGHT - TOP - 50;
const MANY = 12; // more members than these have room for their names alone
/** Those of page.css on a light ground. */
const HUES = ["#5b6875", "#1f63c4", "#c03a6b", "#1c8253", "#7a48c2", "#b3660f", "#0f7d86"];
/** @type {Record<string, string>} */
const SAY = { P: "#1f63c4", V: "#0f7d86", C: "#1c8253", S: "#a83f5f", X: "#b26a00", N: "#7a48c2", Q: "#1c8253" };
/** @type {Record<string, string>} */
const PART = { V: "#8cc5ca", C: "#95cfae" };
const [INK, MUTED, LINE, BAD, WARN] = ["#14202c", "#526170", "#dbe2e9", "#c2262e", "#b26a00"];
const FONT = "system-ui, 'Noto Sans', 'Noto Sans CJK SC', sans-serif";

/**
 * @param {MomentShown} moment
 * @returns {string}
 */
export function momentSvg(moment) {
  const layout = layOut(moment.members.length, WIDTH, RING);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${HEIGHT}" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="${FONT}">`,
    `<title>${xml(moment.title)}</title>`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#ffffff"/>`,
    text(32, 46, 24, fitted(moment.title, WIDTH - 64, 24), INK, "start", "600"),
    text(32, 74, 15, fitted(moment.subtitle, WIDTH - 64, 15), MUTED),
    `<g transform="translate(0 ${TOP})">`,
    `<circle cx="${num(layout.x)}" cy="${num(layout.y)}" r="${num(layout.radius)}" fill="none" stroke="${moment.is_parted ? BAD : LINE}"${moment.is_parted ? ' stroke-dasharray="3 7"' : ""}/>`,
    dialSvg(layout, moment.dial),
    ...moment.flights.map(({ flight, t }) => flightSvg(layout, flight, t)),
    ...moment.members.map((each, at) => memberSvg(layout, each, at)),
    "</g>",
    text(32, HEIGHT - 20, 13, fitted(moment.foot, WIDTH - 64, 13), MUTED),
    "</svg>",
  ].join("\n");
}

/** @param {Layout} layout @param {import("../views/ring_paint.js").Dial} dial */
function dialSvg(layout, { outer, inner, lines }) {
  const { width, half } = arcsOf(layout);
  const arcs = layout.places.flatMap(({ angle }, at) => [arc(layout, layout.dial, angle, half, width, outer[at]), arc(layout, layout.dial - width * 1.55, angle, half, width, inner[at])]);
  const room = layout.dial * 1.4;
  const [above, large, below, last] = lines;
  const [{ x, y, dial }, big] = [layout, Math.min(layout.dial * 0.44, (room / Math.max(4, large.length)) * 1.5)];
  const line = (/** @type {number} */ down, /** @type {string} */ said) => {
    const size = Math.max(9, Math.min(14, room / Math.max(1, said.length) / 0.59));
    return text(x, y + down, size, fitted(said, room, size), MUTED, "middle");
  };
  return [...arcs, line(-dial * 0.38, above), text(x, y + big * 0.3, big, fitted(large, room, big), INK, "middle", "600"), line(dial * 0.34, below), line(dial * 0.34 + 20, last)].join("");
}

/** @param {Layout} layout @param {number} radius @param {number} middle @param {number} half @param {number} width @param {string | undefined} hue */
function arc({ x, y }, radius, middle, half, width, hue = "line") {
  const [kind, letter] = hue.split("-");
  const colour = letter === undefined ? LINE : kind === "part" ? PART[letter] : SAY[letter];
  const point = (/** @type {number} */ angle) => `${num(x + radius * Math.cos(angle))} ${num(y + radius * Math.sin(angle))}`;
  return `<path d="M${point(middle - half)}A${num(radius)} ${num(radius)} 0 ${2 * half > Math.PI ? 1 : 0} 1 ${point(middle + half)}" fill="none" stroke="${colour}" stroke-width="${num(width)}"/>`;
}

/** @param {Layout} layout @param {import("../player/flights.js").Flight} flight @param {number} t */
function flightSvg(layout, flight, t) {
  const way = wayBetween(layout, layout.places[flight.from - 1], layout.places[flight.to - 1], flight.from < flight.to ? 1 : -1);
  const gone = way.slice(0, Math.floor(shareOf(flight, t) * (way.length - 1)) + 1);
  const { x, y } = gone[gone.length - 1];
  const colour = SAY[flight.letter];
  return `<path d="M${gone.map((point) => `${num(point.x)} ${num(point.y)}`).join("L")}" fill="none" stroke="${colour}" stroke-width="1.4" opacity="0.3"/>`
    + `<circle cx="${num(x)}" cy="${num(y)}" r="9" fill="${colour}"/>${text(x, y + 4, 11, flight.letter, "#ffffff", "middle", "700")}`;
}

/** @param {Layout} layout @param {MemberShown} member @param {number} at */
function memberSvg(layout, member, at) {
  const { x, y } = layout.places[at];
  const r = layout.node;
  const many = layout.places.length > MANY;
  const size = many ? 11 : 14;
  const room = Math.min(200, (2 * Math.PI * layout.radius) / layout.places.length);
  const hue = String(HUES[Number(roleOf(member.role).hue.slice(-1))] ?? HUES[0]);
  const isUp = member.condition === "up";
  return [
    `<g>${shape(member, x, y, r, hue)}`,
    isUp && PHASES[member.phase] ? `<circle cx="${num(x)}" cy="${num(y)}" r="${num(r * PHASES[member.phase] * 0.62)}" fill="${hue}" opacity="0.7"/>` : "",
    member.condition === "down" ? `<path d="${cross(x, y, r * 0.42)}" stroke="${BAD}" stroke-width="2.5"/>` : "",
    member.condition === "paused" ? `<path d="${bars(x, y, r * 0.4)}" stroke="${WARN}" stroke-width="${num(r * 0.28)}"/>` : "",
    member.is_leader ? `<polygon points="${corners(crownOf(x, y - r - 9, r * 0.5))}" fill="${WARN}"/>` : "",
    text(x, y + r + size + 3, size, fitted(member.name, room, size), INK, "middle", "600"),
    many ? "" : text(x, y + r + 2 * size + 5, 12, fitted(member.words, room, 12), MUTED, "middle"),
    "</g>",
  ].join("");
}

/** As the ring draws its role. @param {MemberShown} member @param {number} x @param {number} y @param {number} r @param {string} hue */
function shape(member, x, y, r, hue) {
  const style = member.condition === "down" ? 'fill="#f5f7f9" stroke="#a9b4bf" stroke-width="1.5"' : `fill="#ffffff" stroke="${hue}" stroke-width="2.5"`;
  const points = cornersOf(roleOf(member.role).shape, x, y, r);
  if (points.length === 0) return `<circle cx="${num(x)}" cy="${num(y)}" r="${num(r)}" ${style}/>`;
  return `<polygon points="${corners(points)}" stroke-linejoin="round" ${style}/>`;
}

/** @param {number[][]} points */
function corners(points) {
  return points.map((point) => point.map(num).join(",")).join(" ");
}

/** @param {number} x @param {number} y @param {number} r */
function cross(x, y, r) {
  return `M${num(x - r)} ${num(y - r)}L${num(x + r)} ${num(y + r)}M${num(x + r)} ${num(y - r)}L${num(x - r)} ${num(y + r)}`;
}

/** @param {number} x @param {number} y @param {number} r */
function bars(x, y, r) {
  return [-0.6, 0.6].map((side) => `M${num(x + side * r)} ${num(y - r)}V${num(y + r)}`).join("");
}

/** Text that is no wider than there is room, by the widths that letters have about; its end is left out. @param {string} said @param {number} room @param {number} size */
export function fitted(said, room, size) {
  const signs = Array.from(harmless(said));
  let wide = 0;
  const fits = signs.findIndex((sign) => (wide += (sign > "\u2e7f" ? 1 : 0.58) * size) > room);
  return fits < 0 ? signs.join("") : `${signs.slice(0, Math.max(1, fits - 1)).join("")}…`;
}

/** @param {number} x @param {number} y @param {number} size @param {string} said @param {string} fill @param {string} [anchor] @param {string} [weight] */
function text(x, y, size, said, fill, anchor = "start", weight = "400") {
  return `<text x="${num(x)}" y="${num(y)}" font-size="${num(size)}" fill="${fill}" text-anchor="${anchor}" font-weight="${weight}">${xml(said)}</text>`;
}

/** @param {number} value */
function num(value) {
  return value.toFixed(1);
}

/**
 * Text as XML has it: nothing of it is read as markup.
 * @param {string} said
 */
export function xml(said) {
  const signs = /** @type {Record<string, string>} */ ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&apos;" });
  return harmless(said)
    .replace(/[\ud800-\udfff](?<![\ud800-\udbff](?=[\udc00-\udfff])|(?<=[\ud800-\udbff])[\udc00-\udfff])/g, "\ufffd")
    .replace(/[\ufffe\uffff]/g, "\ufffd")
    .replace(/[&<>"']/g, (sign) => signs[sign] ?? sign);
}
