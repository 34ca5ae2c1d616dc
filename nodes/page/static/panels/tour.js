// The guided tour: a card over the page that moves the player from stop to stop.
import { html, useEffect, useMemo, useRef, useStore } from "../view.js";
import { bringIntoView } from "../views/narrow.js";
import { mark, t } from "../words.js";
import { useRecordCount } from "./parts.js";
import { placedStops, valuesOf } from "./tour_steps.js";

/** @typedef {import("./parts.js").Props} Props */
/** @typedef {import("./parts.js").Player} Player */
/** @typedef {import("./tour_steps.js").Place} Place */

const TITLE = mark("Tour");
const PLACES = { ring: ".ring", panel: "#panels" };

/** The stops and the button that begins. */
export const panel = {
  id: "tour",
  title: () => t(TITLE),
  needs: (/** @type {import("../store.js").About} */ about) => about.source !== "live" && about.n > 1,
  Panel: TourPanel,
};

/** @param {Props} props */
function TourPanel({ store, player }) {
  const placed = useStops(player);
  const begin = (/** @type {number} */ at) => store.set({ tour: at });
  return html`<div class="tour-list">
    <p class="lead">${t("A walk of ten minutes through this run: what a quorum is, why nothing gets lost, who may see what.")}</p>
    <p><button type="button" class="primary" disabled=${placed.length === 0} onClick=${() => begin(0)}>${t("Begin the tour")}</button></p>
    <ol>${placed.map((each, at) => html`<li key=${each.stop.id}>
      <button type="button" class="thing" onClick=${() => begin(at)}>${t(each.stop.title)}</button>
    </li>`)}</ol>
  </div>`;
}

/** The card. It is there while the store names a stop. @param {Props} props */
export function Tour({ store, player }) {
  const at = useStore(store, (state) => state.tour);
  useStore(store, (state) => state.lang);
  const placed = useStops(player);
  const card = useRef(/** @type {HTMLElement | null} */ (null));
  const here = at >= 0 ? placed[at] : undefined;
  useEffect(() => {
    if (!here) {
      delete document.documentElement.dataset.tour;
      return undefined;
    }
    document.documentElement.dataset.tour = here.stop.shows;
    store.set({ tab: here.stop.tab });
    card.current?.focus({ preventScroll: true });
    bringIntoView(PLACES[here.stop.shows]);
    return playStretch(player, here.t_us - here.stop.before_us, here.t_us + here.stop.after_us, here.stop.speed);
  }, [here?.stop.id]);
  if (!here) return null;
  const go = (/** @type {number} */ next) => store.set({ tour: next >= placed.length ? -1 : next });
  const values = valuesOf(player.about, namesOf(player, placed));
  const is_last = at >= placed.length - 1;
  return html`<aside class="tour-card" role="dialog" aria-labelledby="tour-title" tabindex="-1" ref=${card}
    onKeyDown=${(/** @type {KeyboardEvent} */ event) => event.key === "Escape" && go(placed.length)}>
    <div class="tour-head">
      <p class="quiet">${t("{place} of {all}", { place: at + 1, all: placed.length })}</p>
      ${is_last ? null : html`<button type="button" class="quiet" onClick=${() => go(placed.length)}>${t("Leave the tour")}</button>`}
    </div>
    <h2 id="tour-title">${t(here.stop.title)}</h2>
    <div class="tour-text" tabindex="0" role="region" aria-labelledby="tour-title">${here.stop.text.map((text) => html`<p>${t(text, values)}</p>`)}</div>
    <div class="tour-buttons">
      <button type="button" disabled=${at === 0} onClick=${() => go(at - 1)}>${t("Back")}</button>
      <button type="button" onClick=${() => playStretch(player, here.t_us - here.stop.before_us, here.t_us + here.stop.after_us, here.stop.speed)}>${t("Show again")}</button>
      <button type="button" class="primary" onClick=${() => go(at + 1)}>${is_last ? t("End the tour") : t("Next")}</button>
    </div>
  </aside>`;
}

/** @param {Player} player */
function useStops(player) {
  const known = useRecordCount(player);
  return useMemo(() => placedStops((place, before) => findPlace(player, place, before)), [player, known]);
}

/**
 * Plays a stretch and stops at its end, unless somebody takes over.
 * @param {Player} player
 * @param {number} from_us
 * @param {number} to_us
 * @param {number} speed
 * @returns {() => void}  what ends it
 */
export function playStretch(player, from_us, to_us, speed) {
  player.pause();
  player.setSpeed(speed);
  player.seek(Math.max(0, from_us));
  if (to_us <= from_us || matchMedia("(prefers-reduced-motion: reduce)").matches) {
    player.seek(Math.max(0, Math.min(to_us, player.end)));
    return () => undefined;
  }
  player.play();
  const end = player.onFrame(() => {
    if (player.now() < to_us && player.playing) return;
    end();
    if (player.now() >= to_us) player.pause();
  });
  return end;
}

/**
 * The first record of the kind that a place asks for.
 * @param {Player} player
 * @param {Place} place
 * @param {{ t_us: number, height: number } | null} before
 * @returns {{ t_us: number, height: number } | null}
 */
export function findPlace(player, place, before) {
  if (place.kind === "begin") return { t_us: 0, height: 0 };
  if (place.kind === "end") return { t_us: player.end, height: -1 };
  const { records } = player;
  const number = player.about.kinds.indexOf(place.kind);
  if (number < 0) return null;
  const from = place.onward && before ? records.countUntil(before.t_us) : 0;
  for (let at = from; at < records.length; at += 1) {
    if (records.kind[at] !== number || !fits(player, at, place, before)) continue;
    return { t_us: Number(records.t[at]), height: Number(records.height[at]) };
  }
  return null;
}

/** @param {Player} player @param {number} at @param {Place} place @param {{ height: number } | null} before */
function fits(player, at, place, before) {
  const height = Number(player.records.height[at]);
  if (height < (place.height_min ?? -1)) return false;
  if (place.same_height && height !== before?.height) return false;
  const extra = player.records.extra(at);
  return Object.entries(place.fields ?? {}).every(([name, value]) => extra[name] === value);
}

/** Who fell and who leads after, where the run has it. @param {Player} player @param {{ stop: { id: string }, t_us: number }[]} placed */
function namesOf(player, placed) {
  const at = (/** @type {string} */ id) => placed.find((each) => each.stop.id === id)?.t_us ?? 0;
  const fallen = player.records.countUntil(at("fall")) - 1;
  const target = player.about.kinds[Number(player.records.kind[fallen])] === "fault" ? String(player.records.extra(fallen).target ?? "") : "";
  const leader = target || player.nameOf(player.stateAt(at("leader")).leader);
  return { leader, new_leader: player.nameOf(player.stateAt(at("new-leader") + 1).leader) };
}
