// The state at a moment is what the trace says up to it, from wherever one comes.
import assert from "node:assert/strict";
import { test } from "node:test";
import { COMMITTED, DOWN, EXECUTED, PAUSED, PREPARED, UP } from "../../nodes/page/static/player/state.js";
import { playerOf, realPlayer } from "./kit.js";

const NAMES = ["a", "b", "c", "d"];

/** What a second, simpler reading of a trace says at a moment. @param {import("./kit.js").TraceRecord[]} trace @param {number} t */
function readSimply(trace, t) {
  const past = trace.filter((record) => record.t_us <= t);
  const of = (/** @type {string} */ kind) => past.filter((record) => record.kind === kind);
  const last = (/** @type {import("./kit.js").TraceRecord[]} */ list) => list[list.length - 1];
  const head = Math.max(0, ...of("executed").map((record) => record.height ?? 0));
  const heights = Object.fromEntries(of("executed").map((record) => [record.node, record.height]));
  const down = new Set();
  for (const record of past) {
    if (record.kind === "fault" && record.act === "kill") down.add(record.target);
    if (record.kind === "booted") down.delete(record.node);
  }
  return { head, heights, down, newView: last(of("new_view")) };
}

for (const name of ["pbft", "hotstuff", "joins"]) {
  test(`${name}: heights, heads and who is down, at a hundred moments in any order`, async () => {
    const { trace, about, player } = await realPlayer(name);
    for (let turn = 0; turn < 100; turn += 1) {
      const t = Math.floor(((turn * 37) % 100) / 100 * player.end);
      const told = readSimply(trace, t);
      const state = player.stateAt(t);
      assert.equal(state.head, told.head);
      about.members.forEach((/** @type {{ name: string }} */ member, /** @type {number} */ at) => {
        const now = state.member(at + 1);
        assert.equal(now.height, told.heights[member.name] ?? 0);
        if (now.lives) assert.equal(now.condition, told.down.has(member.name) ? DOWN : UP, `${member.name} at ${t}`);
      });
      if (told.newView && name === "pbft") assert.equal(state.leader, player.nodeOf(told.newView.leader));
    }
  });
}

test("a seek ends where playing ends", async () => {
  const { player } = await realPlayer("pbft");
  const whole = player.stateAt(player.end).data.slice();
  player.stateAt(0);
  for (let t = 0; t <= player.end; t += 10_000) player.stateAt(t);
  assert.deepEqual(player.stateAt(player.end).data, whole);
  assert.deepEqual(player.frames.newest.data, whole);
});

test("an epoch changes who votes, and how many make a quorum", async () => {
  const { trace, player } = await realPlayer("joins");
  const turned = trace.find((record) => record.kind === "epoch");
  assert.ok(turned);
  const before = player.stateAt(turned.t_us - 1);
  assert.deepEqual([before.validators, before.quorum, before.epoch], [4, 3, 0]);
  const after = player.stateAt(player.end);
  assert.deepEqual([after.validators, after.quorum, after.epoch], [5, 4, 1]);
  assert.equal(after.member(player.nodeOf("newcomer")).votes, true);
});

test("a height gathers its quorum phase by phase", () => {
  const player = playerOf([
    { t_us: 1, node: "a", kind: "proposed", height: 1, view: 0, transactions: 9 },
    { t_us: 2, node: "b", kind: "prepared", height: 1, view: 0 },
    { t_us: 3, node: "a", kind: "prepared", height: 1, view: 0 },
    { t_us: 4, node: "b", kind: "committed", height: 1, view: 0 },
    { t_us: 4, node: "b", kind: "executed", height: 1, transactions: 9, ok: 8, refused: 1 },
  ], NAMES);
  const height = player.stateAt(3).height(1);
  assert.ok(height);
  assert.deepEqual([height.count(PREPARED), height.count(COMMITTED), height.proposer, height.transactions], [2, 0, 1, 9]);
  const later = player.stateAt(4).height(1);
  assert.deepEqual([later?.count(PREPARED), later?.count(EXECUTED), later?.phase(2)], [2, 1, EXECUTED]);
  assert.deepEqual([player.stateAt(4).transactions, player.stateAt(4).refused], [9, 1]);
});

test("what was prepared in a view that is over is prepared again", () => {
  const player = playerOf([
    { t_us: 1, node: "a", kind: "proposed", height: 1, view: 0 },
    { t_us: 2, node: "b", kind: "prepared", height: 1, view: 0 },
    { t_us: 3, node: "c", kind: "view_change", view: 1, why: "no progress" },
    { t_us: 5, node: "b", kind: "new_view", view: 1, leader: "b" },
    { t_us: 6, node: "b", kind: "proposed", height: 1, view: 1 },
  ], NAMES);
  assert.equal(player.stateAt(4).member(3).asks, 1);
  assert.equal(player.stateAt(5).leader, 2);
  assert.deepEqual([player.stateAt(5).height(1)?.count(PREPARED), player.stateAt(6).height(1)?.count(PREPARED)], [1, 0]);
});

test("pauses, partitions and deaths by themselves are seen, and their ends", () => {
  const fault = (/** @type {number} */ t_us, /** @type {string} */ act, target = "") => ({ t_us, node: "", kind: "fault", act, target });
  const player = playerOf([
    { t_us: 0, node: "a", kind: "booted" }, fault(1, "pause", "a"), fault(2, "resume", "a"), fault(3, "partition"), fault(4, "heal"),
    { t_us: 5, node: "a", kind: "exited", code: 1, why: "its disk is full" },
  ], NAMES);
  assert.equal(player.stateAt(1).member(1).condition, PAUSED);
  assert.equal(player.stateAt(2).member(1).condition, UP);
  assert.deepEqual([player.stateAt(3).parted, player.stateAt(4).parted], [true, false]);
  assert.equal(player.stateAt(5).member(1).condition, DOWN);
});
