// A canvas that is as sharp as the screen and as wide as its place, and the colours of the page for it.
import { useEffect, useRef } from "../view.js";

const NAMES = /** @type {const} */ ([
  "ink", "muted", "faint", "line", "surface", "ground", "accent", "good", "bad", "warn", "hue-0", "hue-1", "hue-2", "hue-3", "hue-4",
  "hue-5", "hue-6", "say-P", "say-V", "say-C", "say-S", "say-X", "say-N", "say-Q", "part-V", "part-C",
]);
/** @typedef {Record<typeof NAMES[number], string> & { font: string, key: string }} Palette */

/** @type {Palette | null} */
let held = null;
let heldKey = "";

/** The colours of now, read once for each theme. @returns {Palette} */
export function palette() {
  const key = `${document.documentElement.dataset.theme ?? ""}${matchMedia("(prefers-color-scheme: dark)").matches}`;
  if (held && key === heldKey) return held;
  const style = getComputedStyle(document.documentElement);
  const found = Object.fromEntries(NAMES.map((name) => [name, style.getPropertyValue(`--${name}`).trim() || "#888"]));
  held = /** @type {Palette} */ ({ ...found, font: style.getPropertyValue("--font").trim() || "sans-serif", key });
  heldKey = key;
  return held;
}

/**
 * A place whose canvases follow its size. `paint` is told of each new size, and when the theme turns.
 * @param {(width: number, height: number, ratio: number) => void} paint
 * @returns {{ current: any }} for the `ref` of the element around the canvases
 */
export function useSize(paint) {
  const place = useRef(/** @type {HTMLElement | null} */ (null));
  const painter = useRef(paint);
  painter.current = paint;
  useEffect(() => {
    const element = place.current;
    if (!element) return undefined;
    const again = () => {
      const { width, height } = element.getBoundingClientRect();
      const ratio = Math.min(2, devicePixelRatio || 1);
      for (const canvas of element.querySelectorAll("canvas")) fit(canvas, width, height, ratio);
      painter.current(width, height, ratio);
    };
    const sizes = new ResizeObserver(again);
    sizes.observe(element);
    const theme = matchMedia("(prefers-color-scheme: dark)");
    theme.addEventListener("change", again);
    const attributes = new MutationObserver(again);
    attributes.observe(document.documentElement, { attributeFilter: ["data-theme", "lang", "class"] });
    return () => {
      sizes.disconnect();
      attributes.disconnect();
      theme.removeEventListener("change", again);
    };
  }, []);
  return place;
}

/**
 * Paints no more often than that while it plays: what moves slowly need not be painted 60 times a second. At once where it stands still.
 * @param {import("../player/player.js").Player} player @param {() => void} paint @param {number} every_ms
 */
export function paced(player, paint, every_ms) {
  let last = 0;
  return () => {
    const now = performance.now();
    if (player.playing && now - last < every_ms) return;
    last = now;
    paint();
  };
}

/** @param {HTMLCanvasElement} canvas @param {number} width @param {number} height @param {number} ratio */
function fit(canvas, width, height, ratio) {
  const [across, down] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== across) canvas.width = across;
  if (canvas.height !== down) canvas.height = down;
}

/** The pen of a canvas, in CSS pixels; the canvas is empty. @param {HTMLCanvasElement} canvas @param {number} ratio */
export function freshPen(canvas, ratio) {
  const pen = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.clearRect(0, 0, canvas.width / ratio, canvas.height / ratio);
  return pen;
}
