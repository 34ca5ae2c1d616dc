// A moment as a picture of its own: SVG text that needs no style sheet, no font and no script. Pure.
import { harmless } from "../text.js";

/**
 * @typedef {object} MemberShown
 * @property {string} name
 * @property {string} role
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
const HUES = ["#2f6db5", "#b5562f", "#3d8a4d", "#8150a8", "#b08a1e", "#2b8a8a", "#a83d6b"];
const FONT = "system-ui, 'Noto Sans', 'Noto Sans CJK SC', sans-serif";

/**
 * @param {MomentShown} moment
 * @returns {string}
 */
export function momentSvg(moment) {
  const roles = [...new Set(moment.members.map((each) => each.role))];
  const parts = moment.members.map((each, place) => memberSvg(each, place, moment, roles.indexOf(each.role)));
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
 * @param {number} role
 */
function memberSvg(member, place, moment, role) {
  const angle = (place / moment.members.length) * 2 * Math.PI - Math.PI / 2;
  const x = CENTRE.x + RADIUS * Math.cos(angle);
  const y = CENTRE.y + RADIUS * Math.sin(angle);
  const hue = member.is_down ? "#9aa3ae" : String(HUES[role % HUES.length]);
  const label = member.is_leader ? `${member.name} · ${moment.leader}` : member.name;
  const side = Math.abs(Math.cos(angle)) < 0.3 ? "middle" : Math.cos(angle) > 0 ? "start" : "end";
  const tx = side === "middle" ? x : x + (side === "start" ? 34 : -34);
  const ty = side === "middle" ? y + (Math.sin(angle) > 0 ? 48 : -54) : y - 8;
  return [
    `<g>${shape(role, x, y, hue, member.is_down)}`,
    text(x, y + 5, 14, String(member.height < 0 ? "" : member.height), "#ffffff", "middle", "600"),
    text(tx, ty, 15, label, "#1b2430", side, "600"),
    text(tx, ty + 18, 13, `${member.role} · ${member.words}`, "#566273", side),
    member.is_leader ? `<circle cx="${num(x)}" cy="${num(y)}" r="31" fill="none" stroke="#1b2430" stroke-width="2.5"/>` : "",
    "</g>",
  ].join("");
}

/** Roles differ by shape, not by hue alone. @param {number} role @param {number} x @param {number} y @param {string} hue @param {boolean} is_down */
function shape(role, x, y, hue, is_down) {
  const style = `fill="${is_down ? "#9aa3ae" : hue}"${is_down ? ' stroke="#566273" stroke-dasharray="4 3"' : ""}`;
  if (role % 4 === 1) return `<rect x="${num(x - 23)}" y="${num(y - 23)}" width="46" height="46" rx="6" ${style}/>`;
  const sides = [0, 0, 6, 8][role % 4];
  if (!sides) return `<circle cx="${num(x)}" cy="${num(y)}" r="25" ${style}/>`;
  const points = Array.from({ length: sides }, (_, at) => {
    const angle = (at / sides) * 2 * Math.PI + Math.PI / sides;
    return `${num(x + 27 * Math.cos(angle))},${num(y + 27 * Math.sin(angle))}`;
  });
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
