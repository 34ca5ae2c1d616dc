// A claim form and a pack scanner: what a hospital and a pharmacy would hand in, and what becomes of it.
import { ask } from "../ask.js";
import { html, useState, useStore } from "../view.js";
import { mark, t } from "../words.js";
import { Follow } from "./follow.js";
import { keep, keptOf } from "./kept.js";
import { fenOf } from "./numbers.js";
import { Busy, Refusal, pathOf, refusalOf, useAnswer } from "./parts.js";
import { harmless } from "../text.js";

/** @typedef {import("./parts.js").Props} Props */
/** @typedef {{ name: string, label: string, value: string, kind: "text" | "amount" | "day" }} Field */
/** @typedef {{ transaction: string, bill?: string, member: string, pack?: string }} Submitted */

const FORMS = /** @type {const} */ ([
  { kind: "claim", title: mark("A claim"), send: mark("Submit the claim"), lead: mark("What a hospital would hand in after a visit. The bill goes to all members, is checked, and the funds pay what the policy says.") },
  { kind: "dispense", title: mark("A pack"), send: mark("Sell this pack"), lead: mark("What a pharmacy's scanner would hand in: the trace code of a pack that is sold. Sell one twice, and see what happens.") },
]);

export const panel = {
  id: "try",
  title: () => t("Try it"),
  needs: (/** @type {import("../store.js").About} */ about) => about.may.submit,
  Panel: Try,
};

/** @param {Props} props */
function Try({ store, player }) {
  const lang = useStore(store, (state) => state.lang);
  const [member, setMember] = useState("");
  const { value, refused, busy } = useAnswer(pathOf(["forms"], { member, lang }));
  const [sent, setSent] = useState(() => keptOf(player.about));
  const add = (/** @type {Submitted} */ one) => setSent((before) => {
    keep(player.about, [one, ...before]);
    return [one, ...before];
  });
  const members = /** @type {string[]} */ (value?.members ?? []);
  return html`<div class="try" aria-busy=${busy}>
    <p class="field"><label for="try-member">${t("Hand in as")}</label>
      <select id="try-member" value=${member} onChange=${(/** @type {any} */ event) => setMember(event.currentTarget.value)}>
        <option value="">${t("whoever fits")}</option>
        ${members.map((name) => html`<option key=${name} value=${name}>${harmless(name)}</option>`)}
      </select> <${Busy} busy=${busy} /></p>
    <${Refusal} refused=${refused} />
    <div class="sent" aria-live="polite">${sent.map((each) => html`<${Follow} key=${each.transaction} sent=${each} store=${store} player=${player} />`)}</div>
    ${FORMS.map((form) => {
      const fields = /** @type {Field[] | undefined} */ (value?.[form.kind]);
      return fields && fields.length > 0 ? html`<${Form} key=${form.kind} form=${form} fields=${fields} member=${member} onSent=${add} />` : null;
    })}
  </div>`;
}

/** @param {{ form: typeof FORMS[number], fields: Field[], member: string, onSent: (sent: Submitted) => void }} props */
function Form({ form, fields, member, onSent }) {
  const [changed, setChanged] = useState(/** @type {Record<string, string>} */ ({}));
  const [refused, setRefused] = useState(/** @type {import("../ask.js").Refused | null} */ (null));
  const [busy, setBusy] = useState(false);
  const valueOf = (/** @type {Field} */ field) => changed[field.name] ?? field.value;
  const wrong = fields.find((field) => !isFit(field, valueOf(field)));
  /** @param {Event} event */
  const submit = async (event) => {
    event.preventDefault();
    setBusy(true);
    setRefused(null);
    try {
      const told = Object.fromEntries(fields.map((field) => [field.name, valueOf(field).trim()]));
      const done = await ask(pathOf(["submit"]), { body: { kind: form.kind, member, fields: told } });
      onSent(form.kind === "dispense" ? { ...done, pack: told.code } : done);
    } catch (error) {
      setRefused(refusalOf(error));
    }
    setBusy(false);
  };
  return html`<form class="hand-in" aria-labelledby=${`form-${form.kind}`} onSubmit=${submit}>
    <h3 id=${`form-${form.kind}`}>${t(form.title)}</h3>
    <p class="quiet">${t(form.lead)}</p>
    ${fields.map((field) => html`<${Input} key=${field.name} form=${form.kind} field=${field} value=${valueOf(field)}
      onValue=${(/** @type {string} */ value) => setChanged((before) => ({ ...before, [field.name]: value }))} />`)}
    <p><button type="submit" class="primary" disabled=${busy || wrong !== undefined}>${t(form.send)}</button> <${Busy} busy=${busy} /></p>
    <${Refusal} refused=${refused} />
  </form>`;
}

/** @param {{ form: string, field: Field, value: string, onValue: (value: string) => void }} props */
function Input({ form, field, value, onValue }) {
  const id = `${form}-${field.name}`;
  const is_fit = isFit(field, value);
  const hint = field.kind === "amount" ? t("yuan, as 45,560.00") : field.kind === "day" ? t("a day, as 2026-05-01") : "";
  return html`<p class="field">
    <label for=${id}>${harmless(field.label)}</label>
    <input id=${id} name=${field.name} value=${value} autocomplete="off" spellcheck="false" aria-invalid=${String(!is_fit)}
      inputmode=${field.kind === "text" ? "text" : field.kind === "amount" ? "decimal" : "numeric"} aria-describedby=${hint ? `${id}-hint` : null}
      onInput=${(/** @type {any} */ event) => onValue(event.currentTarget.value)} />
    ${hint ? html`<span class="quiet" id=${`${id}-hint`}>${hint}</span>` : null}
  </p>`;
}

/** Whether a value can be sent at all; the ledger judges the rest. @param {Field} field @param {string} value */
export function isFit(field, value) {
  if (field.kind === "amount") return fenOf(value) !== null;
  if (field.kind === "day") return /^\d{4}-?\d{2}-?\d{2}$/.test(value.trim());
  return value.trim() !== "";
}
