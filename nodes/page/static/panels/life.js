// The life of a claim from bill to payment, of a pack from producer to sale: the stages, and which are reached. Pure.
import { mark } from "../words.js";

/** @typedef {{ height: number, index: number, time_us: number, member: string, operation: string, code: string, events?: { kind: string, fields: Record<string, unknown> }[] }} Step */
/** @typedef {{ name: string, step: Step | null, refused: boolean }} Stage */

/** Each stage with the operations that reach it. @type {Record<string, [string, string[]][]>} */
const LIVES = {
  bill: [
    [mark("issued"), ["bill.issue"]],
    [mark("delivered"), ["bill.deliver"]],
    [mark("verified"), ["bill.verify"]],
    [mark("collected"), ["bill.collect"]],
    [mark("settled"), ["settlement.claim", "patient_claim.approve", "patient_claim.claim"]],
    [mark("payable"), ["@payable"]],
    [mark("paid"), ["@paid"]],
  ],
  code: [
    [mark("produced"), ["trace_code.produce"]],
    [mark("shipped"), ["procurement.ship", "trace_code.hand_over", "trace_code.transfer"]],
    [mark("received"), ["procurement.receive", "trace_code.receive"]],
    [mark("sold on a bill"), ["bill.issue", "trace_code.sell"]],
    [mark("settled"), ["settlement.claim"]],
  ],
};

/** The kinds whose life has stages. @param {string} kind */
export function lifeOf(kind) {
  return LIVES[kind === "claim" ? "bill" : kind === "pack" ? "code" : kind] ?? [];
}

/**
 * The stages of a record's life with the first step that reached each; null where none did.
 * @param {string} kind
 * @param {{ steps?: Step[], money?: { payable?: Step | null, paid?: Step | null } }} content  as `consortium show --json`
 * @returns {Stage[]}
 */
export function stagesOf(kind, content) {
  const steps = content.steps ?? [];
  const money = /** @type {Record<string, Step | null | undefined>} */ ({
    "@payable": content.money?.payable,
    "@paid": content.money?.paid,
  });
  return lifeOf(kind).map(([name, operations]) => {
    const by_money = operations.map((each) => money[each]).find(Boolean);
    const step = by_money ?? steps.find((each) => each.code === "ok" && operations.includes(each.operation)) ?? null;
    const refused = step === null && steps.some((each) => each.code !== "ok" && operations.includes(each.operation));
    return { name, step, refused };
  });
}

/**
 * How far a life has come at a height: the number of its stages that were reached by then.
 * @param {Stage[]} stages
 * @param {number} height
 */
export function reachedAt(stages, height) {
  return stages.filter((stage) => stage.step !== null && stage.step.height <= height).length;
}
