// A consortium that stands: what its traces hold already, then its records as they are written, by server-sent events.
import { get } from "../ask.js";
import { eventsOf } from "./token_stream.js";
import { readStream } from "./records.js";
import { conditionOf } from "./seen.js";
import { DOWN } from "./state.js";

const AGAIN_MS = 2000; // where the stream gave up, a new one is opened: later each time
const AGAIN_MOST_MS = 30_000;
const LATE_MS = 10_000; // a status comes every second: who is silent for so long is gone
const CLOSED = 2; // as EventSource has it: it does not come again by itself

/** @typedef {import("../store.js").Store} Store */
/** @typedef {import("./player.js").Player} Player */

/** Follows until the page is closed, and says in `line` of the store whether anybody is there. Where the line breaks it
 * comes back by itself, and misses nothing. @param {Store} store @param {Player} player @returns {Promise<() => void>} what ends it */
export async function follow(store, player) {
  const cursor = player.about.cursor ?? "";
  const history = await get(`page/records?upto=${encodeURIComponent(cursor)}`);
  if (history.ok && history.body) await readStream(history.body, player.records);
  player.more();
  player.follow();
  const line = new Line(store, player, cursor);
  line.open();
  return () => line.close();
}

class Line {
  /** @param {Store} store @param {Player} player @param {string} cursor where the history ended */
  constructor(store, player, cursor) {
    this.store = store;
    this.player = player;
    this.cursor = cursor;
    this.failed = 0; // streams that gave up, since somebody answered
    /** @type {number[]} from the server's numbers of kinds to the page's: a server that was started anew has others */
    this.kinds = player.about.kinds.map((_, number) => number);
  }

  open() {
    const { store, player } = this;
    this.stream = eventsOf(`page/live?after=${encodeURIComponent(this.cursor)}`);
    this.on("kinds", (kinds) => this.learn(kinds));
    this.on("members", (members) => renew(store, player, { members, n: members.length }));
    this.on("records", (rows) => {
      for (const row of rows) player.records.addRow(row.with(2, this.kinds[row[2]] ?? row[2]));
      player.more();
    });
    this.on("status", (status) => this.hear(status));
    this.on("sampled", ({ sampled }) => renew(store, player, { sampled }));
    this.stream.addEventListener("error", () => this.lose());
  }

  /** @param {string} name @param {(data: any) => void} act */
  on(name, act) {
    this.stream?.addEventListener(name, (event) => {
      if (event.lastEventId) this.cursor = event.lastEventId;
      act(JSON.parse(event.data));
    });
  }

  /** @param {string[]} told the server's kinds */
  learn(told) {
    const kinds = [...new Set([...this.player.about.kinds, ...told])];
    this.kinds = told.map((kind) => kinds.indexOf(kind));
    renew(this.store, this.player, { kinds });
  }

  /** What the members say of themselves. @param {any} status */
  hear(status) {
    this.failed = 0;
    this.wait(() => this.store.set({ line: "lost" }), LATE_MS);
    const { player } = this;
    if (typeof status.t_us === "number") player.reach(status.t_us); // time goes on where nothing happens
    /** @type {{ name: string, state: string }[]} */
    const members = status.members ?? [];
    player.see(members);
    const isDown = status.is_up === false || (members.length > 0 && members.every((each) => conditionOf(each.state) === DOWN));
    this.store.set({ status, line: isDown ? "down" : "live" });
  }

  lose() {
    this.store.set({ line: "lost" });
    const isOver = this.stream?.readyState === CLOSED;
    if (isOver) this.wait(() => this.open(), Math.min(AGAIN_MOST_MS, AGAIN_MS * 2 ** this.failed++));
    else clearTimeout(this.timer);
  }

  /** @param {() => void} act @param {number} ms */
  wait(act, ms) {
    clearTimeout(this.timer);
    this.timer = setTimeout(act, ms);
    /** @type {any} */ (this.timer).unref?.(); // a test's process need not wait for it
  }

  close() {
    clearTimeout(this.timer);
    this.stream?.close();
  }
}

/** @param {Store} store @param {Player} player @param {Partial<import("../store.js").About>} news */
function renew(store, player, news) {
  const about = /** @type {import("../store.js").About} */ ({ ...player.about, ...news });
  player.setAbout(about);
  store.set({ about });
}
