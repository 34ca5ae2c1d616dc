// The player: records, the clock over them, and what is true at each moment. It is told what time it is, and draws nothing.
import { Clock } from "./clock.js";
import { Events } from "./events.js";
import { Heights } from "./heights.js";
import { Keyframes } from "./keyframes.js";
import { KIND, kindsOf } from "./kinds.js";
import { Records } from "./records.js";
import { Seen } from "./seen.js";
import { Series } from "./series.js";

const RECORDS_A_HEIGHT = 14; // of four members: heights are kept for as long as records

export class Player {
  /** @param {import("../store.js").About} about @param {number} [most] live: so many records are kept */
  constructor(about, most) {
    this.records = new Records(most);
    this.clock = new Clock();
    /** @type {Set<(player: Player) => void>} */
    this._onFrame = new Set();
    /** @type {Set<() => void>} */
    this._onChange = new Set();
    this.about = about;
    this._source = sourceOf(about);
    this.frames = new Keyframes(this.records, () => this._source);
    this.heights = new Heights(about.members.length, most && Math.max(500, Math.floor(most / RECORDS_A_HEIGHT)));
    this.series = new Series(about.source === "live");
    this.events = new Events();
    this.seen = new Seen();
    this._tabled = 0; // records of all time that the three hold
    this._head = 0;
    this._reached = 0;
  }

  /** What the source says of itself anew: live, members and kinds may be added. @param {import("../store.js").About} about */
  setAbout(about) {
    this.about = about;
    this._source = sourceOf(about);
  }

  /** Number of a kind in KIND. @param {number} index of a record @returns {number} */
  kindOf(index) {
    return this._source.kinds[this.records.kind[index]] ?? KIND.other;
  }

  /** Name of a node; "" for the driver. @param {number} node */
  nameOf(node) {
    return this.about.members[node - 1]?.name ?? "";
  }

  /** Node of a member's name; 0 where nobody is called so. @param {string} name */
  nodeOf(name) {
    return this._source.nodeOf(name);
  }

  /** Records have come: what is known is longer now. */
  more() {
    this.frames.extend();
    this._table();
    this.clock.end = Math.max(this.records.end, this.about.end_us ?? 0, this._reached);
    this._changed();
  }

  /** Live: it is known that until then nothing else was noted. @param {number} t */
  reach(t) {
    this._reached = Math.max(this._reached, t);
    this.clock.end = Math.max(this.clock.end, t);
  }

  /** Live: what members are seen to do now. @param {{ name: string, state: string }[]} members */
  see(members) {
    this.seen.look(this.clock.end, members, this._source.nodeOf);
  }

  _table() {
    const { records, heights } = this;
    const { kinds, nodeOf, members } = this._source;
    if (members !== heights.members) this.heights = new Heights(members, heights.most); // a member came: from now on
    for (let at = Math.max(0, this._tabled - records.gone); at < records.length; at += 1) {
      const kind = kinds[records.kind[at]];
      if (!kind) continue;
      const t = records.t[at];
      const node = records.node[at];
      if (kind <= KIND.executed) {
        const height = records.height[at];
        const extra = records.extra(at);
        this.heights.add(t, node, kind, height, records.view[at], extra);
        if (kind === KIND.executed && height > this._head) {
          this._head = height;
          this.series.addBlock(t, extra.transactions ?? 0, extra.refused ?? 0);
        }
      } else if (kind === KIND.included) {
        const extra = records.extra(at);
        this.series.addWait(t, extra.latency_us ?? 0, extra.transactions ?? 1);
      } else this.events.add(t, node, kind, records.view[at], records.extra(at), nodeOf);
    }
    this._tabled = records.gone + records.length;
  }

  /** The moment that is shown, in µs of the run. */
  now() {
    return this.clock.t;
  }

  /** The first moment that is kept: 0 of a run; live, some minutes ago. */
  get begin() { return this.series.isLive ? Math.max(0, this.series.origin) : 0; }
  get playing() { return this.clock.playing; }
  get speed() { return this.clock.speed; }
  get end() { return this.clock.end; }
  get following() { return this.clock.following; }

  /** The state at a moment. It is the same object each time: read it at once. @param {number} t @returns {import("./state.js").State} */
  stateAt(t) {
    const state = this.frames.at(this.records.countUntil(t));
    state.seen = this.seen.at(t);
    return state;
  }

  /** The highest height that anybody has executed by then. @param {number} t */
  heightAt(t) {
    return this.stateAt(t).head;
  }

  /** When the first member executed a height; null where nobody did, or too long ago. @param {number} height @returns {number | null} */
  timeOfHeight(height) {
    const { records } = this;
    let low = 0;
    let high = records.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.frames.at(middle + 1).head >= height) high = middle;
      else low = middle + 1;
    }
    return low < records.length && (low > 0 || records.gone === 0) ? records.t[low] : null;
  }

  play() { this._do(() => this.clock.play()); }
  pause() { this._do(() => { this.clock.playing = false; }); }
  toggle() { if (this.clock.playing) this.pause(); else this.play(); }
  /** @param {number} t */
  seek(t) { this._do(() => this.clock.seek(Math.max(this.begin, t))); }
  /** @param {number} speed */
  setSpeed(speed) { this._do(() => { this.clock.speed = Math.min(1000, Math.max(0.001, speed)); }); }
  /** @param {number} direction */
  turnSpeed(direction) { this._do(() => this.clock.turn(direction)); }
  /** Live: stay at the newest moment. */
  follow() { this._do(() => this.clock.follow()); }

  /** To the next moment at which anything is noted, or the one before. @param {number} direction */
  step(direction) {
    this.pause();
    const { records } = this;
    const count = records.countUntil(this.clock.t);
    if (direction > 0) this.seek(count < records.length ? records.t[count] : this.clock.end);
    else {
      const here = count ? records.t[count - 1] : 0;
      const before = here < this.clock.t ? count : records.countUntil(here - 0.5);
      this.seek(before ? records.t[before - 1] : 0);
    }
  }

  /** To where the next height is executed for the first time, or the one before. @param {number} direction */
  stepHeight(direction) {
    this.pause();
    const head = this.heightAt(this.clock.t);
    const t = this.timeOfHeight(Math.max(0, head + direction));
    this.seek(t ?? (direction > 0 ? this.clock.end : 0));
  }

  /** So many milliseconds of real time went by: what is drawn is told. @param {number} real_ms */
  tick(real_ms) {
    const wasPlaying = this.clock.playing;
    if (!this.clock.tick(real_ms)) return;
    if (wasPlaying !== this.clock.playing) this._changed();
    else this._drawn();
  }

  /** Each frame, while it plays or after a seek. @param {(player: Player) => void} listener @returns {() => void} what ends it */
  onFrame(listener) {
    this._onFrame.add(listener);
    return () => void this._onFrame.delete(listener);
  }

  /** Where it is played, paused, sought, or records have come. @param {() => void} listener @returns {() => void} what ends it */
  onChange(listener) {
    this._onChange.add(listener);
    return () => void this._onChange.delete(listener);
  }

  /** @param {() => void} act */
  _do(act) {
    act();
    this._changed();
  }

  _changed() {
    for (const listener of [...this._onChange]) listener();
    this._drawn();
  }

  _drawn() {
    for (const listener of [...this._onFrame]) listener(this);
  }
}

/** @param {import("../store.js").About} about @returns {import("./state.js").Source} */
function sourceOf(about) {
  /** @type {Map<string, number>} */
  const nodes = new Map(about.members.map((member, at) => [member.name, at + 1]));
  const nodeOf = (/** @type {string} */ name) => nodes.get(name) ?? 0;
  const epochs = new Map(about.epochs.map((epoch) => [epoch.number, epoch.validators.map(nodeOf)]));
  const first = about.epochs[0]?.validators ?? about.members.filter((member) => member.validator).map((member) => member.name);
  return {
    members: about.members.length, validators: first.map(nodeOf), kinds: kindsOf(about.kinds), nodeOf,
    votersOf: (epoch) => epochs.get(epoch),
  };
}
