// What happened, in a list: faults and their ends, view changes, epochs. What the time line shows, for those who read it.
import { clockTime } from "../format.js";
import { html, useStore } from "../view.js";
import { eventWords } from "../views/event_words.js";
import { t } from "../words.js";

const MOST = 400;
const BEFORE_US = 50_000; // somebody who goes to an event wants to see it happen

/** @type {import("./index.js").Panel} */
export const panel = {
  id: "events",
  title: () => t("Events"),
  needs: () => true,
  Panel: Events,
};

/** @param {{ store: import("../store.js").Store, player: import("../player/player.js").Player }} props */
function Events({ store, player }) {
  const at = useStore(store, (state) => state.t);
  useStore(store, (state) => state.end);
  const found = player.events.list.filter((event) => event.kind !== "finding");
  if (!found.length) return html`<p class="none">${t("No fault, no view change, no new epoch.")}</p>`;
  const shown = found.slice(-MOST);
  return html`
    ${found.length > MOST && html`<p class="none">${t("The last {most} of {all}.", { most: MOST, all: found.length })}</p>`}
    <ol class="events">${shown.map((event) => html`
      <li key=${`${event.t} ${event.kind} ${event.node} ${event.view}`} class=${event.t > at ? "is-ahead" : ""}>
        <button type="button" class="quiet" onClick=${() => player.seek(event.t - BEFORE_US)}>
          <time>${clockTime(event.t, 3)}</time><span class=${`mark mark-${event.kind}`} aria-hidden="true"></span><span>${eventWords(event, player)}</span>
        </button>
      </li>`)}
    </ol>`;
}
