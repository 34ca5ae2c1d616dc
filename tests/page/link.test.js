import assert from "node:assert/strict";
import { test } from "node:test";
import { hashOf, momentOf, secondsOf } from "../../nodes/page/static/panels/link.js";

test("a link leads back to the moment that it was made of", () => {
  const moment = {
    t: 17129425,
    speed: 0.25,
    tab: "blocks",
    eyes: "hospital-1",
    lang: "zh",
    selection: { kind: "claim", id: "s-065bb0/2020/000001" },
  };
  assert.deepEqual(momentOf(hashOf(moment)), moment);
  assert.match(hashOf(moment), /^#t=17\.129425&speed=0\.25&tab=blocks/);
});

test("the first moment and real time need few words", () => {
  assert.equal(hashOf({ t: 0, speed: 1, tab: "", eyes: "", selection: null }), "#t=0");
  assert.deepEqual(momentOf("#t=0"), { t: 0 });
});

test("a bent link opens with what can be read of it", () => {
  assert.deepEqual(momentOf("#t=soon&speed=1e9&tab=<script>&eyes=&show=claim"), {});
  assert.deepEqual(momentOf("#t=-3&speed=0&lang=zh&show=:x&t=5"), { lang: "zh" });
  assert.deepEqual(momentOf(""), {});
  assert.deepEqual(momentOf("#%E0%A4%A"), {});
});

test("what a record is called may hold anything that an address may not", () => {
  const selection = { kind: "bill", id: "a&b=c#d/é\u202e" };
  assert.deepEqual(momentOf(hashOf({ t: 1, selection })), { t: 1, selection });
});

test("seconds are exact to the microsecond", () => {
  assert.equal(secondsOf(1), "0.000001");
  assert.equal(secondsOf(3000000), "3");
  assert.equal(secondsOf(45863297), "45.863297");
  assert.equal(secondsOf(10000000), "10");
});
