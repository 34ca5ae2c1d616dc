import assert from "node:assert/strict";
import { test } from "node:test";
import {
  curveOf,
  momentOfSecond,
  placeOf,
  standing,
  trackOf,
} from "../../nodes/page/static/panels/compare_clock.js";

const fast = trackOf(
  [
    { t_us: 0, height: 0, transactions: 261 },
    { t_us: 1e6, height: 1, transactions: 10 },
    { t_us: 1.1e6, height: 1, transactions: 10 },
    { t_us: 1.5e6, height: 2, transactions: 20 },
    { t_us: 3e6, height: 3, transactions: 5 },
  ],
  4e6,
);
const slow = trackOf(
  [
    { t_us: 2e6, height: 1, transactions: 10 },
    { t_us: 6e6, height: 2, transactions: 20 },
  ],
  7e6,
);

test("a track counts each height once, and genesis not at all", () => {
  assert.deepEqual(fast.heights, [0, 1, 2, 3]);
  assert.deepEqual(fast.transactions, [0, 10, 30, 35]);
});

test("a run stands where its last block was executed", () => {
  assert.deepEqual(standing(fast, 1.6e6), { height: 2, executed: 30, per_s: 30, is_over: false });
  assert.deepEqual(standing(slow, 0), { height: -1, executed: 0, per_s: 0, is_over: false });
  assert.deepEqual(standing(fast, 5e6), { height: 3, executed: 35, per_s: 0, is_over: true });
});

test("by elapsed time both stand as long after their begin", () => {
  assert.equal(momentOfSecond(fast, slow, 1.2e6, "elapsed"), 1.2e6);
  assert.equal(momentOfSecond(slow, fast, 6e6, "elapsed"), 4e6);
});

test("by height the second stands where it has as many blocks, or at its end", () => {
  assert.equal(momentOfSecond(fast, slow, 1.2e6, "height"), 2e6);
  assert.equal(momentOfSecond(fast, slow, 1.5e6, "height"), 6e6);
  assert.equal(momentOfSecond(fast, slow, 3.5e6, "height"), 7e6);
  assert.equal(momentOfSecond(slow, fast, 1e6, "height"), 0);
});

test("places are found among what rises", () => {
  assert.deepEqual(
    [0, 1, 2, 5, 9].map((value) => placeOf([1, 2, 5], value)),
    [-1, 0, 1, 2, 2],
  );
});

test("a curve begins at nothing and ends at the end of its run", () => {
  const points = curveOf(slow, { end_us: 7e6, most: 35, width: 100, height: 50 }).split(" ");
  assert.equal(points[0], "0,50");
  assert.equal(points.at(-1), "100.0,7.1");
});
