// The life of a claim from bill to payment, of a pack from producer to sale: the stages, and which are reached. Pure.
import { mark } from "../words.js";

/** @typedef {{ height: number, index: number, time_us: number, member: string, operation: string, code: string, said?: string, events?: { kind: string, fields: Record<string, unknown> }[] }} Step */
/** @typedef {{ name: string, step: Step | null, refused: boolean }} Stage */

/**
 * A stage: the events by which it is reached, and the operation that may be refused on the way.
 * @typedef {{ name: string, events: string[], operation: string }} Known
 */

/** @type {Record<string, Known[]>} */
const LIVES = {
  bill: [
    { name: mark("issued"), events: ["bill-issued"], operation: "bill.issue" },
    { name: mark("delivered"), events: ["bill-delivered"], operation: "bill.deliver" },
    { name: mark("verified"), events: ["bill-verified"], operation: "bill.verify" },
    { name: mark("collected"), events: ["bill-collected"], operation: "bill.collect" },
    { name: mark("settled"), events: ["settled", "patient-claimed"], operation: "settlement.claim" },
    { name: mark("payable"), events: ["@payable"], operation: "" },
    { name: mark("paid"), events: ["@paid"], operation: "" },
  ],
  code: [
    { name: mark("produced"), events: ["lot-produced"], operation: "trace_code.produce" },
    { name: mark("shipped"), events: ["order-shipped", "packs-transferred"], operation: "procurement.ship" },
    { name: mark("received"), events: ["order-received"], operation: "procurement.receive" },
    { name: mark("sold on a bill"), events: ["bill-issued", "pack-sold"], operation: "bill.issue" },
    { name: mark("settled"), events: ["settled"], operation: "settlement.claim" },
  ],
};

/** The kinds whose life has stages. @param {string} kind */
export function lifeOf(kind) {
  return LIVES[kind === "claim" ? "bill" : kind === "pack" ? "code" : kind] ?? [];
}

/**
 * The stages of a record's life with the first step that reached each; null where none did. What was passed over on the
 * way (a bill that is issued and claimed at once is never delivered) is left out.
 * @param {string} kind
 * @param {{ steps?: Step[], money?: { owed_fen?: number, payable?: Step | null, paid?: Step | null } }} content  as `consortium show --json`
 * @returns {Stage[]}
 */
export function stagesOf(kind, content) {
  const steps = content.steps ?? [];
  const money = /** @type {Record<string, Step | null | undefined>} */ ({
    "@payable": content.money?.payable,
    "@paid": content.money?.paid,
  });
  const known = content.money?.owed_fen === 0 ? lifeOf(kind).filter((each) => !each.events[0]?.startsWith("@")) : lifeOf(kind);
  const found = known.map(({ name, events, operation }) => {
    const by_money = events.map((each) => money[each]).find(Boolean);
    const has = (/** @type {Step} */ step) => step.code === "ok" && (step.events ?? []).some((event) => events.includes(event.kind));
    const step = by_money ?? steps.find(has) ?? null;
    const refused = step === null && steps.some((each) => each.code !== "ok" && each.operation === operation);
    return { name, step, refused };
  });
  return found.filter((stage, at) => stage.step || stage.refused || !found.slice(at + 1).some((later) => later.step));
}

/**
 * How far a life has come at a height: the last of its stages that was reached by then, null before the first.
 * @param {Stage[]} stages
 * @param {number} height
 */
export function reachedAt(stages, height) {
  return stages.filter((stage) => stage.step !== null && stage.step.height <= height).at(-1) ?? null;
}
