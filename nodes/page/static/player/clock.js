// The clock of the player: which moment of the run is shown. It knows no browser: it is told how much real time has gone by.

/** Speeds that the keys step through. Each is that much faster than the run was. */
export const SPEEDS = [0.001, 0.003, 0.01, 0.03, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 100, 300, 1000];

export class Clock {
  constructor() {
    /** µs of the run */
    this.t = 0;
    /** Nothing is known after that. */
    this.end = 0;
    this.playing = false;
    this.speed = 1;
    /** Live: it stays at the newest moment, `behind` µs before it. */
    this.following = false;
  }

  /** So many milliseconds went by. @param {number} real_ms @returns {boolean} whether the moment changed */
  tick(real_ms) {
    if (!this.playing) return false;
    const before = this.t;
    const wanted = this.t + real_ms * 1000 * this.speed;
    if (this.following) this.t = followed(this.t, this.end, real_ms);
    else if (wanted >= this.end) {
      this.t = this.end;
      this.playing = false;
    } else this.t = wanted;
    return this.t !== before || !this.playing;
  }

  /** @param {number} t */
  seek(t) {
    this.t = Math.min(Math.max(0, t), this.end);
    this.following = false;
  }

  play() {
    if (!this.following && this.t >= this.end) this.t = 0;
    this.playing = true;
  }

  /** Keeps at the newest moment from now on. */
  follow() {
    this.following = true;
    this.playing = true;
    this.speed = 1;
  }

  /** The next speed of SPEEDS. @param {number} direction 1 faster, -1 slower */
  turn(direction) {
    const faster = SPEEDS.find((speed) => speed > this.speed * 1.001) ?? SPEEDS[SPEEDS.length - 1];
    const slower = [...SPEEDS].reverse().find((speed) => speed < this.speed * 0.999) ?? SPEEDS[0];
    this.speed = direction > 0 ? faster : slower;
  }
}

const BEHIND_US = 300_000; // batches come every 100 ms: so far behind, the picture moves evenly

/** Real time, drawn gently towards 0.3 s before the newest record. @param {number} t @param {number} end @param {number} real_ms */
function followed(t, end, real_ms) {
  const target = end - BEHIND_US;
  const next = t + real_ms * 1000;
  if (Math.abs(target - next) > 2_000_000) return Math.max(0, target);
  return Math.min(end, Math.max(t, next + (target - next) * Math.min(1, real_ms / 500)));
}
