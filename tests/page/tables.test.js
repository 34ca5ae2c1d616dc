// What is read out of the records once: times of heights, messages in flight, rates and latencies, what happened.
import assert from "node:assert/strict";
import { test } from "node:test";
import { flightsOf, flightsOfChange, underWay } from "../../nodes/page/static/player/flights.js";
import { Heights } from "../../nodes/page/static/player/heights.js";
import { KIND } from "../../nodes/page/static/player/kinds.js";
import { Series } from "../../nodes/page/static/player/series.js";
import { Stage } from "../../nodes/page/static/player/stage.js";
import { COMMITTED, EXECUTED, PREPARED } from "../../nodes/page/static/player/state.js";
import { realPlayer } from "./kit.js";

test("the table of heights says when each member reached which phase, as the trace does", async () => {
  const { trace, player } = await realPlayer("pbft");
  const { heights } = player;
  const phases = { prepared: PREPARED, committed: COMMITTED, executed: EXECUTED };
  const last = new Map(trace.filter((record) => record.kind in phases && record.height).map((record) => [`${record.kind} ${record.height} ${record.node}`, record]));
  assert.ok(last.size > 100);
  for (const record of last.values()) {
    const phase = Reflect.get(phases, record.kind);
    assert.equal(heights.time(record.height ?? 0, player.nodeOf(record.node), phase), record.t_us);
  }
});

for (const name of ["pbft", "hotstuff"]) {
  test(`${name}: no message leaves before its sender knew, or comes after its receiver noted`, async () => {
    const { player, about } = await realPlayer(name);
    const { heights } = player;
    let letters = "";
    for (let height = 1; height <= heights.last; height += 1) {
      for (const flight of flightsOf(heights, height, about.protocol)) {
        assert.ok(flight.start < flight.end && flight.from !== flight.to);
        if (!letters.includes(flight.letter)) letters += flight.letter;
        const [phase, by] = { P: [PREPARED, flight.to], V: [PREPARED, flight.to], C: [COMMITTED, flight.to], Q: [PREPARED, flight.to], S: [0, 0], X: [0, 0], N: [0, 0] }[flight.letter];
        assert.ok(flight.end <= heights.time(height, by, phase), `${flight.letter} of ${height}`);
        assert.ok(flight.start >= heights.proposedAt(height) || heights.proposedAt(height) === 0);
      }
    }
    assert.deepEqual([...letters].sort().join(""), name === "pbft" ? "CPV" : "PQV");
  });
}

test("a view change is found between the moments that it lies between, and has its messages", async () => {
  const { trace, player } = await realPlayer("pbft");
  const entered = trace.find((record) => record.kind === "new_view");
  assert.ok(entered);
  assert.equal(player.events.changeBetween(0, entered.t_us - 1), null);
  const change = player.events.changeBetween(entered.t_us - 1, entered.t_us);
  assert.ok(change);
  assert.deepEqual([change.view, change.leader], [entered.view, player.nodeOf(entered.leader)]);
  const flights = flightsOfChange(change, player.heights.members);
  assert.ok(flights.some((flight) => flight.letter === "X") && flights.some((flight) => flight.letter === "N" && flight.from === change.leader));
  assert.equal(player.events.changeBetween(entered.t_us, player.end), null);
  const kinds = player.events.list.map((event) => event.kind);
  assert.deepEqual([...new Set(kinds)].sort(), ["fault", "repair", "view"]);
});

test("too many messages are thinned, and it is said how much", () => {
  const flights = Array.from({ length: 1000 }, (_, at) => ({ letter: /** @type {const} */ ("V"), from: 1, to: 2, start: 0, end: at < 900 ? 10 : 3 }));
  const found = underWay(flights, 5, 240);
  assert.deepEqual([found.of, found.flights.length], [4, 225]);
});

test("series: the sum of all blocks, and quantiles near the true ones, however long it goes on", () => {
  const series = new Series();
  let all = 0;
  for (let at = 0; at < 200_000; at += 1) {
    series.addBlock(at * 1000, at % 3, 0);
    series.addWait(at * 1000, 1000 + (at % 100) * 1000, 1);
    all += at % 3;
  }
  const whole = series.figures(200_000_000, 200_000_000);
  assert.equal(whole.transactions, all);
  assert.ok(Math.abs(whole.p50 - 50_000) < 4000 && Math.abs(whole.p99 - 99_000) < 8000, JSON.stringify(whole));
  assert.ok(Math.abs(series.figures(100_000_000, 1_000_000).rate - 1000) < 20);
  const course = series.course(100);
  assert.ok(course.t.length <= 100 && Math.abs(course.rate[20] - 1000) < 20);
});

test("series live: ten minutes are kept, at the same fineness after a day", () => {
  const series = new Series(true);
  const day = 86_400_000_000;
  for (let t = day; t < 2 * day; t += 250_000) series.addBlock(t, 75, 0);
  assert.ok(series.length <= 1024 && series.width === 500_000 && series.origin > 2 * day - 600_000_000);
  assert.ok(Math.abs(series.figures(2 * day, 5_000_000).rate - 300) < 20);
});

test("heights live: the newest are kept, and memory with them", () => {
  const heights = new Heights(4, 20_000);
  for (let height = 5_000_000; height < 5_100_000; height += 1) {
    heights.add(height, 1, KIND.proposed, height, 0, { transactions: 1 });
    heights.add(height + 1, 2, KIND.prepared, height, 0, {});
  }
  assert.ok(heights.data.length < 1_000_000);
  assert.ok(heights.last - heights.first >= 14_000);
  assert.equal(heights.time(5_099_999, 2, PREPARED), 5_100_000);
  assert.equal(heights.time(heights.first, 2, PREPARED), heights.first + 1);
  assert.equal(heights.time(heights.first - 1, 2, PREPARED), 0);
  assert.equal(heights.transactions(5_099_000), 1);
});

test("the stage shows what is under way where that can be seen, else one height slower than the clock", async () => {
  const { player } = await realPlayer("pbft");
  const stage = new Stage(player);
  const span = player.heights.span(5);
  assert.ok(span);
  player.seek((span.from + span.to) / 2);
  const paused = stage.look(0);
  assert.ok(!paused.isSlowed && paused.scenes.some((scene) => scene.height === 5));
  player.play();
  stage.look(0);
  player.tick(500);
  const slowed = stage.look(2000);
  assert.ok(slowed.isSlowed && slowed.scenes.length === 1 && slowed.slower > 10);
  const later = stage.look(2500);
  assert.equal(later.scenes[0].height, slowed.scenes[0].height);
  assert.ok(later.scenes[0].t > slowed.scenes[0].t);
});

test("where nothing new happens, the last height stays as it ended", async () => {
  const { player } = await realPlayer("pbft");
  const stage = new Stage(player);
  player.seek(player.end - 1);
  player.play();
  const first = stage.look(0).scenes[0];
  const ended = stage.look(60_000).scenes[0];
  const still = stage.look(120_000).scenes[0];
  assert.ok(first.height === player.heights.last && ended.height === first.height && still.height === first.height);
  assert.equal(still.t, ended.t);
  assert.equal(player.heights.countAt(still.height, EXECUTED, still.t), 4);
});

test("who asks for less motion is shown how a height ended, and nothing that moves", async () => {
  const { player } = await realPlayer("pbft");
  const stage = new Stage(player);
  stage.isStill = true;
  player.seek(player.end / 2);
  player.play();
  const [scene] = stage.look(0).scenes;
  assert.equal(player.heights.countAt(scene.height, COMMITTED, scene.t), player.heights.countAt(scene.height, COMMITTED, player.heights.span(scene.height)?.to ?? 0));
  assert.deepEqual(scene.flights, []);
});

test("the stage shows a view change before all else", async () => {
  const { trace, player } = await realPlayer("pbft");
  const entered = trace.find((record) => record.kind === "new_view");
  const stage = new Stage(player);
  player.seek((entered?.t_us ?? 0) - 100_000);
  player.play();
  stage.look(0);
  player.tick(200);
  const shown = stage.look(200);
  assert.equal(shown.scenes[0].change?.view, entered?.view);
  assert.ok(shown.scenes[0].flights.length > 0);
});
