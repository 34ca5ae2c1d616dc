// The ring: the members around, what they do, who leads, what they say to each other; in the middle how a height gathers
// its quorum; below it the newest heights as a chain, and in words what is drawn.
import { count, short, span } from "../format.js";
import { MESSAGES } from "../player/flights.js";
import { Stage } from "../player/stage.js";
import { html, useEffect, useMemo, useRef, useState, useStore } from "../view.js";
import { t } from "../words.js";
import { freshPen, paced, palette, useSize } from "./canvas.js";
import { heightAt, paintChain } from "./chain.js";
import { FlightPainter } from "./flights_paint.js";
import { layOut, paintRing } from "./ring_paint.js";

const MEMBERS_MS = 30;
const CHAIN_MS = 60;
const RECENT_US = 1_000_000; // figures are of the last second
const NEVER = 1e15;
const LATELY_US = 5_000_000; // live: blocks are rarer

/** @typedef {{ store: import("../store.js").Store, player: import("../player/player.js").Player }} Props */

/** @param {Props} props */
export function Scene({ store, player }) {
  const [drawn, say] = useState({ of: 1, slower: 1, isSlowed: false, ofMessages: 1 });
  return html`
    <${Figures} store=${store} player=${player} />
    <${Ring} store=${store} player=${player} onDrawn=${say} />
    <${Chain} store=${store} player=${player} />
    <${Legend} store=${store} player=${player} drawn=${drawn} />`;
}

/** @param {Props & { onDrawn: (drawn: any) => void }} props */
function Ring({ store, player, onDrawn }) {
  useStore(store, (state) => state.lang);
  const size = useRef({ width: 0, height: 0, ratio: 1 });
  const stage = useMemo(() => new Stage(player), [player]);
  stage.isStill = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const painter = useMemo(() => new FlightPainter(), []);
  const told = useRef(0);
  const shownNow = useRef(/** @type {{ layout: import("./ring_paint.js").Layout | null, scene: import("../player/stage.js").Scene | null }} */ ({ layout: null, scene: null }));
  const paint = () => {
    const { width, height, ratio } = size.current;
    const canvases = place.current?.querySelectorAll("canvas");
    if (!canvases || width < 50) return;
    const colours = palette();
    const layout = layOut(player.about.members.length, width, height);
    const shown = stage.look(performance.now());
    shownNow.current = { layout, scene: shown.scenes[0] ?? null };
    const of = painter.paint(freshPen(canvases[0], ratio), layout, shown, colours, ratio);
    if (performance.now() - told.current > 500) {
      told.current = performance.now();
      onDrawn({ of: shown.of, slower: shown.slower, isSlowed: shown.isSlowed, ofMessages: of });
    }
  };
  const paintMembers = () => {
    const canvas = place.current?.querySelectorAll("canvas")[1];
    const { layout, scene } = shownNow.current;
    if (!canvas || !layout) return;
    const state = player.stateAt(player.now());
    paintRing(freshPen(canvas, size.current.ratio), layout, { player, state, scene, colours: palette() });
  };
  const place = useSize((width, height, ratio) => {
    size.current = { width, height, ratio };
    paint();
    paintMembers();
  });
  useEffect(() => {
    const ends = [player.onFrame(paint), player.onFrame(paced(player, paintMembers, MEMBERS_MS))];
    return () => ends.forEach((end) => end());
  }, [player]);
  return html`
    <div class="ring" ref=${place} role="img" aria-label=${t("The ring of the members. The panel Members says the same in a table.")}>
      <canvas></canvas><canvas></canvas>
    </div>`;
}

/** @param {Props} props */
function Chain({ store, player }) {
  useStore(store, (state) => state.lang);
  const size = useRef({ width: 0, height: 0, ratio: 1 });
  const paint = () => {
    const { width, height, ratio } = size.current;
    const canvas = place.current?.querySelector("canvas");
    if (!canvas || width < 50) return;
    const moment = player.now();
    paintChain(freshPen(canvas, ratio), { width, height }, player, moment, player.heightAt(moment), palette());
  };
  const place = useSize((width, height, ratio) => {
    size.current = { width, height, ratio };
    paint();
  });
  useEffect(() => player.onFrame(paced(player, paint, CHAIN_MS)), [player]);
  const goTo = (/** @type {MouseEvent} */ event) => {
    const box = place.current.getBoundingClientRect();
    const height = heightAt(event.clientX - box.left, box.width, player);
    const begun = player.heights.span(height)?.from;
    if (begun === undefined) return;
    player.pause();
    player.seek(begun);
  };
  return html`<div class="chain" ref=${place} role="img" onClick=${goTo} title=${t("Click on a height to see it from its begin")} aria-label=${t("The newest heights: a column each, a cell for each member")}><canvas></canvas></div>`;
}

/** @param {Props} props */
export function Figures({ store, player }) {
  const at = useStore(store, (state) => state.t);
  useStore(store, (state) => state.lang);
  const state = player.stateAt(at);
  const line = useStore(store, (all) => all.line);
  const isLive = player.about.source === "live";
  const isUnknown = isLive && line === "lost" && player.following; // nobody says what goes on now
  const now = player.series.figures(isUnknown ? NEVER : at, isLive ? LATELY_US : RECENT_US);
  const leader = player.nameOf(state.leader);
  const figures = [
    [t("height"), count(state.head)],
    [t("transactions"), count(state.transactions)],
    [t("a second"), now.rate || !isLive ? count(now.rate) : "–"],
    ["p50", now.p50 ? span(now.p50) : "–"],
    ["p99", now.p99 ? span(now.p99) : "–"],
    [t("leader"), leader || "–"],
  ];
  return html`<dl class="figures">${figures.map(([word, value]) => html`<div key=${word}><dt>${word}</dt><dd>${value}</dd></div>`)}</dl>`;
}

/** @param {Props & { drawn: { of: number, slower: number, isSlowed: boolean, ofMessages: number } }} props */
function Legend({ store, player, drawn }) {
  const sampled = useStore(store, (state) => state.about.sampled);
  useStore(store, (state) => state.lang);
  const words = player.about.protocol === "hotstuff" ? MESSAGES.hotstuff : MESSAGES.pbft;
  return html`<div class="legend">
    <ul>${Object.entries(words).map(([letter, word]) => html`<li key=${letter}><i class=${`say say-${letter}`}>${letter}</i>${word}</li>`)}</ul>
    <p>${drawnWords(drawn)}${sampled > 1 && ` ${t("The server sends the messages of one of {k} heights.", { k: sampled })}`}</p>
  </div>`;
}

/** @param {{ of: number, slower: number, isSlowed: boolean, ofMessages: number }} drawn */
function drawnWords({ of, slower, isSlowed, ofMessages }) {
  if (isSlowed && of > 1) return t("Drawn from what members noted: one of {of} heights, {slower} times slower than the clock.", { of, slower: short(slower) });
  if (isSlowed) return t("Drawn from what members noted, {slower} times slower than the clock.", { slower: short(slower) });
  if (ofMessages > 1) return t("Drawn from what members noted: one of {of} messages.", { of: ofMessages });
  return t("Drawn from what members noted.");
}
