// Two runs side by side on one clock.
import { get } from "../ask.js";
import { Records, readStream } from "../player/records.js";
import { html, useEffect, useMemo, useState, useStore } from "../view.js";
import { t } from "../words.js";
import { curveOf, momentOfSecond, standing, trackOf } from "./compare_clock.js";
import { count, duration } from "./numbers.js";
import { Busy, Refusal, refusalOf, useRecordCount } from "./parts.js";
import { harmless } from "../text.js";

const WIDTH = 640;
const HEIGHT = 180;
const OTHER_RECORDS = "page/records?of=1";

/** @typedef {import("./parts.js").Props} Props */
/** @typedef {import("./compare_clock.js").Track} Track */
/** @typedef {import("../store.js").About} About */

export const panel = {
  id: "compare",
  title: () => t("Compare"),
  needs: (/** @type {About} */ about) => (about.others ?? []).length > 0,
  Panel: Compare,
};

/** @param {Props} props */
function Compare({ store, player }) {
  const about = store.get().about;
  const other = /** @type {About} */ ((about.others ?? [])[0]);
  const known = useRecordCount(player);
  const first = useMemo(() => trackOf(executedOf(player.records, about), player.end), [player, known]);
  const { track: second, refused } = useOther(other);
  const [clock, setClock] = useState(/** @type {import("./compare_clock.js").Clock} */ ("elapsed"));
  return html`<div class="compare">
    <p class="lead">${t("Two runs on one clock: move the player, and both stand at the same moment.")} <${Busy} busy=${!second && !refused} /></p>
    <${Refusal} refused=${refused} />
    <fieldset class="choices">
      <legend>${t("The same moment is")}</legend>
      <label class="choice"><input type="radio" name="clock" checked=${clock === "elapsed"} onChange=${() => setClock("elapsed")} /> ${t("as long after the begin")}</label>
      <label class="choice"><input type="radio" name="clock" checked=${clock === "height"} onChange=${() => setClock("height")} /> ${t("when both have as many blocks")}</label>
    </fieldset>
    ${second ? html`<${SideBySide} store=${store} pair=${{ first, second, names: [runName(about), runName(other)] }} clock=${clock} />` : null}
  </div>`;
}

/** What tells a run from another of its scenario: its folder and seed. @param {About} about */
export function runName(about) {
  const name = [...new Set([about.folder || about.name, about.scenario])].filter(Boolean).join(": ");
  return harmless(t("{name}, seed {seed} (n = {n}, {protocol})", { name, seed: about.seed, n: about.n, protocol: about.protocol }));
}

/** The second run's track, read once. @param {About} other */
function useOther(other) {
  const [read, setRead] = useState(/** @type {{ track: Track | null, refused: import("../ask.js").Refused | null }} */ ({ track: null, refused: null }));
  useEffect(() => {
    const end = new AbortController();
    readOther(other, end.signal).then(
      (track) => end.signal.aborted || setRead({ track, refused: null }),
      (error) => end.signal.aborted || setRead({ track: null, refused: refusalOf(error) }),
    );
    return () => end.abort();
  }, [other]);
  return read;
}

/** @param {About} other @param {AbortSignal} signal @returns {Promise<Track>} */
async function readOther(other, signal) {
  const answer = await get(OTHER_RECORDS, { signal });
  if (!answer.ok || !answer.body) throw new Error(t("the second run could not be read ({status})", { status: answer.status }));
  const records = new Records();
  await readStream(answer.body, records);
  return trackOf(executedOf(records, other), Math.max(records.end, other.end_us ?? 0));
}

/** What was executed, in order of time. @param {Records} records @param {About} about */
export function* executedOf(records, about) {
  const number = about.kinds.indexOf("executed");
  for (let at = 0; at < records.length; at += 1) {
    if (records.kind[at] !== number) continue;
    yield { t_us: Number(records.t[at]), height: Number(records.height[at]), transactions: Number(records.extra(at).transactions ?? 0) };
  }
}

/** @param {{ store: import("../store.js").Store, pair: { first: Track, second: Track, names: string[] }, clock: import("./compare_clock.js").Clock }} props */
function SideBySide({ store, pair, clock }) {
  const at = useStore(store, (state) => state.t);
  const { first, second, names } = pair;
  const other_at = momentOfSecond(first, second, at, clock);
  const stands = [standing(first, at), standing(second, other_at)];
  const rows = [
    { title: t("moment"), cells: [duration(at), duration(other_at)] },
    { title: t("height"), cells: stands.map((each) => (each.height < 0 ? "–" : count(each.height))) },
    { title: t("transactions executed"), cells: stands.map((each) => count(each.executed)) },
    { title: t("in the last second"), cells: stands.map((each) => count(each.per_s)) },
    { title: t("state"), cells: stands.map((each) => (each.is_over ? t("over") : t("under way"))) },
    { title: t("whole run"), cells: [duration(first.end_us), duration(second.end_us)] },
  ];
  return html`<${Curves} first=${first} second=${second} at=${at} other_at=${other_at} names=${names} />
    <div class="scrolls" tabindex="0" role="region" aria-label=${t("both runs at this moment")}>
      <table class="told">
        <caption>${t("both runs at this moment")}</caption>
        <thead><tr><td></td>${names.map((name, place) => html`<th scope="col" class=${`number run-${place + 1}`}>${name}</th>`)}</tr></thead>
        <tbody>${rows.map((row) => html`<tr key=${row.title}><th scope="row">${row.title}</th>${row.cells.map((cell) => html`<td class="number">${cell}</td>`)}</tr>`)}</tbody>
      </table>
    </div>`;
}

/** @param {{ first: Track, second: Track, at: number, other_at: number, names: string[] }} props */
function Curves({ first, second, at, other_at, names }) {
  const end_us = Math.max(first.end_us, second.end_us);
  const lines = useMemo(() => {
    const most = Math.max(1, ...[first, second].map((track) => Number(track.transactions[track.transactions.length - 1] ?? 0)));
    const scale = { end_us, most, width: WIDTH, height: HEIGHT };
    return [curveOf(first, scale), curveOf(second, scale)];
  }, [first, second]);
  const x = (/** @type {number} */ t_us) => ((Math.min(t_us, end_us) / Math.max(1, end_us)) * WIDTH).toFixed(1);
  return html`<figure>
    <ul class="legend">${names.map((name, place) => html`<li class=${`run-${place + 1}`}><b>${place + 1}</b> ${name}</li>`)}</ul>
    <svg class="curves" role="img" aria-label=${t("Transactions executed over time, of both runs")} viewBox=${`-4 -4 ${WIDTH + 8} ${HEIGHT + 8}`}>
      <line class="axis" x1="0" x2=${WIDTH} y1=${HEIGHT} y2=${HEIGHT} />
      ${lines.map((points, place) => html`<polyline class=${`run-${place + 1}`} points=${points} />`)}
      <line class="cursor run-1" x1=${x(at)} x2=${x(at)} y1="0" y2=${HEIGHT} />
      <line class="cursor run-2" x1=${x(other_at)} x2=${x(other_at)} y1="0" y2=${HEIGHT} />
    </svg>
    <figcaption class="quiet">${t("Transactions executed over time, of both runs")}</figcaption>
  </figure>`;
}
