// The live stream: history first, then what comes; the page keeps up, and its memory stays what it is.
import assert from "node:assert/strict";
import { test } from "node:test";
import { follow } from "../../nodes/page/static/player/live.js";
import { Player } from "../../nodes/page/static/player/player.js";
import { Store, freshState } from "../../nodes/page/static/store.js";
import { aboutOf, chunkOf } from "./kit.js";

const NAMES = ["a", "b", "c", "d"];
const KINDS = ["proposed", "prepared", "committed", "executed", "included", "fault"];
const MOST = 10_000;

/** A stream that the test fills. */
class Stream {
  /** @param {string} url */
  constructor(url) {
    this.url = url;
    /** @type {Map<string, (event: any) => void>} */
    this.listeners = new Map();
    Stream.last = this;
  }

  /** @param {string} name @param {(event: any) => void} listener */
  addEventListener(name, listener) { this.listeners.set(name, listener); }
  /** @param {string} name @param {any} data */
  say(name, data) { this.listeners.get(name)?.({ data: JSON.stringify(data) }); }
  close() {}
}
/** @type {Stream | null} */
Stream.last = null;

async function opened() {
  const history = chunkOf([{ t_us: 1000, node: "a", kind: "executed", height: 9, transactions: 2 }], NAMES, KINDS);
  /** @type {string[]} */
  const asked = [];
  Object.assign(globalThis, { EventSource: Stream, fetch: async (/** @type {string} */ path) => { asked.push(path); return new Response(/** @type {any} */ (history)); } });
  const about = aboutOf(NAMES, KINDS, { source: "live", cursor: "a:5 b:7" });
  const player = new Player(about, MOST);
  const store = new Store(freshState(about));
  await follow(store, player);
  const stream = Stream.last;
  assert.ok(stream);
  return { player, store, stream, asked };
}

/** The rows of a height. @param {number} height @param {number} t */
function rowsOf(height, t) {
  /** @type {any[]} */
  const rows = [[t, 1, 0, height, 0, { transactions: 3 }]];
  for (const [kind, later] of [[1, 2000], [2, 4000], [3, 4100]]) {
    for (let node = 1; node <= 4; node += 1) rows.push([t + later, node, kind, height, 0, kind === 3 ? { transactions: 3 } : null]);
  }
  return [...rows, [t + 4200, 1, 4, height, -1, { latency_us: 5000, transactions: 3 }]];
}

test("history comes before the stream, and both from the same cursor", async () => {
  const { player, stream, asked } = await opened();
  assert.deepEqual([asked, stream.url], [["page/records?upto=a%3A5%20b%3A7"], "page/live?after=a%3A5%20b%3A7"]);
  assert.equal(player.stateAt(2000).head, 9);
  assert.ok(player.following && player.playing);
});

test("four minutes at 300 transactions a second: it keeps up, and memory stays", async () => {
  const { player, stream } = await opened();
  let most = 0;
  for (let tenth = 0; tenth < 2400; tenth += 1) {
    const t = 10_000 + tenth * 100_000;
    stream.say("records", Array.from({ length: 10 }, (_, at) => rowsOf(10 + tenth * 10 + at, t + at * 10_000)).flat());
    for (let frame = 0; frame < 6; frame += 1) player.tick(100 / 6);
    if (tenth === 1200) most = bytesOf(player);
  }
  assert.ok(player.end - player.now() < 1_000_000, `${player.end - player.now()} µs behind`);
  assert.equal(player.stateAt(player.now()).head, player.heightAt(player.now()));
  assert.ok(player.heightAt(player.end) === 10 + 24_000 - 1);
  assert.ok(player.records.length <= MOST);
  assert.ok(bytesOf(player) <= most * 1.05, `${most} bytes after two minutes, ${bytesOf(player)} after four`);
  const rate = player.series.figures(player.end, 5_000_000).rate;
  assert.ok(Math.abs(rate - 300) < 15, `${rate} a second`);
});

test("a member, a kind and time come that nobody knew", async () => {
  const { player, store, stream } = await opened();
  stream.say("members", [...NAMES, "e"].map((name) => ({ name, role: "hospital", validator: true })));
  stream.say("kinds", [...KINDS, "booted"]);
  stream.say("records", [[5000, 5, 6, -1, -1, { records: 0 }]]);
  assert.equal(player.stateAt(5000).member(5).lives, 1);
  assert.equal(player.stateAt(5000).member(1).height, 9);
  assert.equal(store.get().about.members.length, 5);
  stream.say("status", { t_us: 9_000_000, is_up: true });
  assert.equal(player.end, 9_000_000);
});

/** @param {Player} player */
function bytesOf(player) {
  const { records, heights, series, frames } = player;
  const columns = [records.t, records.node, records.kind, records.height, records.view, records.extraAt, heights.data, series.waits];
  return columns.reduce((sum, column) => sum + column.byteLength, 0) + frames._frames.reduce((sum, frame) => sum + frame.byteLength, 0) + records.extras.length * 50;
}
