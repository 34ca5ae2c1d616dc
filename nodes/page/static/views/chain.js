// The newest heights in a row, as a chain: each member is a cell of each height, and fills as its votes do.
import { COMMITTED, EXECUTED, PREPARED } from "../player/state.js";

const CELL = 22;

/**
 * @param {CanvasRenderingContext2D} pen @param {{ width: number, height: number }} size @param {import("../player/player.js").Player} player
 * @param {number} t @param {number} head @param {import("./canvas.js").Palette} colours
 */
export function paintChain(pen, size, player, t, head, colours) {
  const { heights } = player;
  const newest = newestBegun(heights, head, t);
  const room = Math.max(1, Math.floor((size.width - 8) / CELL));
  const bar = size.height - 18;
  pen.font = `11px ${colours.font}`;
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  for (let at = 0; at < room && newest - at > 0; at += 1) {
    const height = newest - at;
    if (heights.at(height) < 0) break;
    const x = size.width - 4 - (at + 1) * CELL;
    paintHeight(pen, x, bar, heights, height, t, colours);
    if (height % 5 === 0) {
      pen.fillStyle = colours.muted;
      pen.fillText(String(height), x + CELL / 2 - 1, size.height - 7);
    }
  }
}

/** The newest height that is under way. @param {import("../player/heights.js").Heights} heights @param {number} head @param {number} t */
function newestBegun(heights, head, t) {
  let newest = head;
  while (newest < heights.last && newest < head + 12 && isBegun(heights, newest + 1, t)) newest += 1;
  return newest;
}

/** The height that stands at a place of the chain; 0 none. @param {number} x @param {number} width @param {import("../player/player.js").Player} player */
export function heightAt(x, width, player) {
  const t = player.now();
  const height = newestBegun(player.heights, player.heightAt(t), t) - Math.floor((width - 4 - x) / CELL);
  return x <= width - 4 && height > 0 ? height : 0;
}

/** @param {import("../player/heights.js").Heights} heights @param {number} height @param {number} t */
function isBegun(heights, height, t) {
  const proposed = heights.proposedAt(height);
  return (proposed > 0 && proposed <= t) || heights.countAt(height, PREPARED, t) > 0;
}

/** @param {CanvasRenderingContext2D} pen @param {number} x @param {number} bar @param {import("../player/heights.js").Heights} heights @param {number} height @param {number} t @param {import("./canvas.js").Palette} colours */
function paintHeight(pen, x, bar, heights, height, t, colours) {
  const cell = bar / heights.members;
  const isEmpty = heights.transactions(height) === 0;
  for (let node = 1; node <= heights.members; node += 1) {
    const phase = heights.phaseAt(height, node, t);
    pen.fillStyle = phase >= EXECUTED ? colours["say-C"] : phase >= COMMITTED ? colours["part-C"] : phase >= PREPARED ? colours["say-V"] : colours.line;
    pen.globalAlpha = isEmpty && phase >= EXECUTED ? 0.45 : 1;
    pen.fillRect(x, (node - 1) * cell, CELL - 3, Math.max(1, cell - 1));
  }
  pen.globalAlpha = 1;
}
