// How messages in flight are painted: a disc with its letter on the way, and a line behind it. Discs are painted once.
import { underWay } from "../player/flights.js";

const MOST = 240;
const LINED = 130; // lines behind more discs than these are a fog, and take the time of a frame
const STEPS = 24; // a line behind a disc is one of so many lengths: no path is computed twice

/** @typedef {import("./ring_paint.js").Layout} Layout */
/** @typedef {{ x: number, y: number }} Point */

export class FlightPainter {
  constructor() {
    /** @type {Map<string, HTMLCanvasElement>} */
    this._discs = new Map();
    /** @type {Map<number, Point[]>} */
    this._ways = new Map();
    this._key = "";
  }

  /**
   * @param {CanvasRenderingContext2D} pen @param {Layout} layout @param {import("../player/stage.js").Shown} shown
   * @param {import("./canvas.js").Palette} colours @param {number} ratio
   * @returns {number} one of so many messages is painted
   */
  paint(pen, layout, shown, colours, ratio) {
    const key = `${layout.width} ${layout.height} ${layout.places.length} ${ratio} ${colours.key}`;
    if (key !== this._key) {
      this._key = key;
      this._discs.clear();
      this._ways.clear();
    }
    let of = 1;
    for (const scene of shown.scenes) {
      const found = underWay(scene.flights, scene.t, MOST / shown.scenes.length);
      of = Math.max(of, found.of);
      if (found.flights.length * shown.scenes.length <= LINED) this._paintLines(pen, layout, found.flights, scene.t, colours);
      for (const flight of found.flights) this._paintDisc(pen, layout, flight, scene.t, colours, ratio);
    }
    return of;
  }

  /** One stroke for all lines of a letter. @param {CanvasRenderingContext2D} pen @param {Layout} layout @param {import("../player/flights.js").Flight[]} flights @param {number} t @param {import("./canvas.js").Palette} colours */
  _paintLines(pen, layout, flights, t, colours) {
    pen.globalAlpha = flights.length > 60 ? 0.16 : 0.3;
    pen.lineWidth = 1.6;
    for (const letter of new Set(flights.map((flight) => flight.letter))) {
      pen.strokeStyle = colours[`say-${letter}`];
      pen.beginPath();
      for (const flight of flights) {
        if (flight.letter !== letter) continue;
        const way = this._way(layout, flight.from, flight.to);
        const until = Math.floor(shareOf(flight, t) * STEPS);
        pen.moveTo(way[0].x, way[0].y);
        for (let step = 1; step <= until; step += 1) pen.lineTo(way[step].x, way[step].y);
      }
      pen.stroke();
    }
    pen.globalAlpha = 1;
  }

  /** @param {CanvasRenderingContext2D} pen @param {Layout} layout @param {import("../player/flights.js").Flight} flight @param {number} t @param {import("./canvas.js").Palette} colours @param {number} ratio */
  _paintDisc(pen, layout, flight, t, colours, ratio) {
    const way = this._way(layout, flight.from, flight.to);
    const at = shareOf(flight, t) * STEPS;
    const step = Math.min(STEPS - 1, Math.floor(at));
    const part = at - step;
    const x = way[step].x + (way[step + 1].x - way[step].x) * part;
    const y = way[step].y + (way[step + 1].y - way[step].y) * part;
    const size = layout.places.length > 12 ? 12 : Math.max(15, Math.min(22, Math.round(layout.node * 0.72)));
    pen.drawImage(this._disc(flight.letter, size, colours, ratio), x - size / 2, y - size / 2, size, size);
  }

  /** Around the dial, not across it. @param {Layout} layout @param {number} from @param {number} to @returns {Point[]} */
  _way(layout, from, to) {
    const key = from * 4096 + to;
    const held = this._ways.get(key);
    if (held) return held;
    const way = wayBetween(layout, layout.places[from - 1], layout.places[to - 1], from < to ? 1 : -1);
    this._ways.set(key, way);
    return way;
  }

  /** @param {string} letter @param {number} size @param {import("./canvas.js").Palette} colours @param {number} ratio */
  _disc(letter, size, colours, ratio) {
    const held = this._discs.get(letter + size);
    if (held) return held;
    const disc = document.createElement("canvas");
    disc.width = disc.height = Math.round(size * ratio);
    const pen = /** @type {CanvasRenderingContext2D} */ (disc.getContext("2d"));
    pen.scale(disc.width / size, disc.width / size);
    pen.beginPath();
    pen.arc(size / 2, size / 2, size / 2 - 0.5, 0, 2 * Math.PI);
    pen.fillStyle = colours[/** @type {keyof typeof colours} */ (`say-${letter}`)];
    pen.fill();
    pen.fillStyle = colours.surface;
    pen.font = `700 ${Math.round(size * 0.62)}px ${colours.font}`;
    pen.textAlign = "center";
    pen.textBaseline = "middle";
    pen.fillText(letter, size / 2, size / 2 + size * 0.04);
    this._discs.set(letter + size, disc);
    return disc;
  }
}

/** Gently at both ends. @param {import("../player/flights.js").Flight} flight @param {number} t */
export function shareOf(flight, t) {
  const share = Math.min(1, Math.max(0, (t - flight.start) / (flight.end - flight.start)));
  return share * share * (3 - 2 * share);
}

/** @param {Layout} layout @param {Point} from @param {Point} to @param {number} side @returns {Point[]} */
export function wayBetween(layout, from, to, side) {
  const across = { x: to.x - from.x, y: to.y - from.y };
  const length = Math.hypot(across.x, across.y) || 1;
  const normal = { x: (-across.y / length) * side, y: (across.x / length) * side };
  const middle = { x: (from.x + to.x) / 2, y: (from.y + to.y) / 2 };
  const offset = (middle.x - layout.x) * normal.x + (middle.y - layout.y) * normal.y; // of the chord from the middle of the ring
  const clear = layout.dial * 1.18;
  const bend = Math.abs(offset) < clear ? (offset >= 0 || Math.abs(offset) < 1 ? clear - offset : -clear - offset) : Math.sign(offset) * length * 0.04;
  const through = { x: middle.x + normal.x * bend * 2, y: middle.y + normal.y * bend * 2 };
  return Array.from({ length: STEPS + 1 }, (_, step) => {
    const share = step / STEPS;
    const rest = 1 - share;
    return {
      x: rest * rest * from.x + 2 * rest * share * through.x + share * share * to.x,
      y: rest * rest * from.y + 2 * rest * share * through.y + share * share * to.y,
    };
  });
}
