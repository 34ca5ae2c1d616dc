// The records of a run in columns: what a chunk of `/page/records` holds, and what the live stream adds.
// A record is a number here: its place in the columns. Nothing is made per record, so that a million of them are cheap.

export const MAGIC = 0x31525043; // "CPR1", little endian
const HEADER_BYTES = 12;
const BYTES_A_RECORD = 8 + 2 + 2 + 4 + 4 + 4; // each column is padded to 4 bytes, which only the two of u16 may need
const FIRST_ROOM = 4096;
/** Keyframes lie so many records apart, and so many go at once where the oldest go. */
export const STRIDE = 2000;

/** @typedef {Record<string, any>} Extra the other fields of a record */

/** Bytes that are no chunk. */
export class BadChunk extends Error {}

/** @param {number} bytes @returns {number} the next multiple of 4 */
const padded = (bytes) => (bytes + 3) & ~3;

export class Records {
  /** @param {number} [most] live: so many at most are kept, the oldest go */
  constructor(most = Infinity) {
    this.most = most;
    this.length = 0;
    /** How many were let go before the first that is kept. */
    this.gone = 0;
    this.t = new Float64Array(FIRST_ROOM);
    this.node = new Uint16Array(FIRST_ROOM);
    this.kind = new Uint16Array(FIRST_ROOM);
    this.height = new Int32Array(FIRST_ROOM);
    this.view = new Int32Array(FIRST_ROOM);
    this.extraAt = new Int32Array(FIRST_ROOM);
    /** @type {(Extra | undefined)[]} */
    this.extras = [];
  }

  /** The other fields of a record; an empty object where it has none. @param {number} index @returns {Extra} */
  extra(index) {
    const at = this.extraAt[index];
    return (at >= 0 && this.extras[at]) || NOTHING;
  }

  /** Time of the last record; 0 where there is none. */
  get end() {
    return this.length ? this.t[this.length - 1] : 0;
  }

  /** How many records have `t <= time`. @param {number} time @returns {number} */
  countUntil(time) {
    let low = 0;
    let high = this.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.t[middle] <= time) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Adds the records of a whole chunk. Raises BadChunk. @param {Uint8Array} bytes @returns {number} how many */
  addChunk(bytes) {
    const { count, tailBytes, size } = readHeader(bytes);
    if (bytes.length < size) throw new BadChunk(`a chunk of ${size} bytes came with ${bytes.length}`);
    this._makeRoom(count);
    let at = bytes.byteOffset + HEADER_BYTES;
    const from = this.length;
    const take = (/** @type {any} */ column, /** @type {any} */ type) => {
      const width = type.BYTES_PER_ELEMENT;
      const part = bytes.buffer.slice(at, at + count * width); // a chunk begins where it likes: not at multiples of 8
      column.set(new type(part), from);
      at += padded(count * width);
    };
    take(this.t, Float64Array);
    take(this.node, Uint16Array);
    take(this.kind, Uint16Array);
    take(this.height, Int32Array);
    take(this.view, Int32Array);
    take(this.extraAt, Int32Array);
    this._addExtras(new Uint8Array(bytes.buffer, at, tailBytes), from, count);
    this.length += count;
    this._letGo();
    return count;
  }

  /** Adds one record of the live stream. @param {readonly [number, number, number, number, number, Extra | null]} row */
  addRow(row) {
    this._makeRoom(1);
    const at = this.length;
    [this.t[at], this.node[at], this.kind[at], this.height[at], this.view[at]] = row;
    if (at && row[0] < this.t[at - 1]) this.t[at] = this.t[at - 1]; // two clocks of one machine: order stays order
    this.extraAt[at] = row[5] ? this.extras.push(row[5]) - 1 : -1;
    this.length += 1;
    this._letGo();
  }

  /** @param {Uint8Array} tail @param {number} from @param {number} count */
  _addExtras(tail, from, count) {
    const before = this.extras.length;
    const told = tail.length ? JSON.parse(new TextDecoder().decode(tail)) : [];
    if (!Array.isArray(told)) throw new BadChunk("the tail of a chunk is a list");
    for (const extra of told) this.extras.push(extra);
    if (before) for (let at = from; at < from + count; at += 1) if (this.extraAt[at] >= 0) this.extraAt[at] += before;
  }

  /** @param {number} count */
  _makeRoom(count) {
    const wanted = this.length + count;
    if (wanted <= this.t.length) return;
    const room = Math.max(wanted, Math.ceil(this.t.length * 1.6));
    for (const name of /** @type {const} */ (["t", "node", "kind", "height", "view", "extraAt"])) {
      const grown = /** @type {any} */ (new /** @type {any} */ (this[name].constructor)(room));
      grown.set(this[name].subarray(0, this.length));
      this[name] = grown;
    }
  }

  /** A quarter at once goes where there are too many: the memory of a page that is live stays what it is. */
  _letGo() {
    if (this.length <= this.most) return;
    const away = Math.ceil(Math.max(this.length - this.most, this.most >> 2) / STRIDE) * STRIDE;
    if (away > this.length) return;
    for (const name of /** @type {const} */ (["t", "node", "kind", "height", "view", "extraAt"])) {
      this[name].copyWithin(0, away, this.length);
    }
    this.length -= away;
    this.gone += away;
    /** @type {(Extra | undefined)[]} */
    const kept = [];
    for (let at = 0; at < this.length; at += 1) {
      const extra = this.extraAt[at];
      if (extra >= 0) this.extraAt[at] = kept.push(this.extras[extra]) - 1;
    }
    this.extras = kept;
  }
}

/** @type {Extra} */
const NOTHING = Object.freeze({});

/**
 * What the first 12 bytes of a chunk say. Raises BadChunk.
 * @param {Uint8Array} bytes
 */
export function readHeader(bytes) {
  if (bytes.length < HEADER_BYTES) throw new BadChunk("a chunk begins with 12 bytes");
  const view = new DataView(bytes.buffer, bytes.byteOffset, HEADER_BYTES);
  if (view.getUint32(0, true) !== MAGIC) throw new BadChunk("these are no records: a chunk begins with CPR1");
  const count = view.getUint32(4, true);
  const tailBytes = view.getUint32(8, true);
  const columns = count * (BYTES_A_RECORD - 4) + 2 * padded(count * 2);
  return { count, tailBytes, size: HEADER_BYTES + columns + padded(tailBytes) };
}

/**
 * Reads a stream of chunks, however the network cuts it, and adds each as soon as it is whole.
 * @param {ReadableStream<Uint8Array>} stream
 * @param {Records} records
 * @param {() => void | Promise<void>} [onChunk] after each
 */
export async function readStream(stream, records, onChunk) {
  const reader = stream.getReader();
  /** @type {Uint8Array[]} */
  let parts = [];
  let held = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (value) {
      parts.push(value);
      held += value.length;
    }
    while (held >= HEADER_BYTES) {
      if (parts[0].length < HEADER_BYTES) parts = [joined(parts, held)];
      const { size } = readHeader(parts[0]);
      if (held < size) break;
      const whole = parts.length === 1 ? parts[0] : joined(parts, held);
      records.addChunk(whole.subarray(0, size));
      held -= size;
      parts = held ? [whole.subarray(size)] : [];
      await onChunk?.();
    }
    if (done) break;
  }
  if (held) throw new BadChunk(`the stream ended ${held} bytes into a chunk`);
}

/** @param {Uint8Array[]} parts @param {number} size */
function joined(parts, size) {
  const whole = new Uint8Array(size);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
