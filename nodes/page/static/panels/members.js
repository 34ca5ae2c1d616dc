// The members in a table: what the ring shows, for those who read it or have it read to them.
import { COMMITTED, DOWN, EXECUTED, PAUSED, PREPARED } from "../player/state.js";
import { count } from "../format.js";
import { html, useStore } from "../view.js";
import { roleWord } from "../views/roles.js";
import { t } from "../words.js";

/**
 * What a member does at a moment, in a few words.
 * @param {import("../player/state.js").MemberNow} now
 * @param {import("../player/state.js").State} state
 */
export function conditionWords(now, state) {
  if (now.condition === DOWN) return t("down");
  if (now.condition === PAUSED) return t("paused");
  if (now.catches >= 0) return t("catches up to {height}", { height: count(now.catches) });
  if (now.asks >= 0) return t("asks for view {view}", { view: now.asks });
  if (now.suspects >= 0 && now.suspects >= now.view) return t("suspects the leader of view {view}", { view: now.suspects });
  if (now.phase === PREPARED) return t("prepared {height}", { height: count(now.at) });
  if (now.phase === COMMITTED) return t("committed {height}", { height: count(now.at) });
  if (now.phase === EXECUTED && now.at === state.newest) return t("executed {height}", { height: count(now.at) });
  return now.lives || now.height ? t("in service") : t("not started");
}

/** @type {import("./index.js").Panel} */
export const panel = {
  id: "members",
  title: () => t("Members"),
  needs: () => true,
  Panel: Members,
};

/** @param {{ store: import("../store.js").Store, player: import("../player/player.js").Player }} props */
function Members({ store, player }) {
  const at = useStore(store, (state) => state.t);
  useStore(store, (state) => state.end);
  const state = player.stateAt(at);
  const rows = player.about.members.map((member, index) => ({ member, now: state.member(index + 1) }));
  return html`
    <table class="table">
      <caption>${t("View {view}, epoch {epoch}: {quorum} of {n} make a quorum.", { view: state.view, epoch: state.epoch, quorum: state.quorum, n: state.validators })}</caption>
      <thead><tr>
        <th scope="col">${t("Member")}</th><th scope="col">${t("Role")}</th><th scope="col" class="number">${t("Height")}</th>
        <th scope="col" class="number">${t("View")}</th><th scope="col">${t("Does")}</th>
      </tr></thead>
      <tbody>${rows.map(({ member, now }) => html`
        <tr key=${member.name} class=${now.condition === DOWN ? "is-down" : ""}>
          <th scope="row">${member.name}${now.node === state.leader ? html` <span class="tag">${t("leader")}</span>` : ""}</th>
          <td>${roleWord(member.role)}${now.votes ? "" : html` <span class="tag quiet">${t("observes")}</span>`}</td>
          <td class="number">${count(now.height)}</td>
          <td class="number">${now.view}</td>
          <td>${conditionWords(now, state)}</td>
        </tr>`)}
      </tbody>
    </table>`;
}
