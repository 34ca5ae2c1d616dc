// What the regulator found by this moment: bills claimed twice, packs sold twice, claims after a lapse or a death.
import { html, useMemo, useState, useStore } from "../view.js";
import { t } from "../words.js";
import { shortened } from "../text.js";
import { RULES, findingsOf } from "./finding_records.js";
import { count, duration, yuan } from "./numbers.js";
import { Linked, useRecordCount } from "./parts.js";

/** @typedef {import("./finding_records.js").Finding} Finding */

const SUPERVISORS = ["bureau", "regulator"];

export const panel = { id: "findings", title: () => t("Findings"), needs: () => true, Panel: Findings };

/** @param {import("./parts.js").Props} props */
function Findings({ store, player }) {
  const eyes = useStore(store, (state) => state.eyes);
  const known_records = useRecordCount(player);
  const until = useStore(store, (state) => state.t);
  const [rule, setRule] = useState("");
  const all = useMemo(() => findingsOf(player), [player, known_records]);
  const role = store.get().about.members.find((each) => each.name === eyes)?.role ?? "";
  if (eyes && !SUPERVISORS.includes(role)) {
    return html`<p class="refusal withheld" role="status">${t("The regulator's findings are its own: {member} is not told of them.", { member: eyes })}</p>`;
  }
  const known = all.filter((each) => each.t_us <= until);
  const shown = known.filter((each) => rule === "" || each.rule === rule);
  return html`<div class="findings">
    <p class="lead" role="status">${t("{known} of {all} findings of this run by this moment, the last one first.", { known: count(known.length), all: count(all.length) })}</p>
    <${Rules} known=${known} rule=${rule} onRule=${setRule} />
    ${all.length === 0 ? html`<p class="quiet">${t("The regulator has found nothing that breaks a rule.")}</p>` : null}
    <ol class="finding-list">
      ${[...shown].reverse().map((each) => html`<${FindingTold} key=${`${each.t_us}/${each.text}`} each=${each} store=${store} player=${player} />`)}
    </ol>
  </div>`;
}

/** @param {string} rule */
function ruleWords(rule) {
  const said = RULES[rule];
  return said === undefined ? shortened(rule) : t(said);
}

/** @param {{ known: Finding[], rule: string, onRule: (rule: string) => void }} props */
function Rules({ known, rule, onRule }) {
  /** @type {Map<string, number>} */
  const counts = new Map();
  for (const each of known) counts.set(each.rule, (counts.get(each.rule) ?? 0) + 1);
  if (counts.size < 2 && rule === "") return null;
  const one = (/** @type {string} */ name, /** @type {string} */ told) =>
    html`<button type="button" class="filter" aria-pressed=${String(rule === name)} onClick=${() => onRule(name)}>${told}</button>`;
  return html`<div class="filters" role="group" aria-label=${t("Show only")}>
    ${one("", t("all {count}", { count: count(known.length) }))}
    ${[...counts].map(([name, many]) => one(name, `${ruleWords(name)} ${count(many)}`))}
  </div>`;
}

/** @param {{ each: Finding } & import("./parts.js").Props} props */
function FindingTold({ each, store, player }) {
  return html`<li class="finding">
    <span class="rule">${ruleWords(each.rule)}</span>
    <span class="said"><${Linked} store=${store} text=${each.text} links=${each.links} />
      ${each.amount_fen ? html` <span class="quiet">${t("{amount} yuan", { amount: yuan(each.amount_fen) })}</span>` : null}</span>
    <button type="button" class="jump" aria-label=${`${duration(each.t_us)}: ${t("jump there")}`} onClick=${() => player.seek(each.t_us)}>${duration(each.t_us)}</button>
  </li>`;
}
