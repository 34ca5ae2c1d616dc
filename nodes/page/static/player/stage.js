// What of a moment is drawn. Where heights last long enough to be seen, all that are under way, as they are. Else one of
// many heights, slower than the clock, then the next: and a view change goes before, for it is what people came to see.
import { flightsOf, flightsOfChange } from "./flights.js";

const SEEN_MS = 450; // what lasts shorter on the screen is drawn slower
const SCENE_MS = 1150;
const CHANGE_MS = 2200;
const HOLD_MS = 120;
const JUMP_US = 600_000; // of real time: who comes from farther has sought, and did not play up to here
const UNDER_WAY = 12; // heights at once, at most
const KEPT = 64;

/** @typedef {{ height: number, t: number, flights: import("./flights.js").Flight[], change: import("./events.js").ViewChange | null }} Scene height 0: of a view change */
/** @typedef {{ scenes: Scene[], isSlowed: boolean, of: number, slower: number }} Shown `of`: one of so many heights is drawn */

export class Stage {
  /** @param {import("./player.js").Player} player */
  constructor(player) {
    this.player = player;
    /** For those who asked for less motion: of a height that is drawn slower, its end alone. */
    this.isStill = false;
    /** @type {Map<number, { version: number, flights: import("./flights.js").Flight[] }>} */
    this._flights = new Map();
    this._begun = 0;
    this._length = 0;
    /** @type {{ height: number, from: number, to: number, change: import("./events.js").ViewChange | null } | null} */
    this._scene = null;
    this._of = 1;
    this._head = 0; // when the scene was begun
    this._before = 0;
  }

  /** What is under way by the clock, nothing slowed. @returns {Scene[]} */
  moment() {
    const t = this.player.now();
    return this._underWay(t, this.player.heightAt(t));
  }

  /** What is drawn now. @param {number} now_ms real time @returns {Shown} */
  look(now_ms) {
    const { player } = this;
    const t = player.now();
    const head = player.heightAt(t);
    const typical = this._typical(head);
    const slowed = player.playing && typical / 1000 / player.speed < SEEN_MS;
    const before = this._before;
    this._before = t;
    if (!slowed) {
      this._scene = null;
      return { scenes: this._underWay(t, head), isSlowed: false, of: 1, slower: 1 };
    }
    const isPlayed = t > before && t - before < player.speed * JUMP_US;
    const change = isPlayed ? player.events.changeBetween(before, t) : null;
    const isOver = !this._scene || now_ms > this._begun + this._length + HOLD_MS || now_ms < this._begun;
    if (change && change.enters.size) this._show(now_ms, { height: 0, from: change.from, to: change.to, change }, CHANGE_MS, head);
    else if (isOver) this._next(now_ms, head);
    return this._slowed(now_ms, player.speed);
  }

  /** How long a height takes about now, in µs. @param {number} head */
  _typical(head) {
    const span = this.player.heights.span(head) ?? this.player.heights.span(head - 1);
    return span ? span.to - span.from : 5000;
  }

  /** @param {number} now_ms @param {number} head */
  _next(now_ms, head) {
    if (this._scene && head === this._head) return; // nothing new: the last stays as it ended
    const span = this.player.heights.span(head);
    if (span) this._show(now_ms, { height: head, ...span, change: null }, SCENE_MS, head);
  }

  /** @param {number} now_ms @param {{ height: number, from: number, to: number, change: import("./events.js").ViewChange | null }} scene @param {number} length @param {number} head */
  _show(now_ms, scene, length, head) {
    this._of = Math.max(1, head - (this._head || head));
    this._head = head;
    this._scene = scene;
    this._begun = now_ms;
    this._length = length;
  }

  /** @param {number} now_ms @param {number} speed @returns {Shown} */
  _slowed(now_ms, speed) {
    const scene = this._scene;
    if (!scene) return { scenes: [], isSlowed: true, of: 1, slower: 1 };
    const share = !this.isStill && scene.to > scene.from ? Math.min(1, (now_ms - this._begun) / this._length) : 1;
    const t = scene.from + share * (scene.to - scene.from) + (share >= 1 ? 1 : 0);
    const flights = this.isStill ? [] : scene.change ? flightsOfChange(scene.change, this.player.heights.members) : this._of_height(scene.height);
    const slower = (this._length * 1000 * speed) / Math.max(1, scene.to - scene.from);
    return { scenes: [{ height: scene.height, t, flights, change: scene.change }], isSlowed: true, of: this._of, slower };
  }

  /** @param {number} t @param {number} head @returns {Scene[]} */
  _underWay(t, head) {
    const { heights, events } = this.player;
    /** @type {Scene[]} */
    const scenes = [];
    for (let height = Math.min(heights.last, head + UNDER_WAY); height > 0 && height > head - UNDER_WAY; height -= 1) {
      const span = heights.span(height);
      if (span && span.from <= t && t <= span.to) scenes.push({ height, t, flights: this._of_height(height), change: null });
    }
    const change = events.changeAt(t);
    if (change) scenes.push({ height: 0, t, flights: flightsOfChange(change, heights.members), change });
    return scenes;
  }

  /** @param {number} height */
  _of_height(height) {
    const version = this.player.records.length;
    const held = this._flights.get(height);
    if (held?.version === version) return held.flights;
    const flights = flightsOf(this.player.heights, height, this.player.about.protocol);
    this._flights.delete(height);
    this._flights.set(height, { version, flights });
    if (this._flights.size > KEPT) this._flights.delete(this._flights.keys().next().value ?? 0);
    return flights;
  }
}
