// What an organisation is drawn as: a hue and a shape for each role, so that neither colour nor form alone tells.
import { t } from "../words.js";

/** @typedef {"circle" | "hexagon" | "square" | "diamond" | "triangle" | "pentagon" | "shield"} Shape */

/** @type {Record<string, { shape: Shape, hue: string, word: () => string }>} */
const ROLES = {
  bureau: { shape: "hexagon", hue: "--hue-1", word: () => t("insurance bureau") },
  hospital: { shape: "square", hue: "--hue-2", word: () => t("hospital") },
  pharmacy: { shape: "diamond", hue: "--hue-3", word: () => t("pharmacy") },
  regulator: { shape: "triangle", hue: "--hue-4", word: () => t("regulator") },
  supplier: { shape: "pentagon", hue: "--hue-5", word: () => t("supplier") },
  agent: { shape: "shield", hue: "--hue-6", word: () => t("procurement agent") },
};
const OTHER = { shape: /** @type {Shape} */ ("circle"), hue: "--hue-0", word: () => "" };

/** @param {string} role */
export function roleOf(role) {
  return ROLES[role] ?? OTHER;
}

/** @param {string} role @returns {string} */
export function roleWord(role) {
  return roleOf(role).word() || role;
}

/** Corners of the shapes, in turns from the top; the circle has none. @type {Record<Shape, number[]>} */
const CORNERS = {
  circle: [], hexagon: [0, 1 / 6, 2 / 6, 3 / 6, 4 / 6, 5 / 6], square: [1 / 8, 3 / 8, 5 / 8, 7 / 8], diamond: [0, 1 / 4, 1 / 2, 3 / 4],
  triangle: [0, 1 / 3, 2 / 3], pentagon: [0, 1 / 5, 2 / 5, 3 / 5, 4 / 5], shield: [0.07, 0.21, 1 / 2, 0.79, 0.93],
};
/** So that all shapes look as large as the circle. @type {Record<Shape, number>} */
const SCALE = { circle: 1, hexagon: 1.06, square: 1.2, diamond: 1.2, triangle: 1.28, pentagon: 1.1, shield: 1.15 };

/** The corners of a shape around a point; none of a circle. @param {Shape} shape @param {number} x @param {number} y @param {number} radius @returns {number[][]} */
export function cornersOf(shape, x, y, radius) {
  const r = radius * SCALE[shape];
  return CORNERS[shape].map((turn) => [x + r * Math.sin(turn * 2 * Math.PI), y - r * Math.cos(turn * 2 * Math.PI)]);
}

/** A path of the shape around a point, with round corners. @param {CanvasRenderingContext2D} pen @param {Shape} shape @param {number} x @param {number} y @param {number} radius */
export function shapePath(pen, shape, x, y, radius) {
  pen.beginPath();
  const points = cornersOf(shape, x, y, radius);
  if (!points.length) {
    pen.arc(x, y, radius, 0, 2 * Math.PI);
    return;
  }
  const r = radius * SCALE[shape];
  const last = points[points.length - 1];
  pen.moveTo((last[0] + points[0][0]) / 2, (last[1] + points[0][1]) / 2);
  points.forEach((point, at) => {
    const next = points[(at + 1) % points.length];
    pen.arcTo(point[0], point[1], next[0], next[1], r * 0.22);
  });
  pen.closePath();
}
