// Server-sent events with a token: a browser's own EventSource can send none.
import { get, hasToken } from "../ask.js";

const AGAIN_MS = 1000; // after the line broke
const [CONNECTING, OPEN, CLOSED] = [0, 1, 2];

/** @typedef {{ addEventListener: (name: string, act: (event: any) => void) => void, close: () => void, readyState: number }} Stream */

/** @param {string} path @returns {Stream} */
export function eventsOf(path) {
  return hasToken() ? new TokenStream(path) : new EventSource(path);
}

/** As an EventSource, by fetch: it comes again with the last id that it had, until it is told that nothing will come. */
export class TokenStream {
  /** @param {string} path @param {number} [again_ms] */
  constructor(path, again_ms = AGAIN_MS) {
    this._path = path;
    this._again_ms = again_ms;
    /** @type {Map<string, (event: { data: string, lastEventId: string }) => void>} */
    this._acts = new Map();
    this._end = new AbortController();
    this._last = "";
    this.readyState = CONNECTING;
    this.done = this._follow();
  }

  /** @param {string} name @param {(event: { data: string, lastEventId: string }) => void} act `error`: the line broke */
  addEventListener(name, act) {
    this._acts.set(name, act);
  }

  close() {
    this._end.abort();
    this.readyState = CLOSED;
  }

  async _follow() {
    const { signal } = this._end;
    while (!signal.aborted) {
      try {
        const answer = await get(this._path, { signal, headers: this._last ? { "Last-Event-ID": this._last } : {} });
        if (answer.status === 204 || (answer.status >= 400 && answer.status < 500)) return this._lose(CLOSED);
        if (answer.ok && answer.body) await this._read(answer.body);
      } catch {
        if (signal.aborted) return;
      }
      this._lose(CONNECTING);
      await new Promise((resolve) => setTimeout(resolve, this._again_ms));
    }
  }

  /** @param {number} readyState */
  _lose(readyState) {
    this.readyState = readyState;
    this._acts.get("error")?.({ data: "", lastEventId: this._last });
  }

  /** @param {ReadableStream<Uint8Array>} body */
  async _read(body) {
    const reader = body.pipeThrough(/** @type {any} */ (new TextDecoderStream())).getReader();
    let held = "";
    this.readyState = OPEN;
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      const parts = (held + value).split("\n\n");
      held = parts.pop() ?? "";
      for (const part of parts) this._tell(part);
    }
  }

  /** One message: its lines. @param {string} message */
  _tell(message) {
    let name = "message";
    const data = [];
    for (const line of message.split("\n")) {
      const at = line.indexOf(":");
      const [field, value] = [line.slice(0, at), line.slice(at + 1).replace(/^ /, "")];
      if (field === "id") this._last = value;
      else if (field === "event") name = value;
      else if (field === "data") data.push(value);
    }
    if (data.length > 0) this._acts.get(name)?.({ data: data.join("\n"), lastEventId: this._last });
  }
}
