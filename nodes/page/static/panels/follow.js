// One's own transaction, followed from submission until it is paid (or refused).
import { ask } from "../ask.js";
import { html, useEffect, useState, useStore } from "../view.js";
import { lackWords } from "../views/standing.js";
import { t } from "../words.js";
import { stagesOf } from "./life.js";
import { AtHeight, Thing, pathOf, refusalOf } from "./parts.js";
import { harmless, shortened } from "../text.js";

const WAIT_MS = 1500; // each look is noted in the audit of reads
const LOOKS_MAX = 200;
const UNKNOWN = 404;

/** @typedef {import("./life.js").Stage} Stage */
/** @typedef {{ stages: Stage[], said: string, is_over: boolean, is_refused: boolean, thing: { kind: string, id: string } | null }} Progress */

/** @type {Progress} */
const NOTHING = { stages: [], said: "", is_over: false, is_refused: false, thing: null };

/** @param {import("./parts.js").Props & { sent: import("./try.js").Submitted }} props */
export function Follow({ store, player, sent }) {
  const [progress, setProgress] = useState(NOTHING);
  useEffect(() => {
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let timer;
    let ended = false;
    let looks = 0;
    const look = async () => {
      const next = await progressOf(sent, store.get().lang);
      if (ended) return;
      setProgress(next);
      looks += 1;
      if (!next.is_over && looks < LOOKS_MAX) timer = setTimeout(look, WAIT_MS);
    };
    look();
    return () => {
      ended = true;
      clearTimeout(timer);
    };
  }, [sent]);
  const lack = useStore(store, () => lackWords(player, player.end));
  const { stages, said, is_over, is_refused, thing } = progress;
  return html`<article class=${is_refused ? "follow is-refused" : "follow"}>
    <h3>${t("handed in by {member}", { member: shortened(sent.member) })} <code>${shortened(sent.transaction.slice(0, 16))}</code></h3>
    <p role="status">${said || t("waiting for a block")}${lack && !is_over ? ` (${lack})` : ""}</p>
    <ol class="rail">${stages.map((stage) => html`<li key=${stage.name} class=${stage.step ? "is-reached" : stage.refused ? "is-refused" : "is-open"}>
      <span class="dot" aria-hidden="true"></span> <span class="stage">${t(stage.name)}</span>
      ${stage.step ? html`<${AtHeight} player=${player} height=${stage.step.height} text=${t("block {height}", { height: stage.step.height })} />` : null}
    </li>`)}</ol>
    ${thing ? html`<p><${Thing} store=${store} link=${thing} text=${t("open its story")} /></p>` : null}
  </article>`;
}

/**
 * How far one's own bill (its claim, once there is one) has come; whether a pack is sold, a transaction executed.
 * @param {import("./try.js").Submitted} sent
 * @param {string} lang
 * @returns {Promise<Progress>}
 */
export async function progressOf(sent, lang) {
  try {
    const refused = await refusalIn(sent, lang);
    if (refused) return { ...NOTHING, said: refused, is_over: true, is_refused: true, thing: { kind: "transaction", id: sent.transaction } };
    if (sent.bill) return await progressOfBill(sent.bill, sent, lang);
    const thing = sent.pack ? { kind: "code", id: sent.pack } : { kind: "transaction", id: sent.transaction };
    return { ...NOTHING, said: sent.pack ? t("It is sold.") : t("It is executed."), is_over: true, thing };
  } catch (error) {
    const refused = refusalOf(error);
    return { ...NOTHING, said: refused.status === UNKNOWN ? "" : refused.sentence };
  }
}

/** Why the transaction was refused; "" where it was not. Raises Refused with 404 while no block has it. @param {import("./try.js").Submitted} sent @param {string} lang */
async function refusalIn(sent, lang) {
  const story = await ask(pathOf(["story", "transaction", sent.transaction], { eyes: sent.member, lang }));
  const { code, sentence } = story.content ?? {};
  return code === "ok" ? "" : t("refused: {why}", { why: harmless(String(sentence || code)) });
}

/** @param {string} bill @param {import("./try.js").Submitted} sent @param {string} lang @returns {Promise<Progress>} */
async function progressOfBill(bill, sent, lang) {
  let thing = { kind: "bill", id: bill };
  let story = await ask(pathOf(["story", thing.kind, thing.id], { eyes: sent.member, lang }));
  const settlement = String(story.content?.record?.settlement ?? "");
  if (settlement) {
    thing = { kind: "claim", id: settlement };
    story = await ask(pathOf(["story", thing.kind, thing.id], { eyes: sent.member, lang }));
  }
  const stages = stagesOf(thing.kind, story.content ?? {});
  const is_over = stages[stages.length - 1]?.step !== null;
  return { stages, said: harmless(String(story.heading ?? "")), is_over, is_refused: false, thing };
}
