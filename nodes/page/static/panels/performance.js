// How many transactions a second, and how long they waited, as they grow.
import { html, useEffect, useRef, useState, useStore } from "../view.js";
import { palette } from "../views/canvas.js";
import { t } from "../words.js";

const POINTS = 240;
const AGAIN_MS = 500;
const HEIGHT = 190;

/** @type {Promise<any> | null} */
let loading = null;

/** uPlot comes when the first chart is drawn. @returns {Promise<any>} */
function loadPlot() {
  loading ??= new Promise((resolve, reject) => {
    const style = document.createElement("link");
    style.rel = "stylesheet";
    style.href = "/page/static/vendor/uplot.css";
    const script = document.createElement("script");
    script.src = "/page/static/vendor/uplot.js";
    script.onload = () => resolve(Reflect.get(window, "uPlot"));
    script.onerror = reject;
    document.head.append(style, script);
  });
  return loading;
}

/** @type {import("./index.js").Panel} */
export const panel = {
  id: "performance",
  title: () => t("Performance"),
  needs: () => true,
  Panel: Performance,
};

/** @param {{ store: import("../store.js").Store, player: import("../player/player.js").Player }} props */
export function Performance({ store, player }) {
  useStore(store, (state) => state.lang);
  return html`
    <figure class="chart"><figcaption>${t("Transactions a second")}</figcaption>
      <${Chart} store=${store} player=${player} pick=${ratesOf} lines=${[["accent", t("executed")]]} unit="" isLog=${false} /></figure>
    <figure class="chart"><figcaption>${t("Latency from handing in to execution, in ms")}</figcaption>
      <${Chart} store=${store} player=${player} pick=${latenciesOf} lines=${[["say-C", "p50"], ["warn", "p99"]]} unit="ms" isLog=${true} /></figure>`;
}

/** @param {import("../player/player.js").Player} player */
function ratesOf(player) {
  const { t: seconds, rate } = player.series.course(POINTS);
  return [seconds, rate.map((value, at) => (seconds[at] * 1e6 <= player.now() ? value : null))];
}

/** @param {import("../player/player.js").Player} player */
function latenciesOf(player) {
  const { t: seconds, p50, p99 } = player.series.course(POINTS);
  const past = (/** @type {(number | null)[]} */ values) => values.map((value, at) => (seconds[at] * 1e6 <= player.now() ? value : null));
  return [seconds, past(p50), past(p99)];
}

/**
 * @param {{ store: import("../store.js").Store, player: import("../player/player.js").Player, pick: (player: any) => (number | null)[][],
 *   lines: [string, string][], unit: string, isLog: boolean }} props
 */
function Chart({ store, player, pick, lines, unit, isLog }) {
  const place = useRef(/** @type {HTMLElement | null} */ (null));
  const words = lines.map((line) => line[1]).join();
  const theme = useStore(store, (state) => state.theme);
  const [isLost, setLost] = useState(false);
  useEffect(() => {
    /** @type {any} */
    let plot = null;
    let isOver = false;
    let drawn = 0;
    /** @type {any} */
    let later = 0;
    const draw = () => {
      if (isOver || !plot) return;
      const early_ms = drawn + AGAIN_MS - performance.now();
      if (early_ms > 0) {
        later ||= setTimeout(draw, early_ms + 1); // else what came last would never be drawn where it stands still
        return;
      }
      drawn = performance.now();
      later = 0;
      plot.setData(pick(player));
    };
    const sizes = new ResizeObserver(() => plot && place.current && plot.setSize({ width: place.current.clientWidth, height: HEIGHT }));
    loadPlot().then((uPlot) => {
      if (isOver || !place.current) return;
      plot = new uPlot(optionsOf(place.current.clientWidth, player, lines, unit, isLog, uPlot), pick(player), place.current);
      drawn = performance.now();
      sizes.observe(place.current);
    }, () => {
      if (!isOver) setLost(true);
    });
    const ends = [player.onFrame(draw), player.onChange(draw)];
    return () => {
      isOver = true;
      clearTimeout(later);
      sizes.disconnect();
      for (const end of ends) end();
      plot?.destroy();
    };
  }, [player, words, theme]);
  return html`<div ref=${place} class="plot">${isLost && t("The charts did not load: open the page anew.")}</div>`;
}

/** Lines at powers of ten alone. @param {any} _plot @param {number[]} splits */
function wholePowers(_plot, splits) {
  return splits.map((split) => (Math.abs(Math.log10(split) - Math.round(Math.log10(split))) < 1e-9 ? split : null));
}

/** @param {number} width @param {import("../player/player.js").Player} player @param {[string, string][]} lines @param {string} unit @param {boolean} isLog @param {any} uPlot */
function optionsOf(width, player, lines, unit, isLog, uPlot) {
  const colours = palette();
  const axis = { stroke: colours.muted, grid: { stroke: colours.line, width: 1 }, ticks: { stroke: colours.line, width: 1 }, font: `12px ${colours.font}` };
  const said = (/** @type {number | null} */ value) => (value === null || value === undefined ? "–" : `${Number(value.toPrecision(3))}${unit ? ` ${unit}` : ""}`);
  return {
    width, height: HEIGHT, cursor: { y: false, drag: { x: false } }, legend: { live: true },
    scales: {
      x: { time: false, range: () => [player.begin / 1e6, Math.max(player.end / 1e6, player.begin / 1e6 + 0.001)] },
      y: isLog ? { distr: 3 } : { range: (/** @type {any} */ _plot, /** @type {number} */ _low, /** @type {number} */ high) => [0, Math.max(1, high * 1.08)] },
    },
    axes: [{ ...axis, values: (/** @type {any} */ _plot, /** @type {number[]} */ ticks) => ticks.map((tick) => `${Number(tick.toPrecision(6))} s`) },
      { ...axis, size: 56, ...(isLog ? { grid: { ...axis.grid, filter: wholePowers }, ticks: { ...axis.ticks, filter: wholePowers } } : {}) }],
    series: [
      { label: "s", value: (/** @type {any} */ _plot, /** @type {number | null} */ value) => (value === null ? "–" : value.toFixed(2)) },
      ...lines.map(([colour, label]) => {
        const stroke = colours[/** @type {keyof typeof colours} */ (colour)];
        return {
          label, stroke, width: 1.8, spanGaps: false, value: (/** @type {any} */ _plot, /** @type {number | null} */ value) => said(value),
          paths: uPlot.paths.stepped({ align: 1 }), points: { show: false }, fill: isLog ? undefined : `${stroke}22`,
        };
      }),
    ],
  };
}
