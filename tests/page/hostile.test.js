// What a ledger, a server or a link says stays text in every panel.
import assert from "node:assert/strict";
import { test } from "node:test";
import { HOSTILE, Refusal, aboutOf, serve, shown } from "./stage.js";

const { PANELS } = await import("../../nodes/page/static/panels/index.js");
const { momentSvg } = await import("../../nodes/page/static/panels/moment_svg.js");
const { harmless, piecesOf, shortened } = await import("../../nodes/page/static/text.js");

const FINE = /^(div|span|p|ol|ul|li|h2|h3|h4|b|strong|code|button|table|caption|thead|tbody|tr|th|td|form|label|input|select|option|fieldset|legend|article|section|figure|figcaption|svg|g|path|rect|text|title|line|polyline|polygon|circle|details|summary|dialog|aside|a|dl|dt|dd|canvas|output|header|footer|progress|meter|time|small|em|kbd)$/;
const TURNS = /[\u202a-\u202e\u2066-\u2069]|(?!\n)\p{Cc}/u;

/** What every question is answered with, where all that a ledger can say is `bad`. @param {string} bad */
function answersOf(bad) {
  const links = [{ kind: "bill", id: bad }, { kind: bad, id: "b1", word: "b1" }];
  const step = { height: 3, index: 0, time_us: 1796042778286772, member: bad, operation: "bill.issue", code: bad, sentence: bad, events: [] };
  const section = { title: bad, columns: [{ title: bad, is_number: false }, { title: "", is_number: true }], rows: [[bad, bad], ["b1", bad]] };
  const transaction = { id: bad, member: bad, contract: bad, operation: bad, code: bad, sentence: bad, said: bad, amount_fen: 5, links };
  return {
    "page/blocks": [{ height: 3, time_us: 1, proposer: bad, sealed: true, transactions: [transaction, { ...transaction, code: "ok" }] }],
    "page/story": { kind: "bill", id: bad, heading: bad, sections: [section], notes: [bad], links, content: { steps: [step, { ...step, code: "ok" }], record: {} } },
    "page/find": [{ kind: "bill", id: bad, words: bad }],
    "page/findings": { heading: bad, notes: [bad], findings: [{ height: 3, index: 0, time_us: 5, kind: bad, member: bad, sentence: bad, links }] },
    "page/funds": {
      heading: bad, accounts: [{ name: bad, balance_fen: 5 }], flows: [{ source: bad, target: `${bad}/2`, amount_fen: 5, count: 1 }],
      moves: [{ height: 3, index: 0, time_us: 1, source: bad, target: bad, amount_fen: 5, cause: bad }],
    },
    "page/sequence": { height: 3, exact: true, said: bad, members: [bad, "b"], messages: [{ kind: bad, from: bad, to: "b", sent_us: 1, got_us: 5 }, { kind: bad, from: "b", to: bad, sent_us: 1, got_us: null }], notes: [{ member: bad, t_us: 4, kind: bad }] },
    "page/forms": { members: [bad], claim: [{ name: "amount", label: bad, value: bad, kind: "text" }], dispense: [{ name: "code", label: bad, value: bad, kind: "text" }] },
  };
}

/** @param {import("./dom.js").Element} place @param {string} where */
function assertHarmless(place, where) {
  for (const element of place.all(() => true)) {
    assert.match(element.localName, FINE, `${where}: an element <${element.localName}>`);
    for (const [name, value] of Object.entries(element.given)) {
      assert.ok(!/^on/i.test(name), `${where}: ${name}`);
      assert.ok(!/^(href|src|action|formaction|xlink:href)$/i.test(name) || /^(page\/|https?:)/.test(value), `${where}: ${name}=${value.slice(0, 60)}`);
      assert.notEqual(name.toLowerCase(), "style", where);
    }
  }
  assert.ok(!TURNS.test(place.textContent), `${where}: text that turns what follows around`);
}

for (const panel of PANELS) {
  test(`the panel ${panel.id} shows hostile words as text`, async () => {
    for (const bad of HOSTILE) {
      serve(answersOf(bad));
      const about = { ...aboutOf(), scenario: bad, name: bad, eyes: [bad, "bureau"], others: [] };
      about.members = about.members.map((/** @type {any} */ each, /** @type {number} */ at) => (at === 2 ? { ...each, name: bad, role: bad } : each));
      const stage = await shown(panel.Panel, { about, state: { selection: { kind: "bill", id: bad } } });
      assertHarmless(stage.place, panel.id);
      stage.end();
    }
  });

  test(`the panel ${panel.id} says a refusal as text`, async () => {
    serve({ page: new Refusal(403, "<img src=x onerror=alert(1)>") });
    const stage = await shown(panel.Panel, { state: { selection: { kind: "bill", id: "b1" } } });
    assertHarmless(stage.place, panel.id);
    stage.end();
  });
}

test("a picture of a moment is well-formed, whatever its members are called", () => {
  for (const bad of HOSTILE) {
    const svg = momentSvg({ title: bad, subtitle: bad, foot: bad, is_parted: true, dial: { outer: ["line"], inner: ["say-C"], lines: [bad, bad, bad, bad] }, flights: [], members: [{ name: bad, role: bad, words: bad, condition: "down", is_leader: true, phase: 3 }] });
    const tags = svg.match(/<\/?[a-z]+/g) ?? [];
    assert.deepEqual([...new Set(tags)].sort(), ["</g", "</svg", "</text", "</title", "<circle", "<g", "<path", "<polygon", "<rect", "<svg", "<text", "<title"]);
    assert.ok(!TURNS.test(svg));
  }
});

test("text that turns the writing around is shown by its numbers", () => {
  assert.equal(harmless("a\u202eb\u0000"), "a‹U+202E›b‹U+0000›");
  assert.ok(shortened("x".repeat(1000)).length < 80);
});

test("names in a text lead to their stories, the longest first and whole words alone", () => {
  const links = [{ kind: "bill", id: "b-1" }, { kind: "bill", id: "b-1-r" }];
  assert.deepEqual(piecesOf("b-1-r of b-1, b-12 and xb-1", links).map((piece) => piece.link?.id ?? piece.text), ["b-1-r", " of ", "b-1", ", b-12 and xb-1"]);
  assert.deepEqual(piecesOf("(.*)+ stays", [{ kind: "k", id: "(.*)+" }]).map((piece) => piece.text), ["(.*)+", " stays"]);
});
