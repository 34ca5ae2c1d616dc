// The foot: the time line of the whole run, which is also the scrubber, and the buttons that play it.
import { clockTime, speedWord } from "../format.js";
import { SPEEDS } from "../player/clock.js";
import { html, useEffect, useRef, useStore } from "../view.js";
import { t } from "../words.js";
import { freshPen, palette, useSize } from "./canvas.js";

/** @param {{ store: import("../store.js").Store, player: import("../player/player.js").Player }} props */
export function Timeline({ store, player }) {
  useStore(store, (state) => state.lang);
  return html`<footer class="foot">
    <${Transport} store=${store} player=${player} />
    <${Scrubber} store=${store} player=${player} />
  </footer>`;
}

/** @param {{ store: import("../store.js").Store, player: import("../player/player.js").Player }} props */
function Transport({ store, player }) {
  const playing = useStore(store, (state) => state.playing);
  const speed = useStore(store, (state) => state.speed);
  const at = useStore(store, (state) => state.t);
  const end = useStore(store, (state) => state.end);
  const following = useStore(store, (state) => state.following);
  const isLive = player.about.source === "live";
  const at_speed = Math.max(0, SPEEDS.findIndex((one) => one >= speed * 0.999));
  return html`
    <div class="transport">
      <button type="button" class="round" aria-label=${t("A height back")} title=${t("A height back")} onClick=${() => player.stepHeight(-1)}>⏮</button>
      <button type="button" class="round main" aria-label=${playing ? t("Pause") : t("Play")} title=${playing ? t("Pause") : t("Play")}
        aria-keyshortcuts="Space" onClick=${() => player.toggle()}>${playing ? "⏸" : "▶"}</button>
      <button type="button" class="round" aria-label=${t("A height on")} title=${t("A height on")} onClick=${() => player.stepHeight(1)}>⏭</button>
      ${isLive && html`<button type="button" class="quiet live" aria-pressed=${following} onClick=${() => player.follow()}>${t("live")}</button>`}
      <output class="time" aria-label=${t("Moment")}>${clockTime(at)} <span>/ ${clockTime(end, 0)}</span></output>
      <label class="speed"><span>${t("Speed")}</span>
        <input type="range" min="0" max=${SPEEDS.length - 1} step="1" value=${at_speed} aria-valuetext=${speedWord(speed)}
          onInput=${(/** @type {any} */ event) => player.setSpeed(SPEEDS[Number(event.target.value)])} />
        <b>${speedWord(speed)}</b></label>
    </div>`;
}

/** @param {{ store: import("../store.js").Store, player: import("../player/player.js").Player }} props */
function Scrubber({ store, player }) {
  const size = useRef({ width: 0, height: 0, ratio: 1 });
  const at = useStore(store, (state) => state.t);
  const end = useStore(store, (state) => state.end);
  const paint = () => {
    const { width, height, ratio } = size.current;
    const canvas = place.current?.querySelector("canvas");
    if (!canvas || width < 20) return;
    const pen = freshPen(canvas, ratio);
    const colours = palette();
    const x = player.end ? (player.now() / player.end) * width : 0;
    pen.fillStyle = colours.line;
    pen.fillRect(0, height / 2 - 2, width, 4);
    pen.fillStyle = colours.accent;
    pen.fillRect(0, height / 2 - 2, x, 4);
    pen.beginPath();
    pen.arc(x, height / 2, 7, 0, 2 * Math.PI);
    pen.fill();
  };
  const place = useSize((width, height, ratio) => {
    size.current = { width, height, ratio };
    paint();
  });
  useEffect(() => player.onFrame(paint), [player]);
  const seekTo = (/** @type {PointerEvent} */ event) => {
    const box = place.current.getBoundingClientRect();
    player.seek(((event.clientX - box.left) / box.width) * player.end);
  };
  return html`
    <div class="scrubber" ref=${place} role="slider" tabindex="0" aria-label=${t("Time line")} aria-valuemin="0" aria-valuemax=${Math.round(end / 1000)}
      aria-valuenow=${Math.round(at / 1000)} aria-valuetext=${clockTime(at)}
      onPointerDown=${(/** @type {PointerEvent} */ event) => { place.current.setPointerCapture(event.pointerId); seekTo(event); }}
      onPointerMove=${(/** @type {PointerEvent} */ event) => { if (place.current.hasPointerCapture(event.pointerId)) seekTo(event); }}>
      <canvas></canvas>
    </div>`;
}
