// The foot: the time line of the whole run, which is also the scrubber, and the buttons that play it.
import { clockTime, speedWord } from "../format.js";
import { SPEEDS } from "../player/clock.js";
import { html, useEffect, useRef, useState, useStore } from "../view.js";
import { t } from "../words.js";
import { freshPen, paced, palette, useSize } from "./canvas.js";
import { eventWords } from "./event_words.js";
import { Icon } from "./icons.js";
import { paintBase, paintMoment, placeOf } from "./timeline_paint.js";

const NEAR_PX = 7;
const LINE_MS = 40;
const BASE_MS = 250; // while records come the base is painted anew that often

/** @typedef {{ store: import("../store.js").Store, player: import("../player/player.js").Player }} Props */

/** @param {Props} props */
export function Timeline({ store, player }) {
  useStore(store, (state) => state.lang);
  return html`<footer class="foot">
    <${Transport} store=${store} player=${player} />
    <${Scrubber} store=${store} player=${player} />
  </footer>`;
}

/** @param {Props} props */
function Transport({ store, player }) {
  const playing = useStore(store, (state) => state.playing);
  const speed = useStore(store, (state) => state.speed);
  const at = useStore(store, (state) => state.t);
  const end = useStore(store, (state) => state.end);
  const following = useStore(store, (state) => state.following);
  const line = useStore(store, (state) => state.line);
  const isLive = player.about.source === "live";
  const setting = Math.max(0, SPEEDS.findIndex((one) => one >= speed * 0.999));
  const button = (/** @type {string} */ word, /** @type {any} */ icon, /** @type {() => void} */ act, kind = "") => html`
    <button type="button" class=${`round ${kind}`} aria-label=${word} title=${word} onClick=${act}><${Icon} name=${icon} /></button>`;
  return html`
    <div class="transport">
      ${button(t("A height back"), "back", () => player.stepHeight(-1))}
      ${button(playing ? t("Pause") : t("Play"), playing ? "pause" : "play", () => player.toggle(), "main")}
      ${button(t("A height on"), "on", () => player.stepHeight(1))}
      ${isLive && html`<button type="button" class="quiet live" aria-pressed=${following && line === "live"} onClick=${() => player.follow()}>${t("live")}</button>`}
      <output class="time" aria-label=${t("Moment")}>${clockTime(at, speed < 0.05 ? 4 : 1)} <span>/ ${clockTime(end, 0)}</span></output>
      <label class="speed"><span>${t("Speed")}</span>
        <input type="range" min="0" max=${SPEEDS.length - 1} step="1" value=${setting} aria-valuetext=${speedWord(speed)}
          onInput=${(/** @type {any} */ event) => player.setSpeed(SPEEDS[Number(event.target.value)])} />
        <b>${speedWord(speed)}</b></label>
    </div>`;
}

/** @param {Props} props */
function Scrubber({ store, player }) {
  const at = useStore(store, (state) => state.t);
  const end = useStore(store, (state) => state.end);
  useStore(store, (state) => state.lang);
  const [hint, say] = useState(/** @type {{ x: number, words: string } | null} */ (null));
  const size = useRef({ width: 0, height: 0, ratio: 1 });
  const based = useRef({ at: 0, length: -1, events: -1, end: -1, later: 0 });
  const frame = () => ({ width: size.current.width, height: size.current.height, begin: player.begin, end: player.end });
  const paint = () => {
    const canvases = place.current?.querySelectorAll("canvas");
    if (!canvases || size.current.width < 20) return;
    const held = based.current;
    const isNew = held.length !== player.series.length || held.events !== player.events.list.length || held.end !== player.end;
    if (isNew && performance.now() - held.at < BASE_MS) held.later ||= window.setTimeout(paint, BASE_MS);
    else if (isNew) {
      based.current = { at: performance.now(), length: player.series.length, events: player.events.list.length, end: player.end, later: 0 };
      paintBase(freshPen(canvases[0], size.current.ratio), frame(), player, palette());
    }
    paintMoment(freshPen(canvases[1], size.current.ratio), frame(), player.now(), palette());
  };
  const place = useSize((width, height, ratio) => {
    size.current = { width, height, ratio };
    based.current.length = -1;
    based.current.at = 0;
    paint();
  });
  useEffect(() => player.onFrame(paced(player, paint, LINE_MS)), [player]);
  const momentOf = (/** @type {PointerEvent} */ event) => {
    const box = place.current.getBoundingClientRect();
    return player.begin + ((event.clientX - box.left) / box.width) * (player.end - player.begin);
  };
  const onMove = (/** @type {PointerEvent} */ event) => {
    if (place.current.hasPointerCapture(event.pointerId)) player.seek(momentOf(event));
    say(hintAt(player, frame(), event.clientX - place.current.getBoundingClientRect().left));
  };
  return html`
    <div class="scrubber" ref=${place} role="slider" tabindex="0" aria-label=${t("Time line")} aria-valuemin=${Math.round(player.begin / 1000)}
      aria-valuemax=${Math.round(end / 1000)} aria-valuenow=${Math.round(at / 1000)} aria-valuetext=${clockTime(at)}
      onPointerDown=${(/** @type {PointerEvent} */ event) => { place.current.setPointerCapture(event.pointerId); player.seek(momentOf(event)); }}
      onPointerMove=${onMove} onPointerLeave=${() => say(null)}>
      <canvas></canvas><canvas></canvas>
      ${hint && html`<div class="hint" style=${{ left: `${hint.x}px` }}>${hint.words}</div>`}
    </div>`;
}

/** What stands at a place of the time line. @param {import("../player/player.js").Player} player @param {import("./timeline_paint.js").Frame} frame @param {number} x */
function hintAt(player, frame, x) {
  const near = player.events.list.filter((event) => Math.abs(placeOf(frame, event.t) - x) <= NEAR_PX);
  const first = near.find((event) => event.kind !== "finding") ?? near[0];
  const t_us = first ? first.t : frame.begin + (x / frame.width) * (frame.end - frame.begin);
  const words = first ? `${clockTime(first.t, 3)} ${eventWords(first, player)}` : clockTime(t_us);
  return { x: Math.min(frame.width - 60, Math.max(60, x)), words };
}
