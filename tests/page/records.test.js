// Chunks are read as the server writes them, and the columns keep what a record says.
import assert from "node:assert/strict";
import { test } from "node:test";
import { BadChunk, Records, STRIDE, readStream } from "../../nodes/page/static/player/records.js";
import { chunkOf, kindsIn, realPlayer, realRun } from "./kit.js";

const NAMES = ["bureau", "hospital-1"];
const TRACE = [
  { t_us: 0, node: "", kind: "run", seed: 7 },
  { t_us: 5, node: "bureau", kind: "proposed", height: 1, view: 0, transactions: 3 },
  { t_us: 9, node: "hospital-1", kind: "prepared", height: 1, view: 0 },
];
const KINDS = kindsIn(TRACE);

/** @param {Uint8Array} bytes @param {number} size @returns {ReadableStream<Uint8Array>} */
function inPieces(bytes, size) {
  return new ReadableStream({
    start(controller) {
      for (let at = 0; at < bytes.length; at += size) controller.enqueue(bytes.slice(at, at + size));
      controller.close();
    },
  });
}

test("a chunk becomes columns", () => {
  const records = new Records();
  records.addChunk(chunkOf(TRACE, NAMES, KINDS));
  assert.equal(records.length, 3);
  assert.deepEqual([...records.t.slice(0, 3)], [0, 5, 9]);
  assert.deepEqual([...records.node.slice(0, 3)], [0, 1, 2]);
  assert.deepEqual([...records.height.slice(0, 3)], [-1, 1, 1]);
  assert.deepEqual([records.extra(0), records.extra(1), records.extra(2)], [{ seed: 7 }, { transactions: 3 }, {}]);
  assert.equal(records.countUntil(5), 2);
  assert.equal(records.countUntil(4.9), 1);
});

test("a stream may be cut anywhere", async () => {
  const chunk = chunkOf(TRACE, NAMES, KINDS);
  const whole = Uint8Array.from([...chunk, ...chunk, ...chunk]);
  for (const size of [1, 7, 64, chunk.length, 10_000]) {
    const records = new Records();
    let told = 0;
    await readStream(inPieces(whole, size), records, () => void (told += 1));
    assert.equal(told, 3);
    assert.deepEqual([records.length, records.extra(3), records.extra(7).transactions], [9, { seed: 7 }, 3]);
  }
});

test("what is no chunk, or ends within one, is refused", async () => {
  const chunk = chunkOf(TRACE, NAMES, KINDS);
  await assert.rejects(readStream(inPieces(chunk.slice(0, -4), 50), new Records()), BadChunk);
  await assert.rejects(readStream(inPieces(new TextEncoder().encode("<!doctype html>"), 50), new Records()), BadChunk);
});

test("every record of a real run is in the columns as it is in the trace", async () => {
  const { trace, about, player } = await realPlayer("pbft");
  const { records } = player;
  assert.equal(records.length, trace.length);
  const names = ["", ...about.members.map((/** @type {{ name: string }} */ member) => member.name)];
  trace.forEach((record, at) => {
    const told = [records.t[at], names[records.node[at]], about.kinds[records.kind[at]], records.height[at], records.view[at]];
    assert.deepEqual(told, [record.t_us, record.node, record.kind, record.height ?? -1, record.view ?? -1]);
    if (record.kind === "executed") assert.equal(records.extra(at).transactions, record.transactions);
    if (record.kind === "fault") assert.equal(records.extra(at).act, record.act);
  });
});

test("live, the oldest go, and the memory stays what it is", () => {
  const records = new Records(10_000);
  for (let at = 0; at < 100_000; at += 1) records.addRow([at, 1, 0, at, -1, at % 3 ? null : { at }]);
  assert.ok(records.length <= 10_000 && records.length > 5_000);
  assert.ok(records.t.length < 30_000 && records.extras.length <= records.length);
  assert.equal(records.gone % STRIDE, 0);
  assert.equal(records.gone + records.length, 100_000);
  assert.equal(records.t[0], records.gone);
  const third = 3 - (records.gone % 3 || 3);
  assert.deepEqual(records.extra(third), { at: records.gone + third });
});

test("the kit writes what the server writes", () => {
  const { trace, about, bytes } = realRun("joins");
  const names = about.members.map((/** @type {{ name: string }} */ member) => member.name);
  const records = new Records();
  records.addChunk(chunkOf(trace, names, about.kinds));
  const served = new Records();
  served.addChunk(bytes);
  for (const column of /** @type {const} */ (["t", "node", "kind", "height", "view"])) {
    assert.deepEqual(records[column].slice(0, records.length), served[column].slice(0, served.length), column);
  }
});
