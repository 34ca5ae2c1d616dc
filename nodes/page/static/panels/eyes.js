// Whose eyes one looks through. What is withheld from them is said, not hidden.
import { ask } from "../ask.js";
import { html, useEffect, useState, useStore } from "../view.js";
import { t } from "../words.js";
import { hasLedger } from "./blocks.js";
import { AsOf, Thing, pathOf, refusalOf } from "./parts.js";
import { shortened } from "../text.js";

/** @typedef {import("./parts.js").Props} Props */
const SENTENCE = 240;

/** @typedef {{ name: string, state: "asked" | "shown" | "withheld" | "failed", said: string, height?: number }} Look */

export const panel = {
  id: "eyes",
  title: () => t("Eyes"),
  needs: (/** @type {import("../store.js").About} */ about) => hasLedger(about) && about.eyes.length > 0,
  Panel: Eyes,
};

/** @param {Props} props */
function Eyes({ store, player }) {
  const about = useStore(store, (state) => state.about);
  const eyes = useStore(store, (state) => state.eyes);
  return html`<div class="eyes">
    <p class="lead">
      ${t("Every member keeps the same ledger, but not everybody may ask for everything. Choose whose eyes you look through: blocks, stories and findings are then answered as that member would be answered.")}
    </p>
    <fieldset class="choices">
      <legend>${t("Look through the eyes of")}</legend>
      ${about.eyes.map((name) => html`<${Choice} key=${name} store=${store} name=${name} chosen=${eyes === name} />`)}
      <${Choice} store=${store} name="" chosen=${eyes === ""} />
    </fieldset>
    <${Compared} store=${store} player=${player} />
  </div>`;
}

/** @param {{ store: import("../store.js").Store, name: string, chosen: boolean }} props */
function Choice({ store, name, chosen }) {
  const role = store.get().about.members.find((each) => each.name === name)?.role ?? "";
  return html`<label class="choice">
    <input type="radio" name="eyes" value=${name} checked=${chosen} onChange=${() => store.set({ eyes: name })} />
    <span>${name === "" ? t("nobody in particular: a supervisor") : shortened(name)}</span>
    ${role ? html`<span class="quiet">${role}</span>` : null}
  </label>`;
}

/** The same thing through all eyes, one beside the other. @param {Props} props */
function Compared({ store, player }) {
  const selection = useStore(store, (state) => state.selection);
  const lang = useStore(store, (state) => state.lang);
  const names = store.get().about.eyes;
  const [looks, setLooks] = useState(/** @type {Look[]} */ ([]));
  const key = selection ? `${selection.kind}/${selection.id}/${lang}` : "";
  useEffect(() => setLooks([]), [key]);
  if (!selection) {
    return html`<p class="quiet">${t("Open a story, say of a claim; then come back to see who may see it.")}</p>`;
  }
  const look = async () => {
    setLooks(names.map((name) => ({ name, state: "asked", said: "" })));
    for (const name of names) {
      const seen = await lookOf(name, pathOf(["story", selection.kind, selection.id], { eyes: name, lang }));
      setLooks((before) => before.map((each) => (each.name === name ? seen : each)));
    }
  };
  return html`<section class="compared" aria-labelledby="who-may">
    <h3 id="who-may">${t("Who may see {kind} {id}?", { kind: selection.kind, id: shortened(selection.id) })}</h3>
    <p><button type="button" onClick=${look}>${t("Ask with everybody's eyes")}</button>
      <${Thing} store=${store} link=${selection} text=${t("open its story")} /></p>
    <${AsOf} store=${store} player=${player} height=${looks.find((each) => each.height !== undefined)?.height} />
    <ul class="looks" aria-live="polite">
      ${looks.map((each) => html`<li key=${each.name} class=${`look is-${each.state}`}>
        <span class="member">${shortened(each.name)}</span> <strong>${stateWord(each.state)}</strong> <span>${each.said}</span>
      </li>`)}
    </ul>
  </section>`;
}

/** @param {Look["state"]} state */
function stateWord(state) {
  if (state === "shown") return t("is shown it");
  if (state === "withheld") return t("is refused");
  return state === "asked" ? t("is asked…") : t("got no answer");
}

/** What one member is answered. @param {string} name @param {string} path @returns {Promise<Look>} */
async function lookOf(name, path) {
  try {
    const story = await ask(path);
    return { name, state: "shown", said: shortened(String(story.heading ?? ""), SENTENCE), height: story.height };
  } catch (error) {
    const refused = refusalOf(error);
    return { name, state: refused.status === 403 ? "withheld" : "failed", said: refused.sentence };
  }
}
