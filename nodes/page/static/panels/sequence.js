// Who said what to whom about one height: a message-sequence diagram.
import { html, useMemo, useState, useStore } from "../view.js";
import { t } from "../words.js";
import { duration } from "./numbers.js";
import { Busy, Refusal, jumpTo, pathOf, useAnswer, useRecordCount, useSlowly } from "./parts.js";
import { notedDiagram } from "./sequence_notes.js";
import { countsOf, layout, letterOf, plainKind, spanOf } from "./sequence_layout.js";
import { harmless, shortened } from "../text.js";

const WIDTH = 640;
const ROWS = 400;
const PATIENCE_MS = 900;

/** @typedef {import("./parts.js").Props} Props */
/** @typedef {import("./sequence_layout.js").Diagram} Diagram */

export const panel = { id: "sequence", title: () => t("Messages"), needs: (/** @type {import("../store.js").About} */ about) => about.n > 1, Panel: Sequence };

/** @param {Props} props */
function Sequence({ store, player }) {
  const lang = useStore(store, (state) => state.lang);
  const known = useRecordCount(player);
  const now = useSlowly(useStore(store, (state) => Math.max(1, player.heightAt(state.t))), PATIENCE_MS);
  const [chosen, setHeight] = useState(0);
  const height = chosen || now;
  const [wanted, setWanted] = useState(0);
  const is_exact_asked = wanted === height;
  const { value, refused, busy } = useAnswer(is_exact_asked ? pathOf(["sequence", String(height)], { lang }) : "");
  const said = t("Drawn from what members noted, as beside it on the ring.");
  const noted = useMemo(() => notedDiagram(player, height, said), [player, height, known, said]);
  const diagram = /** @type {Diagram | null} */ ((is_exact_asked && value) || noted);
  const move = (/** @type {number} */ next) => {
    setHeight(next);
    jumpTo(player, next);
  };
  return html`<div class="sequence" aria-busy=${busy}>
    <div class="fields">
      <p class="field"><label for="sequence-height">${t("height")}</label>
        <input id="sequence-height" type="number" min="1" value=${height}
          onChange=${(/** @type {any} */ event) => setHeight(Math.max(1, Math.trunc(Number(event.currentTarget.value)) || 1))} /></p>
      <button type="button" onClick=${() => move(Math.max(1, height - 1))}>${t("the one before")}</button>
      <button type="button" onClick=${() => move(height + 1)}>${t("the next")}</button>
      <button type="button" aria-pressed=${String(chosen === 0)} onClick=${() => setHeight(0)}>${t("the one of this moment")}</button>
      ${canBeExact(player) ? html`<button type="button" onClick=${() => setWanted(height)} disabled=${is_exact_asked}>${t("exactly")}</button>` : null}
      <${Busy} busy=${busy} />
    </div>
    ${busy ? html`<p class="quiet">${t("For the exact messages the server repeats the run up to this height, which may take a while.")}</p>` : null}
    <${Refusal} refused=${refused} />
    ${diagram ? html`<${Drawn} diagram=${diagram} store=${store} />` : html`<p class="quiet">${t("Nobody noted anything of this height.")}</p>`}
  </div>`;
}

/** Whether the source may know every message: a run's folder. @param {import("./parts.js").Player} player */
function canBeExact(player) {
  return player.about.source === "run";
}

/** @param {{ diagram: Diagram, store: import("../store.js").Store }} props */
function Drawn({ diagram, store }) {
  const drawn = layout(diagram, WIDTH);
  const counts = countsOf(diagram.messages);
  const title = t("Height {height}: {count} messages among {members} members", { height: diagram.height, count: diagram.messages.length, members: diagram.members.length });
  return html`<figure class="sequence-figure">
    <figcaption>
      <strong>${title}</strong>
      <span class=${diagram.exact ? "tag exact" : "tag"}>${diagram.exact ? t("exact") : t("from what members noted")}</span>
      <span class="quiet">${harmless(diagram.said)}</span>
    </figcaption>
    <ul class="legend">${counts.map(([kind, many]) => html`<li key=${kind} class=${`message-${plainKind(kind)}`}><b>${letterOf(kind)}</b> ${shortened(kind)} × ${many}</li>`)}</ul>
    <div class="scrolls" tabindex="0" role="region" aria-label=${title}>
      <svg class="sequence-drawing" role="img" aria-label=${title} viewBox=${`0 0 ${drawn.width} ${drawn.height}`}>
        <${Lanes} drawn=${drawn} />
        ${drawn.arrows.map((each) => html`<${ArrowDrawn} each=${each} />`)}
        ${drawn.marks.map((each) => html`<g class="sequence-mark"><circle cx=${each.x} cy=${each.y} r="4.5" />
          <title>${`${harmless(each.member)} ${harmless(each.kind)}`}</title></g>`)}
        <${Cursor} diagram=${diagram} drawn=${drawn} store=${store} />
      </svg>
    </div>
    <${AsTable} diagram=${diagram} />
  </figure>`;
}

/** @param {{ drawn: ReturnType<typeof layout> }} props */
function Lanes({ drawn }) {
  return html`<g class="sequence-lanes">
    ${drawn.ticks.map((tick) => html`<line class="tick" x1=${tick.x} x2=${tick.x} y1="20" y2=${drawn.foot} />
      <text class="tick" x=${tick.x} y=${drawn.foot + 18} text-anchor="middle">${duration(tick.after_us)}</text>`)}
    ${drawn.lanes.map((lane) => html`<text class="lane" x="4" y=${lane.y + 4}>${shortened(lane.name)}</text>
      <line class="lane" x1="104" x2=${drawn.width - 10} y1=${lane.y} y2=${lane.y} />`)}
  </g>`;
}

/** @param {{ each: import("./sequence_layout.js").Arrow }} props */
function ArrowDrawn({ each }) {
  const angle = Math.atan2(each.y2 - each.y1, each.x2 - each.x1);
  const head = [-0.4, 0.4].map((turn) => `${(each.x2 - 7 * Math.cos(angle + turn)).toFixed(1)},${(each.y2 - 7 * Math.sin(angle + turn)).toFixed(1)}`);
  const took = each.got_us === null ? t("not heard") : duration(each.got_us - each.sent_us);
  return html`<g class=${`arrow message-${plainKind(each.kind)}${each.lost ? " is-lost" : ""}`}>
    <title>${`${harmless(each.kind)}: ${harmless(each.from)} → ${harmless(each.to)}, ${took}`}</title>
    <line x1=${each.x1} y1=${each.y1} x2=${each.x2} y2=${each.y2} />
    <polygon points=${`${each.x2.toFixed(1)},${each.y2.toFixed(1)} ${head.join(" ")}`} />
  </g>`;
}

/** The player's moment, where it lies within the diagram. @param {{ diagram: Diagram, drawn: ReturnType<typeof layout>, store: import("../store.js").Store }} props */
function Cursor({ diagram, drawn, store }) {
  const at = useStore(store, (state) => state.t);
  const span = spanOf(diagram);
  if (at < span.begin_us || at > span.end_us) return null;
  const first = drawn.ticks[0];
  const x = (first?.x ?? 0) + ((at - span.begin_us) / (span.end_us - span.begin_us)) * (drawn.width - 24 - (first?.x ?? 0));
  return html`<line class="cursor" x1=${x} x2=${x} y1="12" y2=${drawn.foot} />`;
}

/** The same for those who read it, or have it read to them. @param {{ diagram: Diagram }} props */
function AsTable({ diagram }) {
  const rows = diagram.messages.slice(0, ROWS);
  const begin_us = spanOf(diagram).begin_us;
  return html`<details><summary>${t("as a table")}</summary>
    <div class="scrolls" tabindex="0" role="region" aria-label=${t("messages as a table")}>
      <table class="told">
        <thead><tr><th scope="col">${t("message")}</th><th scope="col">${t("from")}</th><th scope="col">${t("to")}</th>
          <th scope="col" class="number">${t("said after")}</th><th scope="col" class="number">${t("on the way")}</th></tr></thead>
        <tbody>${rows.map((each, place) => html`<tr key=${place}><td>${shortened(each.kind)}</td><td>${shortened(each.from)}</td><td>${shortened(each.to)}</td>
          <td class="number">${duration(each.sent_us - begin_us)}</td>
          <td class="number">${each.got_us === null ? t("not heard") : duration(each.got_us - each.sent_us)}</td></tr>`)}</tbody>
      </table>
      ${diagram.messages.length > ROWS ? html`<p class="quiet">${t("and {count} more", { count: diagram.messages.length - ROWS })}</p>` : null}
    </div>
  </details>`;
}
