// Buttons that harm a consortium that runs, and mend it again. Each asks first, and says what was done.
import { ask } from "../ask.js";
import { html, useEffect, useRef, useState, useStore } from "../view.js";
import { mark, t } from "../words.js";
import { pathOf, refusalOf } from "./parts.js";
import { harmless, shortened } from "../text.js";

/** @typedef {import("./parts.js").Props} Props */
/** @typedef {{ act: string, name: string, question: string, all?: boolean }} Act */
/** @typedef {{ act: Act, targets: string[] }} Wish */

/** @type {Act[]} */
export const ACTS = [
  { act: "kill", name: mark("kill"), question: mark("Kill {targets}? The process ends at once, without a warning, as if its machine had lost power.") },
  { act: "pause", name: mark("pause"), question: mark("Pause {targets}? The process stands still and answers nothing until it is resumed.") },
  { act: "resume", name: mark("resume"), question: mark("Let {targets} go on?") },
  { act: "restart", name: mark("restart"), question: mark("Start {targets} again?") },
  { act: "partition", name: mark("partition"), question: mark("Cut {targets} off from all others?") },
];
/** @type {Act} */
const HEAL = { act: "heal", name: mark("heal"), question: mark("Let all members hear each other again?"), all: true };
const SAID_KEPT = 12;
/** Kept while one looks at another panel. @type {{ text: string, is_refused: boolean }[]} */
let kept = [];

export const panel = {
  id: "chaos",
  title: () => t("Chaos"),
  needs: (/** @type {import("../store.js").About} */ about) => about.may.chaos,
  Panel: Chaos,
};

/** @param {Props} props */
function Chaos({ store }) {
  const members = useStore(store, (state) => state.about.members);
  const f = useStore(store, (state) => state.about.f);
  const [chosen, setChosen] = useState(/** @type {string[]} */ ([]));
  const [wish, setWish] = useState(/** @type {Wish | null} */ (null));
  const [said, setSaid] = useState(kept);
  const note = (/** @type {string} */ text, is_refused = false) => {
    kept = [{ text, is_refused }, ...kept].slice(0, SAID_KEPT);
    setSaid(kept);
  };
  const toggle = (/** @type {string} */ name) => setChosen((before) => (before.includes(name) ? before.filter((each) => each !== name) : [...before, name]));
  const act = async (/** @type {Wish} */ asked) => {
    setWish(null);
    try {
      const answer = await ask(pathOf(["act"]), { body: { act: asked.act.act, targets: asked.targets } });
      note(harmless(String(answer.said)));
    } catch (error) {
      note(refusalOf(error).sentence, true);
    }
  };
  return html`<div class="chaos">
    <p class="lead">${t("This consortium is real: its processes run now. {f} of its members may fail at once, and it goes on. See what happens when you take one down, and when you take down one too many.", { f })}</p>
    <fieldset class="choices"><legend>${t("Whom")}</legend>
      ${members.map((each) => html`<label key=${each.name} class="choice">
        <input type="checkbox" name="targets" value=${each.name} checked=${chosen.includes(each.name)} onChange=${() => toggle(each.name)} />
        <span>${shortened(each.name)}</span> <span class="quiet">${each.role}</span></label>`)}
    </fieldset>
    <div class="acts" role="group" aria-label=${t("What")}>
      ${ACTS.map((each) => html`<button key=${each.act} type="button" class=${`act act-${each.act}`} disabled=${chosen.length === 0}
        onClick=${() => setWish({ act: each, targets: chosen })}>${t(each.name)}</button>`)}
      <button type="button" class="act act-heal" onClick=${() => setWish({ act: HEAL, targets: [] })}>${t(HEAL.name)}</button>
    </div>
    ${chosen.length === 0 ? html`<p class="quiet">${t("Choose a member first; to heal, nobody need be chosen.")}</p>` : null}
    ${wish ? html`<${Confirm} wish=${wish} onYes=${() => act(wish)} onNo=${() => setWish(null)} />` : null}
    <ol class="said-list" aria-live="polite" aria-label=${t("What was done")}>
      ${said.map((each, place) => html`<li key=${said.length - place} class=${each.is_refused ? "refusal" : ""}>${each.text}</li>`)}
    </ol>
  </div>`;
}

/** Asks before anything is done: Escape and the first button leave all as it is. @param {{ wish: Wish, onYes: () => void, onNo: () => void }} props */
function Confirm({ wish, onYes, onNo }) {
  const dialog = useRef(/** @type {HTMLDialogElement | null} */ (null));
  useEffect(() => dialog.current?.showModal?.(), []);
  const targets = wish.targets.map((name) => shortened(name)).join(", ");
  return html`<dialog class="confirm" ref=${dialog} aria-labelledby="confirm-question" onClose=${onNo}>
    <p id="confirm-question">${t(wish.act.question, { targets })}</p>
    <p class="buttons">
      <button type="button" autofocus onClick=${onNo}>${t("No")}</button>
      <button type="button" class="primary" onClick=${onYes}>${t("Yes: {act}", { act: t(wish.act.name) })}</button>
    </p>
  </dialog>`;
}
