// How many transactions a second, and how long they waited, over the whole time: in at most 1,024 spans, which become
// twice as long where time goes on; live, the oldest go instead. So a page that is live for a day needs no more memory
// than one of a minute.

const BINS = 1024;
const FIRST_US = 10_000;
const LIVE_US = 500_000; // 1,024 of them are eight and a half minutes
const BUCKETS = 160; // of latency: each a ninth longer than the one before, from 10 µs to three minutes
const SHORTEST_US = 10;
const GROWTH = Math.log(1.11);

/** @typedef {{ rate: number, p50: number, p99: number, transactions: number }} Figures latencies in µs, 0 where none is known */

export class Series {
  /** @param {boolean} [isLive] the oldest go */
  constructor(isLive = false) {
    this.isLive = isLive;
    this.width = isLive ? LIVE_US : FIRST_US;
    /** Where the first span begins, in µs. */
    this.origin = isLive ? -1 : 0;
    this.transactions = new Float64Array(BINS);
    this.refused = new Float64Array(BINS);
    this.waits = new Uint32Array(BINS * BUCKETS);
    /** Bins with anything in them. */
    this.length = 0;
  }

  /** A block was executed by the first member. @param {number} t @param {number} transactions @param {number} refused */
  addBlock(t, transactions, refused) {
    const bin = this._bin(t);
    this.transactions[bin] += transactions;
    this.refused[bin] += refused;
  }

  /** So many transactions came back after so long. @param {number} t @param {number} latency_us @param {number} transactions */
  addWait(t, latency_us, transactions) {
    this.waits[this._bin(t) * BUCKETS + bucketOf(latency_us)] += transactions;
  }

  /** @param {number} t */
  _bin(t) {
    if (this.origin < 0) this.origin = Math.floor(t / this.width) * this.width;
    while (t - this.origin >= this.width * BINS) {
      if (this.isLive) this._slide();
      else this._widen();
    }
    const bin = Math.max(0, Math.floor((t - this.origin) / this.width));
    if (bin >= this.length) this.length = bin + 1;
    return bin;
  }

  _slide() {
    const away = BINS / 4;
    for (const values of [this.transactions, this.refused]) {
      values.copyWithin(0, away);
      values.fill(0, BINS - away);
    }
    this.waits.copyWithin(0, away * BUCKETS);
    this.waits.fill(0, (BINS - away) * BUCKETS);
    this.origin += away * this.width;
    this.length = Math.max(0, this.length - away);
  }

  _widen() {
    for (let bin = 0; bin < BINS; bin += 1) {
      const [one, two] = [2 * bin, 2 * bin + 1];
      const isThere = one < BINS;
      this.transactions[bin] = isThere ? this.transactions[one] + this.transactions[two] : 0;
      this.refused[bin] = isThere ? this.refused[one] + this.refused[two] : 0;
      for (let bucket = 0; bucket < BUCKETS; bucket += 1) {
        const sum = isThere ? this.waits[one * BUCKETS + bucket] + this.waits[two * BUCKETS + bucket] : 0;
        this.waits[bin * BUCKETS + bucket] = sum;
      }
    }
    this.width *= 2;
    this.length = Math.ceil(this.length / 2);
  }

  /** What was so in the last `span_us` before a moment. @param {number} t @param {number} span_us @returns {Figures} */
  figures(t, span_us) {
    if (this.isLive) return this._lately(t, span_us);
    const to = Math.max(0, Math.min(this.length, Math.ceil((t - this.origin) / this.width)));
    const from = Math.max(0, Math.min(to - 1, Math.floor((t - span_us - this.origin) / this.width)));
    const whole_us = (to - from) * this.width;
    const past_us = t - this.origin - from * this.width; // the last of all bins may not be over yet
    return this._between(from, to, to === this.length ? Math.min(past_us, whole_us) : whole_us);
  }

  /** Live, time goes on where nothing is executed: then nothing was. @param {number} t @param {number} span_us @returns {Figures} */
  _lately(t, span_us) {
    const to = Math.min(this.length, Math.ceil((t - this.origin) / this.width));
    const from = Math.max(0, Math.floor((t - span_us - this.origin) / this.width));
    return this._between(from, to, t - this.origin - from * this.width);
  }

  /** @param {number} from @param {number} to bins @param {number} long_us @returns {Figures} */
  _between(from, to, long_us) {
    let transactions = 0;
    for (let bin = from; bin < to; bin += 1) transactions += this.transactions[bin];
    const seconds = Math.max(this.width, long_us) / 1_000_000;
    return { transactions, rate: transactions / seconds, p50: this._quantile(from, to, 0.5), p99: this._quantile(from, to, 0.99) };
  }

  /** The middle of the bucket that holds it. @param {number} from @param {number} to @param {number} share */
  _quantile(from, to, share) {
    const sums = new Float64Array(BUCKETS);
    let all = 0;
    for (let bin = from; bin < to; bin += 1) {
      for (let bucket = 0; bucket < BUCKETS; bucket += 1) {
        sums[bucket] += this.waits[bin * BUCKETS + bucket];
        all += this.waits[bin * BUCKETS + bucket];
      }
    }
    let left = Math.ceil(all * share);
    if (!left) return 0;
    for (let bucket = 0; bucket < BUCKETS; bucket += 1) {
      left -= sums[bucket];
      if (left <= 0) return SHORTEST_US * Math.exp((bucket + 0.5) * GROWTH);
    }
    return 0;
  }

  /**
   * The whole course in at most `points`: begin of each span in seconds, transactions a second, p50 and p99 in ms (null where nothing came back).
   * @param {number} points
   */
  course(points) {
    const step = Math.max(1, Math.ceil(this.length / points));
    /** @type {{ t: number[], rate: number[], p50: (number | null)[], p99: (number | null)[] }} */
    const course = { t: [], rate: [], p50: [], p99: [] };
    for (let from = 0; from < this.length; from += step) {
      const to = Math.min(this.length, from + step);
      const { rate, p50, p99 } = this._between(from, to, (to - from) * this.width);
      course.t.push((this.origin + from * this.width) / 1_000_000);
      course.rate.push(rate);
      course.p50.push(p50 ? p50 / 1000 : null);
      course.p99.push(p99 ? p99 / 1000 : null);
    }
    return course;
  }
}

/** @param {number} latency_us */
function bucketOf(latency_us) {
  return Math.min(BUCKETS - 1, Math.max(0, Math.floor(Math.log(Math.max(1, latency_us) / SHORTEST_US) / GROWTH)));
}
