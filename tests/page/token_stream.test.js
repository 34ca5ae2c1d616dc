// Server-sent events by fetch: the token goes along, messages are whole, and it comes again with its last id.
import assert from "node:assert/strict";
import { test } from "node:test";
import { get, hasToken, useToken } from "../../nodes/page/static/ask.js";
import { TokenStream, eventsOf } from "../../nodes/page/static/player/token_stream.js";

/** @param {string[]} pieces */
const bodyOf = (pieces) => new ReadableStream({
  start(out) {
    for (const piece of pieces) out.enqueue(new TextEncoder().encode(piece));
    out.close();
  },
});

/** @type {{ path: string, headers: Record<string, string> }[]} */
const asked = [];

/** @param {(Response | Error)[]} answers one after another */
function serve(answers) {
  asked.length = 0;
  const fetch = async (/** @type {string} */ path, /** @type {any} */ how) => {
    asked.push({ path, headers: how.headers });
    const answer = answers[asked.length - 1] ?? new Response(null, { status: 204 });
    if (answer instanceof Error) throw answer;
    return answer;
  };
  Object.assign(globalThis, { fetch });
}

test("a token goes with every question, and without one the browser's own stream is taken", async () => {
  class Own {}
  Object.assign(globalThis, { EventSource: Own });
  serve([new Response("{}"), new Response("{}")]);
  await get("page/x");
  assert.equal(hasToken(), false);
  assert.ok(eventsOf("page/live") instanceof Own);
  useToken("secret");
  await get("page/x", { headers: { "X-Consortium": "page" } });
  assert.deepEqual(asked.map((each) => each.headers), [{}, { "X-Consortium": "page", Authorization: "Bearer secret" }]);
});

test("messages that come in pieces are told whole, once, and after a break it goes on from the last id", async () => {
  useToken("secret");
  serve([
    new Response(bodyOf([": begins\n\nid: a:1\nevent: rec", "ords\ndata: [1]\n", "\n"])),
    new Error("the line broke"),
    new Response(bodyOf(["id: a:2\nevent: records\ndata: [2]\n\nevent: status\ndata: {\"t_us\":5}\n\nevent: records\ndata: [torn"])),
  ]);
  /** @type {unknown[]} */
  const told = [];
  const stream = new TokenStream("page/live?after=a", 1);
  stream.addEventListener("records", (event) => told.push(JSON.parse(event.data)));
  stream.addEventListener("status", (event) => told.push(JSON.parse(event.data)));
  /** @type {[string, number][]} */
  const breaks = [];
  stream.addEventListener("error", (event) => breaks.push([event.lastEventId, stream.readyState]));
  await stream.done;
  assert.deepEqual(told, [[1], [2], { t_us: 5 }]);
  assert.deepEqual(breaks, [["a:1", 0], ["a:1", 0], ["a:2", 0], ["a:2", 2]], "each break is told, and where it ended for good");
  assert.deepEqual(asked.map((each) => each.headers["Last-Event-ID"]), [undefined, "a:1", "a:1", "a:2"]);
});

test("it ends where it is refused, and where it is closed", async () => {
  useToken("secret");
  serve([new Response("no", { status: 401 })]);
  await new TokenStream("page/live", 1).done;
  assert.equal(asked.length, 1);
  serve([new Error("away"), new Error("away")]);
  const stream = new TokenStream("page/live", 1);
  stream.close();
  await stream.done;
});
