// A stage for panels: a store, a player over a few records, and a server that answers from a table.
import { Element, install, settle } from "./dom.js";

install();
const { html, render } = await import("../../nodes/page/static/view.js");
const { Store, freshState } = await import("../../nodes/page/static/store.js");
const { Player } = await import("../../nodes/page/static/player/player.js");

/** Strings that a ledger may hold and that must stay text. */
export const HOSTILE = [
  "<script>alert(1)</script>",
  '"><img src=x onerror=alert(1)>',
  "javascript:alert(1)",
  "\u202egnp.exe\u2066",
  "&lt;b&gt;\u0000\u001b[31m",
  "{member} ${member} {{x}}",
  "x".repeat(20_000),
];

/** @returns {any} */
export function aboutOf() {
  return {
    format: 1, name: "claim_day", source: "run", on: "simulator", scenario: "claim_day", seed: 7, protocol: "pbft", origin_us: 1796042774520806,
    end_us: 40e6, n: 7, f: 2, quorum: 5, offset_minutes: 480, records: 0, sampled: 1, kinds: KINDS, epochs: [],
    members: ["bureau", "hospital-1", "hospital-2", "pharmacy-1", "pharmacy-2", "regulator", "supplier"].map((name) => ({ name, role: name.replace(/-\d/, ""), validator: true })),
    may: { submit: true, chaos: true }, eyes: ["bureau", "regulator", "supplier"], others: [], codes: {},
  };
}

const KINDS = ["booted", "submitted", "proposed", "prepared", "committed", "executed", "sealed", "finding", "fault", "view_change", "new_view", "catching_up", "caught_up"];
/** @type {[number, string, number, number, any][]} kind, seconds: the life of a small run */
const RECORDS = [
  [0.001, "booted", 1, -1, null], [0.002, "executed", 1, 0, { transactions: 261, ok: 261, refused: 0 }], [0.5, "submitted", 2, -1, { transactions: 1 }],
  ...Array.from({ length: 20 }, (_, at) => /** @type {[number, string, number, number, any][]} */ ([
    [1 + at * 0.1, "proposed", 1, at + 1, { transactions: 3, bytes: 900 }],
    [1.01 + at * 0.1, "prepared", 2, at + 1, null],
    [1.02 + at * 0.1, "committed", 2, at + 1, null],
    [1.03 + at * 0.1, "executed", 2, at + 1, { transactions: 3, ok: 3, refused: 0 }],
  ])).flat(),
  [4, "sealed", 2, 16, { signers: 5 }], [5, "finding", 6, -1, { rule: "duplicate-bill", records: "bill b1", amount_fen: 90000 }], [15, "fault", 0, -1, { act: "kill", target: "bureau" }],
  [17, "view_change", 2, -1, { why: "no progress" }], [17.1, "new_view", 2, -1, { leader: "hospital-1" }], [17.2, "executed", 2, 21, { transactions: 3, ok: 3, refused: 0 }],
  [30, "catching_up", 1, -1, { from_height: 20, to_height: 21 }], [35, "caught_up", 1, 21, null],
];

/** @param {any} about @returns {any} */
export function playerOf(about) {
  const player = new Player(about);
  for (const [seconds, kind, node, height, extra] of RECORDS) {
    const view = kind === "view_change" || kind === "new_view" ? 1 : 0;
    player.records.addRow([seconds * 1e6, node, KINDS.indexOf(kind), height, view, extra]);
  }
  player.more();
  return player;
}

/** A server: each path that begins so is answered with this; a number with a sentence is a refusal. @param {Record<string, unknown>} answers */
export function serve(answers) {
  /** @type {{ path: string, body: any }[]} */
  const asked = [];
  Object.assign(globalThis, {
    fetch: async (/** @type {string} */ path, /** @type {any} */ how = {}) => {
      asked.push({ path, body: how.body ? JSON.parse(how.body) : null });
      const key = Object.keys(answers).sort((one, other) => other.length - one.length).find((each) => path.startsWith(each));
      const answer = key === undefined ? new Refusal(404, "there is no such thing") : typeof answers[key] === "function" ? answers[key](path) : answers[key];
      if (answer instanceof Refusal) return new Response(JSON.stringify({ error: answer.sentence }), { status: answer.status });
      return new Response(JSON.stringify(answer), { status: 200 });
    },
  });
  return asked;
}

export class Refusal {
  /** @param {number} status @param {string} sentence */
  constructor(status, sentence) {
    this.status = status;
    this.sentence = sentence;
  }
}

/**
 * A panel as it stands after its questions were answered.
 * @param {any} Panel @param {{ about?: any, state?: any, props?: any }} [how]
 */
export async function shown(Panel, { about = aboutOf(), state = {}, props = {} } = {}) {
  const player = playerOf(about);
  const store = new Store(freshState(about, { t: 40e6, end: player.end, ...state }));
  player.seek(store.get().t);
  player.onChange(() => store.set({ t: player.now() }));
  const place = new Element("div", null);
  render(html`<${Panel} store=${store} player=${player} ...${props} />`, /** @type {any} */ (place));
  await settle();
  return { place, store, player, end: () => render(null, /** @type {any} */ (place)) };
}
