// A live page whose consortium or server goes away, and comes back: each of it is shown, and none of it forgotten.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Element, settle } from "./dom.js";
import { aboutOf, playerOf, serve, shown } from "./stage.js";

const { html, render } = await import("../../nodes/page/static/view.js");
const { Store, freshState } = await import("../../nodes/page/static/store.js");
const { Player } = await import("../../nodes/page/static/player/player.js");
const { DOWN, PAUSED, UP } = await import("../../nodes/page/static/player/state.js");
const { follow } = await import("../../nodes/page/static/player/live.js");
const { Header } = await import("../../nodes/page/static/views/header.js");
const { Timeline } = await import("../../nodes/page/static/views/timeline.js");
const { Figures } = await import("../../nodes/page/static/views/ring.js");
const { layOut, paintRing } = await import("../../nodes/page/static/views/ring_paint.js");
const { Spoken } = await import("../../nodes/page/static/app.js");
const { keepAddress } = await import("../../nodes/page/static/panels/share.js");
const { Follow } = await import("../../nodes/page/static/panels/follow.js");
const attempt = await import("../../nodes/page/static/panels/try.js");

const NAMES = ["a", "b", "c", "d", "e", "f", "g"];
const KINDS = ["booted", "executed", "included", "fault"];
const LACKS = "4 of 7 up, 5 needed: nothing can be decided now";

/** Streams that the test fills, the newest last. @type {Stream[]} */
const streams = [];
class Stream {
  /** @param {string} url */
  constructor(url) {
    this.url = url;
    this.readyState = 1;
    /** @type {Map<string, (event: any) => void>} */
    this.listeners = new Map();
    streams.push(this);
  }
  /** @param {string} name @param {(event: any) => void} listener */
  addEventListener(name, listener) { this.listeners.set(name, listener); }
  /** @param {string} name @param {any} data @param {string} [lastEventId] */
  say(name, data, lastEventId = "") { this.listeners.get(name)?.({ data: JSON.stringify(data), lastEventId }); }
  /** @param {number} readyState */
  fail(readyState) {
    this.readyState = readyState;
    this.listeners.get("error")?.({});
  }
  close() {}
}

/** @param {number} t_us @param {string[]} gone @param {boolean} [is_up] */
const statusOf = (t_us, gone, is_up = true) => ({ t_us, is_up, members: NAMES.map((name) => ({ name, state: gone.includes(name) ? "exited" : "running" })) });

async function opened() {
  Object.assign(globalThis, { EventSource: Stream, fetch: async () => new Response(null, { status: 200 }) });
  /** @type {any} */
  const about = {
    ...aboutOf(), source: "live", end_us: null, kinds: KINDS, cursor: "a:1",
    members: NAMES.map((name) => ({ name, role: "hospital", validator: true })),
  };
  const player = new Player(about, 10_000);
  const store = new Store(freshState(about));
  player.onChange(() => store.set({ t: player.now(), end: player.end, following: player.following }));
  const end = await follow(store, player);
  const stream = streams[streams.length - 1];
  stream.say("kinds", KINDS);
  stream.say("records", NAMES.map((_, at) => [1e6, at + 1, 0, -1, -1, null]), "a:2");
  /** Real time goes by. @param {number} seconds */
  const wait = (seconds) => {
    for (let tenth = 0; tenth < seconds * 10; tenth += 1) player.tick(100);
    store.set({ t: player.now(), end: player.end });
  };
  return { player, store, stream, wait, end };
}

/** @param {any} view @param {any} props */
async function put(view, props) {
  const place = new Element("div", null);
  render(html`<${view} ...${props} />`, /** @type {any} */ (place));
  await settle();
  return { place, gone: () => render(null, /** @type {any} */ (place)) };
}

test("a line that breaks is said at once, by the badge, the clock and the voice, and so is its coming back", async () => {
  const { player, store, stream, wait, end } = await opened();
  stream.say("status", statusOf(9e6, []));
  wait(1);
  const [head, foot, voice] = [await put(Header, { store, player }), await put(Timeline, { store, player }), await put(Spoken, { store, player })];
  const pressed = () => foot.place.all((each) => each.localName === "button" && /live/.test(each.given.class ?? ""))[0]?.given["aria-pressed"];
  assert.match(head.place.textContent, /live/);
  assert.equal(pressed(), "true");
  stream.fail(0);
  await settle();
  assert.match(head.place.textContent, /not connected, trying again/);
  assert.equal(pressed(), "false");
  assert.match(voice.place.textContent, /not connected/);
  stream.say("status", statusOf(10e6, []));
  await settle();
  assert.equal(store.get().line, "live");
  assert.equal(pressed(), "true");
  assert.doesNotMatch(head.place.textContent, /not connected/);
  for (const each of [head, foot, voice]) each.gone();
  end();
});

test("where the browser gave up, a new stream goes on from the last record, and kinds may have other numbers there", async (context) => {
  context.mock.timers.enable({ apis: ["setTimeout"] });
  const { player, store, stream, end } = await opened();
  stream.say("records", [[2e6, 1, 1, 1, -1, { transactions: 1 }]], "a:77");
  stream.fail(2);
  assert.equal(store.get().line, "lost");
  context.mock.timers.tick(2000);
  const next = streams[streams.length - 1];
  assert.notEqual(next, stream);
  assert.equal(next.url, "page/live?after=a%3A77");
  next.say("kinds", ["executed", "fault"]);
  next.say("records", [[3e6, 1, 0, 2, -1, { transactions: 1 }]], "a:78");
  next.say("status", statusOf(4e6, []));
  assert.equal(player.stateAt(4e6).head, 2);
  assert.equal(player.stateAt(4e6).member(1).lives, 1);
  assert.equal(store.get().line, "live");
  context.mock.timers.tick(10_000);
  assert.equal(store.get().line, "lost", "a server that says nothing is gone, too");
  end();
});

test("members that the status misses are down though no record says so, until they are back", async () => {
  const { player, store, stream, wait, end } = await opened();
  stream.say("status", statusOf(9e6, []));
  wait(1);
  stream.say("status", { ...statusOf(12e6, ["b"]), members: [{ name: "b", state: "exited" }, { name: "c", state: "paused" }, { name: "d", state: "" }] });
  wait(4);
  const conditions = (/** @type {number} */ t) => [2, 3, 4].map((node) => player.stateAt(t).member(node).condition);
  assert.deepEqual(conditions(player.end), [DOWN, PAUSED, UP]);
  assert.deepEqual(conditions(8e6), [UP, UP, UP], "it was up before");
  stream.say("status", statusOf(13e6, NAMES, false));
  assert.equal(store.get().line, "down");
  const head = await put(Header, { store, player });
  assert.match(head.place.textContent, /no member runs/);
  stream.say("status", statusOf(14e6, []));
  wait(2);
  await settle();
  assert.deepEqual(conditions(player.end), [UP, UP, UP]);
  assert.match(head.place.textContent, /live/);
  stream.say("status", statusOf(15e6, NAMES));
  assert.equal(store.get().line, "down", "nobody runs, whatever is_up says");
  head.gone();
  end();
});

/** What is written in the ring. @param {import("../../nodes/page/static/player/player.js").Player} player @param {number} t */
function ringWords(player, t) {
  /** @type {string[]} */
  const words = [];
  const pen = new Proxy({}, { get: (_, name) => (name === "fillText" ? (/** @type {string} */ text) => words.push(text) : () => undefined), set: () => true });
  const colours = /** @type {any} */ (new Proxy({}, { get: () => "#000" }));
  paintRing(/** @type {any} */ (pen), layOut(player.about.members.length, 600, 600), { player, state: player.stateAt(t), scene: null, colours });
  return words.join("|");
}

test("a quorum that is lost is said by the head, the ring, the voice, and where one waits for one's own", async () => {
  const { player, store, stream, wait, end } = await opened();
  stream.say("status", statusOf(9e6, []));
  wait(1);
  const sent = { transaction: "ab".repeat(32), member: "a" };
  serve({});
  const views = [await put(Header, { store, player }), await put(Spoken, { store, player }), await put(Follow, { store, player, sent })];
  assert.doesNotMatch(views.map((view) => view.place.textContent).join(), /needed/);
  stream.say("status", statusOf(12e6, ["e", "f"]));
  wait(4);
  await settle();
  assert.doesNotMatch(views.map((view) => view.place.textContent).join(), /needed/, "five are enough");
  stream.say("status", statusOf(16e6, ["e", "f", "g"]));
  wait(6);
  await settle();
  for (const view of views) assert.ok(view.place.textContent.includes(LACKS), view.place.textContent);
  assert.match(ringWords(player, player.now()), /4 of 7 up, 5 needed\|nothing can be decided now/);
  stream.say("status", statusOf(18e6, ["f", "g"]));
  wait(4);
  await settle();
  assert.match(views[1].place.textContent, /Enough members are up again/);
  assert.doesNotMatch(views[0].place.textContent + views[2].place.textContent + ringWords(player, player.now()), /nothing can/);
  views.forEach((view) => view.gone());
  end();
});

test("in playback, too, from its moment on", async () => {
  const player = playerOf(aboutOf());
  const kill = player.about.kinds.indexOf("fault");
  for (const target of ["hospital-1", "supplier"]) player.records.addRow([37e6, 0, kill, -1, -1, { act: "kill", target }]);
  player.more();
  const store = new Store(freshState(player.about, { t: 36e6 }));
  const { place, gone } = await put(Header, { store, player });
  assert.doesNotMatch(place.textContent, /needed/);
  store.set({ t: 38e6 });
  await settle();
  assert.ok(place.textContent.includes(LACKS), place.textContent);
  assert.match(ringWords(player, 38e6), /nothing can be decided now/);
  assert.doesNotMatch(ringWords(player, 36e6), /nothing can be decided now/);
  gone();
});

test("figures are of the last seconds: where nothing is executed they go, and do not stand", async () => {
  const { player, store, stream, wait, end } = await opened();
  stream.say("records", [[9e6, 1, 1, 1, -1, { transactions: 50 }], [9e6, 1, 2, 1, -1, { latency_us: 5000, transactions: 50 }]]);
  stream.say("status", statusOf(10e6, []));
  wait(1);
  const { place, gone } = await put(Figures, { store, player });
  const figures = () => place.all((each) => each.localName === "dd").slice(2, 5).map((each) => each.textContent.trim());
  assert.ok(figures().every((figure) => figure !== "–"), figures().join());
  for (let t = 11e6; t <= 20e6; t += 1e6) {
    stream.say("status", statusOf(t, []));
    wait(1);
  }
  await settle();
  assert.deepEqual(figures(), ["–", "–", "–"]);
  stream.say("records", [[21e6, 1, 1, 2, -1, { transactions: 5 }]]);
  stream.say("status", statusOf(22e6, []));
  wait(2);
  await settle();
  assert.notEqual(figures()[0], "–");
  stream.fail(0);
  await settle();
  assert.equal(figures()[0], "–", "nobody says what goes on");
  gone();
  end();
});

test("the address keeps panel, story, eyes and language of a page that moves, without its moment", async () => {
  /** @type {string[]} */
  const written = [];
  Object.assign(globalThis, { history: { replaceState: (/** @type {any} */ _s, /** @type {any} */ _t, /** @type {string} */ address) => written.push(address) } });
  const store = new Store(freshState(aboutOf(), { following: true, playing: true }));
  const end = keepAddress(store);
  store.set({ tab: "story", eyes: "bureau", lang: "zh", selection: { kind: "bill", id: "b1" } });
  for (let tenth = 1; tenth < 12; tenth += 1) {
    await new Promise((done) => setTimeout(done, 100)); // it moves on all the while
    store.set({ t: tenth * 100_000 });
  }
  assert.deepEqual(written, ["/#tab=story&eyes=bureau&lang=zh&show=bill%3Ab1"]);
  store.set({ following: false, playing: false, t: 5e6 });
  await new Promise((done) => setTimeout(done, 500));
  assert.match(written[1], /#t=5&tab=story/);
  end();
});

test("what was handed in is followed on after a reload, and only ids were kept", async () => {
  /** @type {Map<string, string>} */
  const held = new Map();
  Object.assign(globalThis, { sessionStorage: { getItem: (/** @type {string} */ key) => held.get(key) ?? null, setItem: (/** @type {string} */ key, /** @type {string} */ value) => void held.set(key, value) } });
  serve({
    "page/forms": { members: [], claim: [{ name: "amount", label: "Amount", value: "900.00", kind: "amount" }], dispense: [] },
    "page/submit": { transaction: "ab".repeat(32), bill: "b1", member: "hospital-1", said: "a secret of somebody" },
  });
  const first = await shown(attempt.panel.Panel);
  first.place.all((each) => each.localName === "form")[0]?.fire("submit");
  await settle(20);
  first.end();
  assert.deepEqual([...held.values()].map((value) => JSON.parse(value)), [[{ transaction: "ab".repeat(32), member: "hospital-1", bill: "b1" }]]);
  const second = await shown(attempt.panel.Panel);
  assert.match(second.place.textContent, /handed in by hospital-1/);
  second.end();
  for (const key of held.keys()) held.set(key, '[{"transaction": 5}, null, "x"]');
  const third = await shown(attempt.panel.Panel);
  assert.doesNotMatch(third.place.textContent, /handed in by/);
  third.end();
});
