// Small parts that panels share: what was asked for, tables, names that lead to a story, buttons that jump the player.
import { Refused, ask } from "../ask.js";
import { html, useEffect, useState, useStore } from "../view.js";
import { t } from "../words.js";
import { piecesOf, shortened } from "../text.js";
import { count } from "./numbers.js";

const RECORDS_MS = 500;
const CLOSES = /^[,;:.!?)\]]+/;

/** @typedef {import("../store.js").Store} Store */
/** @typedef {import("../player/player.js").Player} Player */
/** @typedef {{ store: Store, player: Player }} Props */
/** @typedef {{ kind: string, id: string, word?: string }} Link */
/** @typedef {{ title: string, columns: { title: string, is_number: boolean }[], rows: string[][] }} Section */
/**
 * @template T
 * @typedef {{ value: T | null, refused: Refused | null, busy: boolean }} Answer
 */

/**
 * The answer to a question, asked again when its path changes; the old answer stays until the new one is there.
 * Path "": nothing is asked.
 * @template T
 * @param {string} path
 * @returns {Answer<T>}
 */
export function useAnswer(path) {
  const [answer, setAnswer] = useState(/** @type {Answer<T>} */ ({ value: null, refused: null, busy: path !== "" }));
  useEffect(() => {
    if (path === "") return setAnswer({ value: null, refused: null, busy: false });
    const end = new AbortController();
    setAnswer((before) => ({ ...before, busy: true }));
    ask(path, { signal: end.signal }).then(
      (value) => end.signal.aborted || setAnswer({ value, refused: null, busy: false }),
      (error) => end.signal.aborted || setAnswer({ value: null, refused: refusalOf(error), busy: false }),
    );
    return () => end.abort();
  }, [path]);
  return answer;
}

/** @param {unknown} error @returns {Refused} */
export function refusalOf(error) {
  if (error instanceof Refused) return error;
  return new Refused(error instanceof Error ? error.message : String(error), 0);
}

/**
 * `page/story/claim/…?eyes=…&lang=…`: each part escaped; what is empty is left out.
 * @param {string[]} parts
 * @param {Record<string, string | number>} [asked]
 */
export function pathOf(parts, asked = {}) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(asked)) if (value !== "") query.set(name, String(value));
  const text = query.toString();
  return `page/${parts.map(encodeURIComponent).join("/")}${text ? `?${text}` : ""}`;
}

/** What stands in place of an answer that was refused. 403 is news, not a fault. @param {{ refused: Refused | null }} props */
export function Refusal({ refused }) {
  if (!refused) return null;
  const said = refused.status === 403 ? t("Not for these eyes: {why}", { why: refused.sentence }) : refused.sentence;
  return html`<p class=${refused.status === 403 ? "refusal withheld" : "refusal"} role="status">${said}</p>`;
}

/**
 * Of when an answer is, where the ledger was asked as it is at its end, and where the player stands.
 * @param {Props & { height: number | undefined, now?: string }} props  `now`: what is said of this moment; its block where nothing is
 */
export function AsOf({ store, player, height, now }) {
  const here = useStore(store, (state) => player.heightAt(state.t));
  if (height === undefined) return null;
  const end = store.get().about.source === "live" ? t("as of the newest block ({height})", { height: count(height) }) : t("as of the end of the run (block {height})", { height: count(height) });
  return html`<p class="quiet as-of">${end}<br />${t("at this moment: {what}", { what: now ?? t("block {height}", { height: count(Math.max(here, 0)) }) })}</p>`;
}

/** @param {{ busy: boolean }} props */
export function Busy({ busy }) {
  return html`<span class="busy" role="status">${busy ? t("asking…") : ""}</span>`;
}

/**
 * Text in which each known name is a button that opens its story.
 * @param {{ store: Store, text: string, links?: Link[] }} props
 */
export function Linked({ store, text, links }) {
  const pieces = piecesOf(text, links ?? []);
  return pieces.map((piece, at) => {
    if (!piece.link) return at > 0 ? piece.text.replace(CLOSES, "") : piece.text;
    const thing = html`<${Thing} store=${store} link=${piece.link} text=${piece.text} />`;
    const closing = CLOSES.exec(pieces[at + 1]?.text ?? "")?.[0];
    return closing ? html`<span class="glued">${thing}${closing}</span>` : thing; // no line begins with what closes a word
  });
}

/**
 * A name that opens its story.
 * @param {{ store: Store, link: Link, text?: string }} props
 */
export function Thing({ store, link, text }) {
  const open = () => store.set({ tab: "story", selection: { kind: link.kind, id: link.id } });
  const shown = text ?? link.word ?? link.id;
  const seen = shortened(shown);
  const told = `${seen}: ${t("show {kind} {id}", { kind: link.kind, id: shortened(link.id) })}`;
  return html`<button type="button" class="thing" aria-label=${told} onClick=${open}>${seen}</button>`;
}

/**
 * Jumps the player to where a block was executed first.
 * @param {{ player: Player, height: number, text?: string }} props
 */
export function AtHeight({ player, height, text }) {
  const seen = String(text ?? height);
  const told = `${seen}: ${t("jump to block {height}", { height })}`;
  return html`<button type="button" class="jump" aria-label=${told}
    onClick=${() => jumpTo(player, height)}>${seen}</button>`;
}

/** Whether there was such a moment. @param {Player} player @param {number} height */
export function jumpTo(player, height) {
  const t_us = height <= 0 ? 0 : player.timeOfHeight(height);
  if (t_us === null) return false;
  player.pause();
  player.seek(t_us);
  return true;
}

/**
 * A table as stories have it: no titles at all make a list of names and values.
 * @param {{ store: Store, section: Section, links?: Link[] }} props
 */
export function Table({ store, section, links }) {
  const titled = section.columns.some((column) => column.title !== "");
  const cells = (/** @type {string[]} */ row) =>
    row.map((cell, place) => {
      const shown = html`<${Linked} store=${store} text=${cell} links=${links} />`;
      if (place === 0 && !titled) return html`<th scope="row">${shown}</th>`;
      return html`<td class=${section.columns[place]?.is_number ? "number" : ""}>${shown}</td>`;
    });
  return html`<div class="scrolls" tabindex="0" role="region" aria-label=${section.title || t("table")}>
    <table class="told">
      ${section.title ? html`<caption>${section.title}</caption>` : null}
      ${titled
        ? html`<thead><tr>${section.columns.map((each) => html`<th scope="col" class=${each.is_number ? "number" : ""}>${each.title}</th>`)}</tr></thead>`
        : null}
      <tbody>${section.rows.map((row) => html`<tr>${cells(row)}</tr>`)}</tbody>
    </table>
  </div>`;
}

/** The member whose eyes and the language, which every question about the ledger carries. @param {Store} store */
export function useAsker(store) {
  const eyes = useStore(store, (state) => state.eyes);
  const lang = useStore(store, (state) => state.lang);
  return { eyes, lang };
}

/** How many records have come so far, told when some have and at most once a second. @param {Player} player @returns {number} */
export function useRecordCount(player) {
  const [known, setKnown] = useState(player.records.length + player.records.gone);
  useEffect(() => {
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let timer;
    const look = () => {
      timer = undefined;
      setKnown(player.records.length + player.records.gone);
    };
    const end = player.onChange(() => {
      timer ??= setTimeout(look, RECORDS_MS);
    });
    return () => {
      end();
      clearTimeout(timer);
    };
  }, [player]);
  return known;
}

/** What changes no more than so often while it plays. @template T @param {T} value @param {number} wait_ms @returns {T} */
export function useSlowly(value, wait_ms) {
  const [shown, setShown] = useState({ value, at_ms: 0 });
  useEffect(() => {
    if (Object.is(shown.value, value)) return undefined;
    const since = performance.now() - shown.at_ms;
    const timer = setTimeout(() => setShown({ value, at_ms: performance.now() }), Math.max(0, wait_ms - since));
    return () => clearTimeout(timer);
  }, [value, shown]);
  return shown.value;
}
