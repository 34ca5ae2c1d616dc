// For tests: chunks as the server writes them, out of records as a trace holds them.
import { readFileSync } from "node:fs";
import { Player } from "../../nodes/page/static/player/player.js";

/** @typedef {{ t_us: number, node: string, kind: string, height?: number, view?: number } & Record<string, any>} TraceRecord */

/** @param {TraceRecord[]} trace @returns {string[]} the kinds, in order of their numbers */
export function kindsIn(trace) {
  return [...new Set(trace.map((record) => record.kind))];
}

/** A chunk of `/page/records`. @param {TraceRecord[]} trace @param {string[]} names @param {string[]} kinds @returns {Uint8Array} */
export function chunkOf(trace, names, kinds) {
  const tail = /** @type {object[]} */ ([]);
  const extras = trace.map(({ t_us: _t, node: _n, kind: _k, height: _h, view: _v, ...rest }) => (Object.keys(rest).length ? tail.push(rest) - 1 : -1));
  let told = new TextEncoder().encode(JSON.stringify(tail));
  told = Uint8Array.from([...told, ...new Array((4 - (told.length % 4)) % 4).fill(32)]);
  const column = (/** @type {any} */ type, /** @type {number[]} */ values) => {
    const bytes = new Uint8Array(type.from(values).buffer);
    return [...bytes, ...new Array((4 - (bytes.length % 4)) % 4).fill(0)];
  };
  return Uint8Array.from([
    ...new TextEncoder().encode("CPR1"), ...column(Uint32Array, [trace.length, told.length]),
    ...column(Float64Array, trace.map((record) => record.t_us)),
    ...column(Uint16Array, trace.map((record) => names.indexOf(record.node) + 1)),
    ...column(Uint16Array, trace.map((record) => kinds.indexOf(record.kind))),
    ...column(Int32Array, trace.map((record) => record.height ?? -1)),
    ...column(Int32Array, trace.map((record) => record.view ?? -1)),
    ...column(Int32Array, extras), ...told,
  ]);
}

/**
 * What the server says of itself, for members of one role.
 * @param {string[]} names @param {string[]} kinds @param {Partial<import("../../nodes/page/static/store.js").About>} [more]
 * @returns {import("../../nodes/page/static/store.js").About}
 */
export function aboutOf(names, kinds, more = {}) {
  const n = names.length;
  const f = Math.floor((n - 1) / 3);
  return {
    format: 1, name: "test", source: "run", on: "simulator", scenario: "test", seed: 1, protocol: "pbft", origin_us: 0, end_us: null,
    n, f, quorum: Math.ceil((n + f + 1) / 2), members: names.map((name) => ({ name, role: "hospital", validator: true })),
    epochs: [{ number: 0, first_height: 0, validators: names }], kinds, offset_minutes: 480, records: 0, sampled: 1,
    may: { submit: false, chaos: false }, eyes: names, ...more,
  };
}

/** A player that has all of a trace. @param {TraceRecord[]} trace @param {string[]} names @param {Partial<import("../../nodes/page/static/store.js").About>} [more] */
export function playerOf(trace, names, more) {
  const kinds = kindsIn(trace);
  const player = new Player(aboutOf(names, kinds, more));
  player.records.addChunk(chunkOf(trace, names, kinds));
  player.more();
  return player;
}

/** A run as the server packs it, and its trace: the Python test puts them here. @param {string} name */
export function realRun(name) {
  const folder = new URL(`./runs/${name}/`, import.meta.url);
  /** @type {TraceRecord[]} */
  const trace = readFileSync(new URL("trace.jsonl", folder), "utf8").trim().split("\n").map((line) => JSON.parse(line));
  const about = JSON.parse(readFileSync(new URL("about.json", folder), "utf8"));
  const bytes = new Uint8Array(readFileSync(new URL("records.bin", folder)));
  return { trace, about, bytes };
}

/** A player over a run as the server packs it. @param {string} name */
export async function realPlayer(name) {
  const { trace, about, bytes } = realRun(name);
  const player = new Player(about);
  const { readStream } = await import("../../nodes/page/static/player/records.js");
  await readStream(new Blob([bytes]).stream(), player.records);
  player.more();
  return { trace, about, player };
}
