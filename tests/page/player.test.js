// The player's clock and steps.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Clock } from "../../nodes/page/static/player/clock.js";
import { Store } from "../../nodes/page/static/store.js";
import { clockTime, count, span } from "../../nodes/page/static/format.js";
import { languageOf, speak, t } from "../../nodes/page/static/words.js";
import { realPlayer } from "./kit.js";

test("the clock plays at its speed, stops at the end, and begins again", () => {
  const clock = new Clock();
  clock.end = 100_000;
  clock.play();
  clock.speed = 0.5;
  assert.equal(clock.tick(100), true);
  assert.equal(clock.t, 50_000);
  clock.tick(1000);
  assert.deepEqual([clock.t, clock.playing], [100_000, false]);
  clock.play();
  assert.deepEqual([clock.t, clock.playing], [0, true]);
});

test("live it stays a little behind what is newest, and never goes back", () => {
  const clock = new Clock();
  clock.follow();
  let before = 0;
  for (let frame = 0; frame < 600; frame += 1) {
    if (frame % 6 === 0) clock.end = 5_000_000 + frame * 16_667;
    clock.tick(16.667);
    assert.ok(clock.t >= before && clock.t <= clock.end);
    before = clock.t;
  }
  const behind = clock.end - clock.t;
  assert.ok(behind > 50_000 && behind < 500_000, `${behind} µs behind`);
});

test("steps go to the next record and back, and from height to height", async () => {
  const { trace, player } = await realPlayer("pbft");
  const times = [...new Set(trace.map((record) => record.t_us))];
  player.seek(times[40]);
  player.step(1);
  assert.equal(player.now(), times[41]);
  player.step(-1);
  assert.equal(player.now(), times[40]);
  for (const height of [1, 10, 30]) {
    const first = trace.find((record) => record.kind === "executed" && record.height === height)?.t_us;
    assert.equal(player.timeOfHeight(height), first);
    player.seek(first ?? 0);
    player.stepHeight(1);
    assert.equal(player.heightAt(player.now()), height + 1);
    player.stepHeight(-1);
    assert.equal(player.now(), first);
  }
  assert.equal(player.timeOfHeight(1_000_000), null);
});

test("the store tells of changes alone", () => {
  const store = new Store(/** @type {any} */ ({ t: 1, tab: "" }));
  let told = 0;
  const end = store.on(() => void (told += 1));
  store.set({ t: 1 });
  store.set({ t: 2, tab: "" });
  end();
  store.set({ t: 3 });
  assert.deepEqual([told, store.get().t], [1, 3]);
});

test("sentences have values, and Chinese where there is some", () => {
  assert.equal(t("New leader {name} in view {view}", { name: "b", view: 1 }), "New leader b in view 1");
  speak({ "New leader {name} in view {view}": "视图 {view} 的新主节点：{name}" });
  assert.equal(t("New leader {name} in view {view}", { name: "b{view}", view: 1 }), "视图 1 的新主节点：b{view}");
  speak({});
  assert.deepEqual([languageOf(["de", "zh-CN"]), languageOf(["fr"]), languageOf(["en-GB", "zh"])], ["zh", "en", "en"]);
});

test("times and counts are words", () => {
  assert.deepEqual([clockTime(17_025_272, 3), clockTime(3_723_000_000, 0), clockTime(59_990_000)], ["0:17.025", "1:02:03", "0:59.9"]);
  assert.deepEqual([span(4800), span(451_000), span(2_010_000), span(12)], ["4.8 ms", "451 ms", "2.0 s", "12 µs"]);
  assert.deepEqual([count(1234567), count(12)], ["1,234,567", "12"]);
});
