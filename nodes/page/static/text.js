// Text of a ledger, made fit to be looked at: long names shortened, directions disarmed, names found. Pure.

const SHOWN = 64;
const BIDI = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g; // would turn the text that follows around
const CONTROL = /(?![\t\n])\p{Cc}/gu;

/**
 * What a ledger says, harmless to the text around it: what would turn the writing around or cannot be seen is shown as
 * its number.
 * @param {string} text
 */
export function harmless(text) {
  const numbered = (/** @type {string} */ sign) => `\u2039U+${sign.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}\u203a`;
  return text.replace(BIDI, numbered).replace(CONTROL, numbered);
}

/**
 * The same, its middle left out where it is longer than `most` signs.
 * @param {string} text
 * @param {number} [most]
 */
export function shortened(text, most = SHOWN) {
  const signs = Array.from(harmless(text));
  if (signs.length <= most) return signs.join("");
  return `${signs.slice(0, most / 2).join("")}…${signs.slice(-most / 4).join("")}`;
}

/** @typedef {{ kind: string, id: string, word?: string }} Link */

/**
 * A text cut where it names something known; the longest name first where several begin at one place.
 * @param {string} text
 * @param {Link[]} links
 * @returns {{ text: string, link: Link | null }[]}
 */
export function piecesOf(text, links) {
  const named = new Map(links.map((link) => [link.word ?? link.id, link]));
  named.delete("");
  if (named.size === 0) return [{ text: harmless(text), link: null }];
  const words = [...named.keys()].sort((one, other) => other.length - one.length);
  const found = new RegExp(`(?<![\\w-])(?:${words.map(escaped).join("|")})(?![\\w-])`, "g");
  const pieces = [];
  let from = 0;
  for (const match of text.matchAll(found)) {
    if (match.index > from) pieces.push({ text: harmless(text.slice(from, match.index)), link: null });
    pieces.push({ text: match[0], link: named.get(match[0]) ?? null });
    from = match.index + match[0].length;
  }
  if (from < text.length) pieces.push({ text: harmless(text.slice(from)), link: null });
  return pieces;
}

/** @param {string} word */
function escaped(word) {
  return word.replace(/[.*+?^${}()|[\]\\/-]/g, "\\$&");
}
