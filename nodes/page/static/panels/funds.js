// One yuan's way: premiums into funds, funds to what is owed, what is owed to what was paid.
import { html, useState, useStore } from "../view.js";
import { t } from "../words.js";
import { hasLedger } from "./blocks.js";
import { BAR, layoutFunds } from "./funds_layout.js";
import { clockTime, count, yuan } from "./numbers.js";
import { AsOf, AtHeight, Busy, Refusal, Thing, pathOf, useAnswer, useAsker } from "./parts.js";
import { harmless, shortened } from "../text.js";

const WIDTH = 640;

/** @typedef {import("./funds_layout.js").Flow} Flow */
/** @typedef {import("./parts.js").Props} Props */
/** @typedef {{ height: number, index: number, time_us: number, source: string, target: string, amount_fen: number, cause: string }} Move */
/** @typedef {{ heading: string, height?: number, accounts: { name: string, balance_fen: number }[], flows: Flow[], moves: Move[], notes: string[] }} Funds */

export const panel = { id: "funds", title: () => t("Money"), needs: hasLedger, Panel: FundsPanel };

/** @param {Props} props */
function FundsPanel({ store, player }) {
  const { eyes, lang } = useAsker(store);
  const [account, setAccount] = useState("");
  const { value, refused, busy } = useAnswer(pathOf(["funds"], { account, eyes, lang }));
  const funds = /** @type {Funds | null} */ (value);
  return html`<div class="funds" aria-busy=${busy}>
    <p class="lead">${harmless(String(funds?.heading ?? ""))} <${Busy} busy=${busy} /></p>
    <${AsOf} store=${store} player=${player} height=${funds?.height} />
    <${Refusal} refused=${refused} />
    ${(funds?.notes ?? []).map((note) => html`<p class="refusal withheld">${note}</p>`)}
    ${funds && funds.flows.length > 0 ? html`<${Drawing} flows=${funds.flows} />` : null}
    ${funds && funds.flows.length === 0 ? html`<p class="quiet">${t("No money has moved yet.")}</p>` : null}
    ${funds ? html`<${Accounts} store=${store} funds=${funds} account=${account} onAccount=${setAccount} />` : null}
    ${funds ? html`<${Moves} store=${store} player=${player} moves=${funds.moves} account=${account} />` : null}
  </div>`;
}

/** @param {{ flows: Flow[] }} props */
function Drawing({ flows }) {
  const drawn = layoutFunds(flows, WIDTH);
  const told = flows
    .map((flow) => t("{amount} yuan from {source} to {target}", { amount: yuan(flow.amount_fen), source: harmless(flow.source), target: harmless(flow.target) }))
    .join("; ");
  return html`<figure class="scrolls" tabindex="0" role="region" aria-label=${t("Where the money went")}>
    <svg class="funds-drawing" role="img" aria-label=${told} viewBox=${`0 -4 ${drawn.width + 100} ${drawn.height + 8}`}>
      ${drawn.ribbons.map((each) => html`<path class="ribbon" d=${each.path} stroke-width=${each.wide.toFixed(1)}>
        <title>${t("{amount} yuan from {source} to {target}, in {count} movements", { amount: yuan(each.flow.amount_fen), source: harmless(each.flow.source), target: harmless(each.flow.target), count: count(each.flow.count) })}</title>
      </path>`)}
      ${drawn.bars.map((bar) => html`<g class="account-bar">
        <rect x=${bar.x} y=${bar.y} width=${BAR} height=${bar.height} rx="2" />
        <text x=${bar.column === drawn.last ? bar.x + BAR + 5 : bar.x} y=${bar.column === drawn.last ? bar.y + bar.height / 2 + 4 : bar.y - 5}>${shortened(bar.name)}</text>
      </g>`)}
    </svg>
    <figcaption class="quiet">${t("Widths grow with the logarithm of the amount, so that a premium of millions and a single bill stand in one drawing.")}</figcaption>
  </figure>`;
}

/** @param {{ store: import("../store.js").Store, funds: Funds, account: string, onAccount: (name: string) => void }} props */
function Accounts({ store, funds, account, onAccount }) {
  return html`<div class="scrolls" tabindex="0" role="region" aria-label=${t("accounts")}>
    <table class="told">
      <caption>${t("accounts")}</caption>
      <thead><tr><th scope="col">${t("account")}</th><th scope="col" class="number">${t("yuan")}</th><th scope="col">${t("movements")}</th></tr></thead>
      <tbody>
        ${funds.accounts.map((each) => html`<tr key=${each.name}>
          <th scope="row"><${Thing} store=${store} link=${{ kind: "account", id: each.name }} /></th>
          <td class="number">${yuan(each.balance_fen)}</td>
          <td><button type="button" class="filter" aria-pressed=${String(account === each.name)}
            title=${t("movements of {account}", { account: harmless(each.name) })}
            onClick=${() => onAccount(account === each.name ? "" : each.name)}>${account === each.name ? t("show all") : t("show these")}</button></td>
        </tr>`)}
      </tbody>
    </table>
  </div>`;
}

/** @param {Props & { moves: Move[], account: string }} props */
function Moves({ store, player, moves, account }) {
  const offset = useStore(store, (state) => state.about.offset_minutes);
  if (moves.length === 0) return null;
  const title = account ? t("the newest movements of {account}", { account: harmless(account) }) : t("the newest movements");
  return html`<div class="scrolls" tabindex="0" role="region" aria-label=${title}>
    <table class="told">
      <caption>${title}</caption>
      <thead><tr><th scope="col">${t("block")}</th><th scope="col">${t("time")}</th><th scope="col" class="number">${t("yuan")}</th>
        <th scope="col">${t("from")}</th><th scope="col">${t("to")}</th><th scope="col">${t("why")}</th></tr></thead>
      <tbody>
        ${[...moves].reverse().map((move) => html`<tr key=${`${move.height}/${move.index}/${move.source}`}>
          <td><${AtHeight} player=${player} height=${move.height} /></td>
          <td>${clockTime(move.time_us, offset)}</td>
          <td class="number">${yuan(move.amount_fen)}</td>
          <td><${Thing} store=${store} link=${{ kind: "account", id: move.source }} /></td>
          <td><${Thing} store=${store} link=${{ kind: "account", id: move.target }} /></td>
          <td>${shortened(move.cause)}</td>
        </tr>`)}
      </tbody>
    </table>
  </div>`;
}
