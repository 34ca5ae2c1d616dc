// The story of one thing: a claim from bill to payment, a pack from producer to sale, a block, a member, an account.
import { html, useEffect, useState, useStore } from "../view.js";
import { t } from "../words.js";
import { hasLedger } from "./blocks.js";
import { reachedAt, stagesOf } from "./life.js";
import { AsOf, AtHeight, Busy, Linked, Refusal, Table, jumpTo, pathOf, useAnswer, useAsker, useSlowly } from "./parts.js";
import { harmless, shortened } from "../text.js";

const PATIENCE_MS = 250;
const UNCHANGED = ["block", "transaction"]; // at its end the ledger says the same of them
const FOUND_MIN = 2; // letters before anything is looked for

/** @typedef {import("./parts.js").Link} Link */
/** @typedef {import("./parts.js").Props} Props */
/** @typedef {{ kind: string, id: string, heading: string, sections: import("./parts.js").Section[], notes: string[], content: any, height?: number, links?: Link[] }} Story */

export const panel = {
  id: "story",
  title: () => t("Stories"),
  needs: hasLedger,
  Panel: StoryPanel,
};

/** @param {Props} props */
function StoryPanel({ store, player }) {
  const { eyes, lang } = useAsker(store);
  const selection = useStore(store, (state) => state.selection);
  const path = selection ? pathOf(["story", selection.kind, selection.id], { eyes, lang }) : "";
  const { value, refused, busy } = useAnswer(path);
  const story = /** @type {Story | null} */ (value);
  return html`<div class="story" aria-busy=${busy}>
    <${Search} store=${store} />
    ${selection ? null : html`<${Hint} />`}
    <${Busy} busy=${busy} />
    <${Refusal} refused=${refused} />
    ${story && selection ? html`<${StoryTold} store=${store} player=${player} story=${story} />` : null}
  </div>`;
}

function Hint() {
  return html`<p class="lead">
    ${t("Everything on the ledger has a story: look for a bill, a claim, a pack by its trace code, an account, a member, or a block by its height. Names in every panel lead here.")}
  </p>`;
}

/** @param {{ store: import("../store.js").Store }} props */
function Search({ store }) {
  const [text, setText] = useState("");
  const lang = useStore(store, (state) => state.lang);
  const slow = useSlowly(text.trim(), PATIENCE_MS);
  const { value, refused } = useAnswer(slow.length < FOUND_MIN ? "" : pathOf(["find"], { text: slow, lang }));
  const found = /** @type {{ kind: string, id: string, words?: string }[]} */ (slow.length < FOUND_MIN ? [] : (value ?? []));
  const open = (/** @type {Link | undefined} */ link) => {
    if (!link) return;
    setText("");
    store.set({ selection: { kind: link.kind, id: link.id } });
  };
  /** @param {Event} event */
  const submit = (event) => {
    event.preventDefault();
    open(found[0]);
  };
  return html`<form class="search" role="search" onSubmit=${submit}>
    <label for="find">${t("Find by the first letters or digits")}</label>
    <input id="find" type="search" autocomplete="off" spellcheck="false" value=${text}
      placeholder=${t("a bill, a claim, a trace code, an account, a height")}
      onInput=${(/** @type {any} */ event) => setText(event.currentTarget.value)} />
    <p class="quiet" role="status">
      ${slow.length >= FOUND_MIN && value ? t("{count} found", { count: found.length }) : ""}
    </p>
    <${Refusal} refused=${slow.length < FOUND_MIN ? null : refused} />
    <ul class="found">
      ${found.map((each) => html`<li key=${`${each.kind}/${each.id}`}>
        <button type="button" class="thing" onClick=${() => open(each)}>${each.kind} ${shortened(each.id)}</button>
        <span class="quiet">${shortened(each.words ?? "")}</span>
      </li>`)}
    </ul>
  </form>`;
}

/** @param {Props & { story: Story }} props */
export function StoryTold({ store, player, story }) {
  const told = story.sections.filter((section) => section.rows.length > 0);
  const stage = useStage(store, player, story);
  return html`<article class="told-story">
    <h3><${Linked} store=${store} text=${story.heading} /></h3>
    ${UNCHANGED.includes(story.kind) ? null : html`<${AsOf} store=${store} player=${player} height=${story.height} now=${stage} />`}
    <${Life} store=${store} player=${player} story=${story} />
    <${Steps} player=${player} story=${story} store=${store} />
    ${told.map((section, place) => html`<${Table} key=${place} store=${store} section=${section} links=${story.links} />`)}
    ${story.notes.map((note) => html`<p class="note"><${Linked} store=${store} text=${note} links=${story.links} /></p>`)}
  </article>`;
}

/** The last stage that was reached at this moment; undefined of what has none. @param {import("../store.js").Store} store @param {import("../player/player.js").Player} player @param {Story} story */
function useStage(store, player, story) {
  const height = useStore(store, (state) => player.heightAt(state.t));
  const stages = stagesOf(story.kind, story.content ?? {});
  if (stages.every((stage) => stage.step === null)) return undefined;
  const reached = reachedAt(stages, height);
  return reached ? t(reached.name) : t("not begun yet");
}

/** The stages of a life as a rail: which are reached at this moment, and a jump to each. @param {Props & { story: Story }} props */
function Life({ store, player, story }) {
  const height = useStore(store, (state) => player.heightAt(state.t));
  const stages = stagesOf(story.kind, story.content ?? {});
  if (stages.every((stage) => stage.step === null)) return null;
  return html`<div class="life">
    <ol class="rail">
      ${stages.map((stage) => {
        const is_reached = stage.step !== null && stage.step.height <= height;
        const state = is_reached ? "is-reached" : stage.refused ? "is-refused" : stage.step ? "is-coming" : "is-open";
        return html`<li key=${stage.name} class=${state}>
          <span class="dot" aria-hidden="true"></span>
          <span class="stage">${t(stage.name)}</span>
          ${stage.step
            ? html`<${AtHeight} player=${player} height=${stage.step.height} text=${t("block {height}", { height: stage.step.height })} />`
            : html`<span class="quiet">${stage.refused ? t("refused") : t("not yet")}</span>`}
        </li>`;
      })}
    </ol>
  </div>`;
}

/** One button a step: what was said of this thing, block by block. @param {Props & { story: Story }} props */
function Steps({ store, player, story }) {
  const steps = /** @type {import("./life.js").Step[]} */ (story.content?.steps ?? []);
  const height = useStore(store, (state) => player.heightAt(state.t));
  const [at, setAt] = useState(-1);
  useEffect(() => setAt(-1), [story.id]);
  if (story.kind === "block" || steps.length < 2) return null;
  const now = at >= 0 ? at : steps.filter((step) => step.height <= height).length - 1;
  const go = (/** @type {number} */ place) => {
    const step = steps[Math.min(Math.max(place, 0), steps.length - 1)];
    if (!step) return;
    setAt(steps.indexOf(step));
    jumpTo(player, step.height);
  };
  const shown = steps[Math.max(now, 0)];
  return html`<div class="steps" role="group" aria-label=${t("Step by step")}>
    <button type="button" onClick=${() => go(now - 1)} disabled=${now <= 0}>${t("step back")}</button>
    <button type="button" onClick=${() => go(now + 1)} disabled=${now >= steps.length - 1}>${t("step on")}</button>
    <span role="status">
      ${now < 0 || !shown ? t("before its first entry in the ledger") : t("entry {place} of {all} in the ledger, block {height}, by {member}: {what}", {
          place: now + 1,
          all: steps.length,
          member: shortened(shown.member || "genesis"),
          what: harmless(shown.said ?? shown.operation),
          height: shown.height,
        })}
    </span>
  </div>`;
}
