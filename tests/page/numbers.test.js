import assert from "node:assert/strict";
import { test } from "node:test";
import { clockTime, count, duration, fenOf, yuan } from "../../nodes/page/static/panels/numbers.js";

test("amounts are told to the fen", () => {
  assert.deepEqual([4556000, -123405, 5, 0, 100000000].map(yuan), [
    "45,560.00",
    "-1,234.05",
    "0.05",
    "0.00",
    "1,000,000.00",
  ]);
});

test("an amount that a person typed is fen, or nothing", () => {
  assert.deepEqual(["45,560.00", "45560", "0.5", " 3.07 "].map(fenOf), [4556000, 4556000, 50, 307]);
  assert.deepEqual(["", "1.234", "-1", "1e3", "１", "Infinity"].map(fenOf), [null, null, null, null, null, null]);
});

test("durations keep the digits that matter", () => {
  assert.deepEqual([250, 3200, 170000, 17129425, 120e6].map(duration), [
    "250 µs",
    "3.2 ms",
    "170 ms",
    "17.129 s",
    "120.0 s",
  ]);
});

test("times of day are those of the chain's calendar", () => {
  assert.equal(clockTime(1796042778286772, 480), "20:46:18");
  assert.equal(clockTime(0, -60), "23:00:00");
});

test("counts have their thousands apart", () => {
  assert.deepEqual([0, 999, 1000, 1234567].map(count), ["0", "999", "1,000", "1,234,567"]);
});
