import assert from "node:assert/strict";
import { test } from "node:test";
import { countsOf, layout, letterOf, spanOf, ticksOf } from "../../nodes/page/static/panels/sequence_layout.js";

const diagram = {
  height: 7,
  exact: true,
  said: "every delivery",
  members: ["bureau", "hospital-1", "regulator"],
  messages: [
    { kind: "PrePrepare", from: "bureau", to: "hospital-1", sent_us: 1000, got_us: 1400 },
    { kind: "PrePrepare", from: "bureau", to: "regulator", sent_us: 1000, got_us: null },
    { kind: "Prepare", from: "stranger", to: "regulator", sent_us: 1000, got_us: 1500 },
  ],
  notes: [{ member: "hospital-1", t_us: 2000, kind: "executed" }],
};

test("an arrow leads from its sender's lane to its receiver's, to the right", () => {
  const drawn = layout(diagram, 800);
  assert.equal(drawn.arrows.length, 2, "who is no member has no lane");
  const [heard] = drawn.arrows;
  assert.ok(heard && heard.x1 < heard.x2 && heard.y1 < heard.y2);
  assert.equal(heard?.y2, drawn.lanes[1]?.y);
});

test("what was not heard ends short of its receiver", () => {
  const lost = layout(diagram, 800).arrows[1];
  assert.ok(lost?.lost && lost.y2 < (layout(diagram, 800).lanes[2]?.y ?? 0));
});

test("everything stands within the drawing, at any width", () => {
  for (const width of [390, 800, 2560]) {
    const drawn = layout(diagram, width);
    const places = [...drawn.arrows.flatMap((each) => [each.x1, each.x2]), ...drawn.marks.map((each) => each.x)];
    assert.ok(places.every((x) => x >= 0 && x <= drawn.width), String(width));
  }
});

test("an empty diagram has a span", () => {
  assert.deepEqual(spanOf({ ...diagram, messages: [], notes: [] }), { begin_us: 0, end_us: 1 });
});

test("ticks are round steps, six at most and one more", () => {
  for (const all of [7, 1234, 98_000, 5_000_000]) {
    const ticks = ticksOf({ begin_us: 10, end_us: 10 + all });
    assert.ok(ticks.length >= 2 && ticks.length <= 7, `${all}: ${ticks.length}`);
  }
});

test("messages have letters, however their names are written", () => {
  assert.deepEqual(["PRE-PREPARE", "PrePrepare", "pre_prepare", "Commit", "Zeal"].map(letterOf), [
    "P",
    "P",
    "P",
    "C",
    "z",
  ]);
  assert.deepEqual(countsOf(diagram.messages), [
    ["PrePrepare", 2],
    ["Prepare", 1],
  ]);
});
