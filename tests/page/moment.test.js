// What is brought into view, of when an answer is said to be, and the picture of a moment.
import assert from "node:assert/strict";
import { test } from "node:test";
import { realPlayer } from "./kit.js";
import { aboutOf, serve, shown } from "./stage.js";

const { html } = await import("../../nodes/page/static/view.js");
const { Store, freshState } = await import("../../nodes/page/static/store.js");
const { panel: story } = await import("../../nodes/page/static/panels/story.js");
const { panel: funds } = await import("../../nodes/page/static/panels/funds.js");
const { runName } = await import("../../nodes/page/static/panels/compare.js");
const { Tour } = await import("../../nodes/page/static/panels/tour.js");
const { STOPS } = await import("../../nodes/page/static/panels/tour_steps.js");
const { Linked } = await import("../../nodes/page/static/panels/parts.js");
const { shownMoment } = await import("../../nodes/page/static/panels/share.js");
const { fitted, momentSvg } = await import("../../nodes/page/static/panels/moment_svg.js");
const { settle } = await import("./dom.js");

test("each stop of the tour brings what it speaks of into view, and what is behind the player stays reachable", async () => {
  serve({});
  /** @type {string[]} */
  const seen = [];
  const was = document.querySelector;
  Object.assign(document, { querySelector: (/** @type {string} */ selector) => ({ scrollIntoView: (/** @type {any} */ how) => seen.push(`${selector} ${how.behavior}`) }) });
  const { place, end } = await shown(Tour, { state: { tour: 0 } });
  for (const stop of STOPS) {
    assert.equal(seen.at(-1), `${stop.shows === "ring" ? ".ring" : "#panels"} auto`, stop.id);
    assert.equal(document.documentElement.dataset.tour, stop.shows);
    (place.buttons("Next")[0] ?? place.buttons("End the tour")[0])?.fire("click");
    await settle();
  }
  assert.equal(document.documentElement.dataset.tour, undefined);
  end();
  Object.assign(document, { querySelector: was });
});

test("a story says what is of the run's end and what of this moment, and its entries in words", async () => {
  const entry = (/** @type {number} */ height, /** @type {string} */ kind, /** @type {string} */ said) => ({
    height, index: 0, time_us: 1, member: "hospital-1", operation: "settlement.claim", code: "ok", events: [{ kind, fields: {} }], said,
  });
  const steps = [entry(3, "bill-issued", "bill b1 was issued"), entry(15, "settled", "bill b1 was settled")];
  serve({ "page/story": { kind: "bill", id: "b1", heading: "bill b1", height: 3759, sections: [], notes: [], content: { steps } } });
  const { place, end } = await shown(story.Panel, { state: { t: 2e6, selection: { kind: "bill", id: "b1" } } });
  assert.match(place.textContent, /as of the end of the run \(block 3,759\)at this moment: issued/);
  assert.match(place.textContent, /entry 1 of 2 in the ledger, block 3, by hospital-1: bill b1 was issued/);
  assert.doesNotMatch(place.textContent, /settlement\.claim|\d of \d stages/);
  end();
});

test("money says of when it is", async () => {
  serve({ "page/funds": { heading: "one yuan's way", height: 21, accounts: [], flows: [], moves: [], notes: [] } });
  const { place, end } = await shown(funds.Panel, { state: { t: 1.5e6 } });
  assert.match(place.textContent, /as of the end of the run \(block 21\)at this moment: block 5/);
  end();
});

test("two runs of one scenario are told apart", () => {
  const names = [{ folder: "monday", seed: 7 }, { folder: "tuesday", seed: 8 }].map((each) => runName({ ...aboutOf(), ...each }));
  assert.deepEqual(names, ["monday: claim_day, seed 7 (n = 7, pbft)", "tuesday: claim_day, seed 8 (n = 7, pbft)"]);
});

test("no line begins with what closes a word", async () => {
  const Told = (/** @type {any} */ props) => html`<p><${Linked} store=${props.store} text="bill b-17; sold (b-17)." links=${[{ kind: "bill", id: "b-17" }]} /></p>`;
  const { place, end } = await shown(Told);
  const glued = place.all((each) => each.given.class === "glued").map((each) => each.textContent);
  assert.deepEqual([glued, place.textContent], [["b-17;", "b-17)."], "bill b-17; sold (b-17)."]);
  end();
});

test("a picture of a moment shows what the ring does: votes on their way, the quorum, who leads, who is down", async () => {
  const { player, about, trace } = await realPlayer("pbft");
  const store = new Store(freshState(about));
  const height = player.heights.span(5);
  assert.ok(height);
  player.seek((height.from + height.to) / 2);
  const moment = shownMoment(store, player);
  const svg = momentSvg(moment);
  assert.ok(moment.flights.length > 3);
  for (const { flight } of moment.flights) assert.ok(svg.includes(`>${flight.letter}</text>`));
  assert.ok((svg.match(/A\d/g) ?? []).length === 2 * about.members.length, "an arc for each member in both circles");
  assert.ok(svg.includes("needed") || svg.includes("committed"));
  assert.equal(moment.members.filter((each) => each.is_leader).length, 1);
  const killed = trace.find((record) => record.kind === "fault" && record.act === "kill");
  assert.ok(killed);
  player.seek(killed.t_us + 1);
  const fallen = shownMoment(store, player);
  assert.deepEqual(fallen.members.filter((each) => each.condition === "down").map((each) => each.name), [killed.target]);
  assert.ok(momentSvg(fallen).includes('stroke="#c2262e" stroke-width="2.5"'), "a cross");
  const changes = trace.find((record) => record.kind === "new_view");
  player.seek((changes?.t_us ?? 0) - 1);
  assert.ok(shownMoment(store, player).dial.outer.includes("say-X"), "who asks for a new view");
});

test("text of a picture fits", () => {
  assert.equal(fitted("hospital-1", 200, 14), "hospital-1");
  const cut = fitted("x".repeat(300), 200, 14);
  assert.ok(cut.endsWith("…") && cut.length * 0.58 * 14 <= 210);
  assert.ok(fitted("议".repeat(40), 140, 14).length <= 10);
});
