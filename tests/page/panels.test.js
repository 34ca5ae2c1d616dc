// What panels do with what they are told, and what is asked in return.
import assert from "node:assert/strict";
import { test } from "node:test";
import { settle } from "./dom.js";
import { Refusal, aboutOf, playerOf, serve, shown } from "./stage.js";

const { panel: chaos } = await import("../../nodes/page/static/panels/chaos.js");
const { panel: attempt, isFit } = await import("../../nodes/page/static/panels/try.js");
const { panel: eyes } = await import("../../nodes/page/static/panels/eyes.js");
const { panel: story } = await import("../../nodes/page/static/panels/story.js");
const { panel: blocks } = await import("../../nodes/page/static/panels/blocks.js");
const { panel: findings } = await import("../../nodes/page/static/panels/findings.js");
const { linksIn } = await import("../../nodes/page/static/panels/finding_records.js");
const { notedDiagram, notesOf } = await import("../../nodes/page/static/panels/sequence_notes.js");
const { reachedAt, stagesOf } = await import("../../nodes/page/static/panels/life.js");
const { columnsOf, layoutFunds } = await import("../../nodes/page/static/panels/funds_layout.js");
const { Tour, findPlace } = await import("../../nodes/page/static/panels/tour.js");
const { STOPS, placedStops, valuesOf } = await import("../../nodes/page/static/panels/tour_steps.js");
const { whyNoAnimation } = await import("../../nodes/page/static/panels/saving.js");

/** @type {Record<string, string>} */
const EVENTS = { "bill.issue": "bill-issued", "bill.deliver": "bill-delivered", "settlement.claim": "settled" };
/** @param {number} height @param {string} operation @param {string} [code] */
const step = (height, operation, code = "ok") => ({
  events: code === "ok" ? [{ kind: EVENTS[operation] ?? "", fields: {} }] : [], height, index: 0, time_us: 1796042778286772, member: "hospital-1", operation, code, sentence: code === "ok" ? "" : "it was sold before",
});

test("nothing is harmed before somebody says yes", async () => {
  const asked = serve({ "page/act": { said: "bureau is killed" } });
  const { place } = await shown(chaos.Panel);
  assert.equal(place.buttons("kill")[0]?.given.disabled, "true", "nobody is chosen yet");
  place.all((each) => each.given.value === "bureau")[0]?.fire("change");
  await settle();
  place.buttons("kill")[0]?.fire("click");
  await settle();
  const dialog = place.all((each) => each.localName === "dialog")[0];
  assert.match(String(dialog?.textContent), /Kill bureau\?/);
  place.buttons("No")[0]?.fire("click");
  await settle();
  assert.deepEqual(asked, []);
  place.buttons("kill")[0]?.fire("click");
  await settle();
  place.buttons("Yes: kill")[0]?.fire("click");
  await settle();
  assert.deepEqual(asked, [{ path: "page/act", body: { act: "kill", targets: ["bureau"] } }]);
  assert.match(place.textContent, /bureau is killed/);
});

test("what is refused to be harmed is said", async () => {
  serve({ "page/act": new Refusal(409, "nothing stands still here") });
  const { place } = await shown(chaos.Panel);
  place.buttons("heal")[0]?.fire("click");
  await settle();
  place.buttons("Yes: heal")[0]?.fire("click");
  await settle();
  assert.match(place.textContent, /nothing stands still here/);
});

test("a claim is handed in and followed until it is paid", async () => {
  let height = 0;
  const asked = serve({
    "page/forms": { members: ["hospital-1"], claim: [{ name: "amount", label: "Amount", value: "900.00", kind: "amount" }], dispense: [] },
    "page/submit": { transaction: "ab".repeat(32), bill: "b1", member: "hospital-1" },
    "page/story/transaction": { content: { code: "ok" } },
    "page/story/bill": { heading: "bill b1", content: { steps: [step(5, "bill.issue")], record: { settlement: "p/2026/1" } } },
    "page/story/claim": () => ({ heading: `claim at ${(height += 1)}`, content: { steps: [step(5, "bill.issue"), step(6, "settlement.claim")], money: { payable: step(6, "settlement.claim"), paid: step(9, "institution.disburse") } } }),
  });
  const { place, end } = await shown(attempt.Panel);
  place.all((each) => each.localName === "form")[0]?.fire("submit");
  await settle(20);
  assert.deepEqual(asked.find((each) => each.path === "page/submit")?.body, { kind: "claim", member: "", fields: { amount: "900.00" } });
  const reached = place.all((each) => each.given.class === "is-reached").map((each) => each.textContent.trim());
  assert.deepEqual(reached.map((each) => each.replace(/\s+/g, " ")), ["issuedblock 5", "settledblock 6", "payableblock 6", "paidblock 9"]);
  end();
});

test("a pack that was sold before is told as refused", async () => {
  serve({
    "page/forms": { members: [], claim: [], dispense: [{ name: "code", label: "Trace code", value: "37465580846144460000", kind: "text" }] },
    "page/submit": { transaction: "cd".repeat(32), code: "37465580846144460000", member: "pharmacy-1" },
    "page/story/transaction": { content: { code: "trace-code-sold", sentence: "it was sold before" } },
  });
  const { place, end } = await shown(attempt.Panel);
  place.all((each) => each.localName === "form")[0]?.fire("submit");
  await settle(20);
  assert.match(place.textContent, /refused: it was sold before/);
  end();
});

test("a pack that is sold for cash is told as sold, once its transaction is executed", async () => {
  const asked = serve({
    "page/forms": { members: [], claim: [], dispense: [{ name: "code", label: "Trace code", value: "26385406800751120029", kind: "text" }] },
    "page/submit": { transaction: "ef".repeat(32), code: "ok", member: "pharmacy-1" },
    "page/story/transaction": { content: { code: "ok" } },
  });
  const { place, store, end } = await shown(attempt.Panel);
  place.all((each) => each.localName === "form")[0]?.fire("submit");
  await settle(20);
  assert.match(place.textContent, /It is sold\./);
  assert.ok(!asked.some((each) => each.path.startsWith("page/story/code")), "who sold it may not ask for it any more");
  place.buttons("open its story")[0]?.fire("click");
  assert.deepEqual(store.get().selection, { kind: "code", id: "26385406800751120029" });
  end();
});

test("a form sends nothing that is no amount or day", () => {
  const field = (/** @type {any} */ kind) => ({ name: "x", label: "", value: "", kind });
  assert.deepEqual([isFit(field("amount"), "1,000.50"), isFit(field("amount"), "much"), isFit(field("day"), "2026-05-01"), isFit(field("day"), "May"), isFit(field("text"), " ")], [true, false, true, false, false]);
});

test("with everybody's eyes each answer stands beside its member, refusals too", async () => {
  serve({
    "page/story": (/** @type {string} */ path) => (path.includes("eyes=supplier") ? new Refusal(403, "a supplier may not ask get of settlement") : { heading: "claim c1" }),
  });
  const { place } = await shown(eyes.Panel, { state: { selection: { kind: "claim", id: "c1" } } });
  place.buttons("Ask with everybody's eyes")[0]?.fire("click");
  await settle(20);
  const looks = place.all((each) => String(each.given.class).startsWith("look ")).map((each) => each.textContent.replace(/\s+/g, " ").trim());
  assert.deepEqual(looks, ["bureau is shown it claim c1", "regulator is shown it claim c1", "supplier is refused a supplier may not ask get of settlement"]);
});

test("other eyes ask anew, and a refusal is said instead of the story", async () => {
  const asked = serve({ "page/story": (/** @type {string} */ path) => (path.includes("eyes=supplier") ? new Refusal(403, "not yours") : { kind: "bill", id: "b1", heading: "bill b1", sections: [], notes: [], content: { steps: [] } }) });
  const { place, store } = await shown(story.Panel, { state: { selection: { kind: "bill", id: "b1" } } });
  assert.match(place.textContent, /bill b1/);
  store.set({ eyes: "supplier" });
  await settle();
  assert.match(place.textContent, /Not for these eyes: not yours/);
  assert.equal(asked.at(-1)?.path, "page/story/bill/b1?eyes=supplier&lang=en");
});

test("each stage of a life jumps the player to its block", async () => {
  serve({ "page/story": { kind: "bill", id: "b1", heading: "bill b1", sections: [], notes: [], content: { steps: [step(3, "bill.issue"), step(7, "bill.deliver")] } } });
  const { place, player } = await shown(story.Panel, { state: { selection: { kind: "bill", id: "b1" } } });
  place.buttons("block 7")[0]?.fire("click");
  assert.equal(player.heightAt(player.now()), 7);
  place.buttons("step back")[0]?.fire("click");
  await settle();
  assert.equal(player.heightAt(player.now()), 3);
});

test("blocks are those up to the moment, a refused transaction says so, and names lead to stories", async () => {
  const transaction = { id: "ab", member: "pharmacy-1", contract: "settlement", operation: "claim", code: "trace-code-sold", sentence: "", said: "b-17 was sold before", links: [{ kind: "bill", id: "b-17" }] };
  const asked = serve({ "page/blocks": [{ height: 21, time_us: 1, sealed: true, transactions: [transaction] }] });
  const { place, store } = await shown(blocks.Panel, { state: { eyes: "bureau" } });
  assert.equal(asked[0]?.path, "page/blocks?from=14&count=8&eyes=bureau&lang=en");
  assert.match(place.textContent, /refused\s*b-17\s+was sold before/);
  place.buttons("b-17")[0]?.fire("click");
  assert.deepEqual([store.get().tab, store.get().selection], ["story", { kind: "bill", id: "b-17" }]);
});

test("findings are told once their moment has come, and to supervisors alone", async () => {
  serve({});
  const before = await shown(findings.Panel, { state: { t: 4e6 } });
  assert.match(before.place.textContent, /0 of 1 findings/);
  const after = await shown(findings.Panel);
  assert.match(after.place.textContent, /1 of 1 findings[^]*a bill claimed twice/);
  after.store.set({ eyes: "supplier" });
  await settle();
  assert.match(after.place.textContent, /supplier is not told of them/);
  assert.doesNotMatch(after.place.textContent, /claimed twice/);
});

test("a finding's bill, pack and member are named as such", () => {
  const found = linksIn("bill i-48f7-c-adec; sold by hospital-1 as 37465580846144460000", ["hospital-1"]);
  assert.deepEqual(found, [{ kind: "bill", id: "i-48f7-c-adec" }, { kind: "code", id: "37465580846144460000" }, { kind: "member", id: "hospital-1" }]);
});

test("a diagram from notes has the messages that the ring draws, from lane to lane", () => {
  const player = playerOf(aboutOf());
  assert.deepEqual(notesOf(player, 3).map((each) => each.kind), ["proposed", "prepared", "committed", "executed"]);
  const diagram = notedDiagram(player, 3, "as noted");
  assert.deepEqual(diagram?.members, ["bureau", "hospital-1"]);
  assert.deepEqual(diagram?.messages.map((each) => `${each.kind} ${each.from}-${each.to} ${each.sent_us}-${each.got_us}`), ["PRE-PREPARE bureau-hospital-1 1200000-1205000"]);
  assert.equal(notedDiagram(player, 999, ""), null);
});

test("a life has the stages that were reached by a height", () => {
  const stages = stagesOf("claim", { steps: [step(3, "bill.issue"), step(5, "settlement.claim", "trace-code-sold")], money: { payable: null, paid: null } });
  assert.deepEqual(stages.map((each) => each.step?.height ?? (each.refused ? "refused" : "open")), [3, "open", "open", "open", "refused", "open", "open"]);
  assert.equal(reachedAt(stages, 2), null);
  assert.equal(reachedAt(stages, 3)?.name, "issued");
  assert.deepEqual(stagesOf("member", { steps: [] }), []);
  const unowed = stagesOf("claim", { steps: [step(3, "bill.issue"), step(5, "settlement.claim")], money: { owed_fen: 0 } });
  assert.ok(!unowed.some((stage) => stage.name === "paid"), "what owes nothing is never paid, and is not waited for");
});

test("money flows from left to right: premiums, funds, what is owed, what is paid", () => {
  const flow = (/** @type {string} */ source, /** @type {string} */ target) => ({ source, target, amount_fen: 100, count: 1 });
  const flows = [flow("premium", "fund/a"), flow("fund/a", "payable"), flow("payable", "paid"), flow("paid", "fund/a")];
  assert.deepEqual(Object.fromEntries(columnsOf(flows)), { premium: 0, "fund/a": 1, payable: 2, paid: 3 });
  const drawn = layoutFunds(flows, 600);
  assert.ok(drawn.bars.every((bar) => bar.x >= 0 && bar.x + 12 <= drawn.width && bar.y >= 0 && bar.y + bar.height <= drawn.height));
  assert.equal(drawn.ribbons.length, 4);
  assert.equal(layoutFunds([], 600).bars.length, 0);
});

test("the tour stops where the run has something to show, in order", () => {
  const player = playerOf(aboutOf());
  const placed = placedStops((place, before) => findPlace(player, place, before));
  assert.deepEqual(placed.map((each) => each.stop.id), STOPS.map((each) => each.id), "this run has it all");
  const fall = placed.find((each) => each.stop.id === "fall");
  assert.equal(fall?.t_us, 15e6);
  assert.equal(placed.find((each) => each.stop.id === "not-lost")?.t_us, 17.2e6);
  const calm = { ...aboutOf(), kinds: aboutOf().kinds.map((/** @type {string} */ kind) => (kind === "fault" ? "calm" : kind)) };
  const without = playerOf(calm);
  assert.ok(!placedStops((place, before) => findPlace(without, place, before)).some((each) => each.stop.id === "fall"));
});

test("the tour fills in this consortium's numbers", () => {
  assert.deepEqual(valuesOf({ n: 7, f: 2, quorum: 5 }, { leader: "a", new_leader: "b" }), { n: 7, f: 2, quorum: 5, shared: 3, leader: "a", new_leader: "b" });
});

test("the tour's card moves the player and opens the panel", async () => {
  serve({});
  const { place, store, player } = await shown(Tour, { state: { tour: 0 } });
  assert.match(place.textContent, /Nobody is in charge/);
  for (let turn = 0; turn < 7; turn += 1) {
    place.buttons("Next")[0]?.fire("click");
    await settle();
  }
  assert.match(place.textContent, /The leader dies[^]*bureau, which leads, is killed/);
  assert.ok(player.now() >= 15e6 && player.now() < 17.1e6);
  assert.equal(store.get().tab, "members");
  place.buttons("Leave the tour")[0]?.fire("click");
  await settle();
  assert.equal(place.textContent, "");
});

test("a stretch that is no stretch, or too long, is not recorded", () => {
  assert.equal(whyNoAnimation(1e6, 3e6, 1), "");
  assert.match(whyNoAnimation(3e6, 1e6, 1), /after the begin/);
  assert.match(whyNoAnimation(0, 3e6, 0), /more than nothing/);
  assert.match(whyNoAnimation(0, 40e6, 0.01), /4000 seconds/);
  assert.match(whyNoAnimation(Number.NaN, 1, 1), /after the begin/);
});
