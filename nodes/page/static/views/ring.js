// The ring: the members around, what they do, who leads; in the middle how the newest height gathers its quorum.
import { html, useEffect, useRef, useStore } from "../view.js";
import { t } from "../words.js";
import { freshPen, palette, useSize } from "./canvas.js";
import { layOut, paintRing } from "./ring_paint.js";

/** @param {{ store: import("../store.js").Store, player: import("../player/player.js").Player }} props */
export function RingView({ store, player }) {
  useStore(store, (state) => state.lang);
  const size = useRef({ width: 0, height: 0, ratio: 1 });
  const paint = () => {
    const { width, height, ratio } = size.current;
    const canvas = place.current?.querySelector("canvas");
    if (!canvas || width < 50) return;
    const pen = freshPen(canvas, ratio);
    paintRing(pen, layOut(player.about.members.length, width, height), player, player.stateAt(player.now()), palette());
  };
  const place = useSize((width, height, ratio) => {
    size.current = { width, height, ratio };
    paint();
  });
  useEffect(() => player.onFrame(paint), [player]);
  return html`
    <div class="ring" ref=${place} role="img" aria-label=${t("The ring of the members. The panel Members says the same in a table.")}>
      <canvas></canvas>
    </div>`;
}
