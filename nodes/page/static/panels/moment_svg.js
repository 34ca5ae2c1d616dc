// A moment as a picture of its own: SVG text that needs no style sheet, no font and no script. Pure.
import { cornersOf, roleOf } from "../views/roles.js";
import { harmless } from "../text.js";

/**
 * @typedef {object} MemberShown
 * @property {string} name
 * @property {string} role
 * @property {string} role_word
 * @property {string} words  what it does, as the table of members says
 * @property {boolean} is_down
 * @property {boolean} is_leader
 * @property {number} height
 */
/**
 * @typedef {object} MomentShown
 * @property {string} title
 * @property {string} subtitle
 * @property {string} middle
 * @property {string} foot
 * @property {string} leader  the word for it
 * @property {MemberShown[]} members
 */

const WIDTH = 960;
const HEIGHT = 720;
const CENTRE = { x: WIDTH / 2, y: 370 };
const RADIUS = 230;
/** Those of page.css on a light ground. */
const HUES = ["#5b6875", "#1f63c4", "#c03a6b", "#1c8253", "#7a48c2", "#b3660f", "#0f7d86"];
const FONT = "system-ui, 'Noto Sans', 'Noto Sans CJK SC', sans-serif";

/**
 * @param {MomentShown} moment
 * @returns {string}
 */
export function momentSvg(moment) {
  const parts = moment.members.map((each, place) => memberSvg(each, place, moment));
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${HEIGHT}" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="${FONT}">`,
    `<title>${xml(moment.title)}</title>`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#ffffff"/>`,
    text(32, 46, 24, moment.title, "#1b2430", "start", "600"),
    text(32, 74, 15, moment.subtitle, "#566273"),
    `<circle cx="${CENTRE.x}" cy="${CENTRE.y}" r="${RADIUS}" fill="none" stroke="#d5dbe3" stroke-width="1.5"/>`,
    text(CENTRE.x, CENTRE.y + 6, 20, moment.middle, "#1b2430", "middle", "600"),
    ...parts,
    text(32, HEIGHT - 24, 13, moment.foot, "#566273"),
    "</svg>",
  ].join("\n");
}

/**
 * @param {MemberShown} member
 * @param {number} place
 * @param {MomentShown} moment
 */
function memberSvg(member, place, moment) {
  const angle = (place / moment.members.length) * 2 * Math.PI - Math.PI / 2;
  const x = CENTRE.x + RADIUS * Math.cos(angle);
  const y = CENTRE.y + RADIUS * Math.sin(angle);
  const label = member.is_leader ? `${member.name} · ${moment.leader}` : member.name;
  const side = Math.abs(Math.cos(angle)) < 0.3 ? "middle" : Math.cos(angle) > 0 ? "start" : "end";
  const tx = side === "middle" ? x : x + (side === "start" ? 44 : -44);
  const ty = side === "middle" ? y + (Math.sin(angle) > 0 ? 56 : -62) : y - 8;
  return [
    `<g>${shape(member, x, y)}`,
    text(x, y + 5, 14, String(member.height), "#ffffff", "middle", "600"),
    text(tx, ty, 15, label, "#1b2430", side, "600"),
    text(tx, ty + 18, 13, `${member.role_word} · ${member.words}`, "#566273", side),
    member.is_leader ? `<circle cx="${num(x)}" cy="${num(y)}" r="38" fill="none" stroke="#1b2430" stroke-width="2.5"/>` : "",
    "</g>",
  ].join("");
}

/** As the ring draws its role; hollow where it is down. @param {MemberShown} member @param {number} x @param {number} y */
function shape(member, x, y) {
  const role = roleOf(member.role);
  const hue = String(HUES[Number(role.hue.slice(-1))] ?? HUES[0]);
  const style = member.is_down ? 'fill="#9aa3ae" stroke="#566273" stroke-dasharray="4 3"' : `fill="${hue}"`;
  const corners = cornersOf(role.shape, x, y, 26);
  if (corners.length === 0) return `<circle cx="${num(x)}" cy="${num(y)}" r="26" ${style}/>`;
  const points = corners.map((point) => point.map(num).join(","));
  return `<polygon points="${points.join(" ")}" ${style}/>`;
}

/** @param {number} x @param {number} y @param {number} size @param {string} said @param {string} fill @param {string} [anchor] @param {string} [weight] */
function text(x, y, size, said, fill, anchor = "start", weight = "400") {
  return `<text x="${num(x)}" y="${num(y)}" font-size="${size}" fill="${fill}" text-anchor="${anchor}" font-weight="${weight}">${xml(said)}</text>`;
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
