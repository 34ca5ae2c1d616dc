// The blocks around the moment, told in words.
import { html, useState, useStore } from "../view.js";
import { t } from "../words.js";
import { clockTime, count, yuan } from "./numbers.js";
import { AtHeight, Busy, Linked, Refusal, Thing, pathOf, useAnswer, useAsker, useSlowly } from "./parts.js";
import { shortened } from "../text.js";

const BLOCKS = 8;
const TOLD = 5; // transactions of a block, until somebody asks for all
const PATIENCE_MS = 900;

/** @typedef {import("./parts.js").Link} Link */
/** @typedef {{ id: string, member: string, contract: string, operation: string, code: string, sentence: string, said: string, amount_fen?: number, is_hidden?: boolean, links?: Link[] }} Transaction */
/** @typedef {{ height: number, time_us: number, proposer?: string, sealed: boolean, transactions: Transaction[], more?: number }} Block */

export const panel = {
  id: "blocks",
  title: () => t("Blocks"),
  needs: hasLedger,
  Panel: Blocks,
};

/** Whether the source has a ledger to be told of: a lone trace has none. @param {import("../store.js").About} about */
export function hasLedger(about) {
  return about.source !== "trace";
}

/** @param {import("./parts.js").Props} props */
function Blocks({ store, player }) {
  const { eyes, lang } = useAsker(store);
  const height = useSlowly(useStore(store, (state) => player.heightAt(state.t)), PATIENCE_MS);
  const from = Math.max(0, height - BLOCKS + 1);
  const path = height < 0 ? "" : pathOf(["blocks"], { from, count: height - from + 1, eyes, lang });
  const { value, refused, busy } = useAnswer(/** @type {string} */ (path));
  const blocks = /** @type {Block[]} */ (value ?? []);
  return html`<div class="blocks" aria-busy=${busy}>
    <p class="lead">
      ${height < 0 ? t("No block has been executed yet at this moment.") : t("The newest blocks at this moment, the last one first.")}
      <${Busy} busy=${busy} />
    </p>
    <${Refusal} refused=${refused} />
    ${[...blocks].reverse().map((block) => html`<${BlockTold} key=${block.height} block=${block} store=${store} player=${player} />`)}
  </div>`;
}

/** @param {{ block: Block } & import("./parts.js").Props} props */
function BlockTold({ block, store, player }) {
  const [whole, setWhole] = useState(false);
  const shown = whole ? block.transactions : block.transactions.slice(0, TOLD);
  const more = block.transactions.length - shown.length;
  const at = clockTime(block.time_us, store.get().about.offset_minutes);
  return html`<article class="block" aria-labelledby=${`block-${block.height}`}>
    <h3 id=${`block-${block.height}`}>
      <${AtHeight} player=${player} height=${block.height} text=${t("block {height}", { height: block.height })} />
      <span class="quiet">${at}</span>
      <span class="quiet">${transactionsTold(block.transactions.length + (block.more ?? 0))}</span>
      ${block.proposer ? html`<span class="quiet">${t("proposed by {member}", { member: block.proposer })}</span>` : null}
      <span class=${block.sealed ? "seal is-sealed" : "seal"}>${block.sealed ? t("sealed") : t("not sealed yet")}</span>
      <${Thing} store=${store} link=${{ kind: "block", id: String(block.height) }} text=${t("header")} />
    </h3>
    ${block.transactions.length === 0 ? html`<p class="quiet">${t("Empty: a block that only moves the consortium on.")}</p>` : null}
    <ol class="transactions">
      ${shown.map((each, place) => html`<${TransactionTold} key=${each.id || place} each=${each} store=${store} />`)}
    </ol>
    ${whole && block.more ? html`<p class="quiet">${t("and {count} more, not told here", { count: count(block.more) })}</p>` : null}
    ${more > 0
      ? html`<button type="button" class="more" onClick=${() => setWhole(true)}>${t("show {count} more", { count: count(more) })}</button>`
      : null}
  </article>`;
}

/** @param {number} many */
function transactionsTold(many) {
  return many === 1 ? t("1 transaction") : t("{count} transactions", { count: count(many) });
}

/** @param {{ each: Transaction, store: import("../store.js").Store }} props */
function TransactionTold({ each, store }) {
  const is_ok = each.code === "ok";
  if (each.is_hidden) {
    return html`<li class="transaction is-hidden"><span class="member">${shortened(each.member)}</span>
      <span class="said quiet">${t("not for these eyes: {operation} of a record of others", { operation: `${each.contract}.${each.operation}` })}</span></li>`;
  }
  return html`<li class=${is_ok ? "transaction" : "transaction is-refused"}>
    <span class="member">${shortened(each.member || "genesis")}</span>
    <span class="said">
      ${is_ok ? null : html`<strong>${t("refused")}</strong> `}
      <${Linked} store=${store} text=${each.said || each.sentence || `${each.contract}.${each.operation}`} links=${each.links} />
      ${is_ok ? null : html` <code>${each.code}</code>`}
    </span>
    ${each.amount_fen ? html`<span class="amount">${t("{amount} yuan", { amount: yuan(each.amount_fen) })}</span>` : null}
    <${Thing} store=${store} link=${{ kind: "transaction", id: each.id }} text="#" />
  </li>`;
}
