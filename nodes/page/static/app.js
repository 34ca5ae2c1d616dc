// The frame of the page: the ring, what lies below it, the panels beside it, the time line across the foot.
import { onKey } from "./keys.js";
import { PANELS } from "./panels/index.js";
import { Tour } from "./panels/tour.js";
import { html, useEffect, useRef, useState, useStore } from "./view.js";
import { Header } from "./views/header.js";
import { bringIntoView } from "./views/narrow.js";
import { Scene } from "./views/ring.js";
import { lackWords, lineWords } from "./views/standing.js";
import { Timeline } from "./views/timeline.js";
import { t } from "./words.js";

const WIDE = "(min-width: 1650px)"; // as in page.css: a third column
const BESIDE = ["performance", "events"]; // panels that stand there, and need no tab

/** @typedef {{ store: import("./store.js").Store, player: import("./player/player.js").Player }} Props */

/** @param {Props} props */
export function App({ store, player }) {
  const [isHelped, setHelped] = useState(false);
  useEffect(() => {
    const listen = (/** @type {KeyboardEvent} */ event) => onKey(event, store, player, () => setHelped((was) => !was));
    addEventListener("keydown", listen);
    return () => removeEventListener("keydown", listen);
  }, [store, player]);
  useTheme(store);
  const isWide = useMedia(WIDE);
  return html`
    <a class="skip" href="#panels">${t("To the panels")}</a>
    <${Header} store=${store} player=${player} onHelp=${() => setHelped(!isHelped)} />
    <main class="stage">
      <section class="scene" aria-label=${t("The members and what they say to each other")}>
        <${Scene} store=${store} player=${player} />
      </section>
      <${Panels} store=${store} player=${player} />
      ${isWide && html`<${Beside} store=${store} player=${player} />`}
    </main>
    <${Timeline} store=${store} player=${player} />
    <${Spoken} store=${store} player=${player} />
    <${Tour} store=${store} player=${player} />
    ${isHelped && html`<${Help} onClose=${() => setHelped(false)} />`}`;
}

/** @param {Props} props */
function Panels({ store, player }) {
  const about = useStore(store, (state) => state.about);
  const tab = useStore(store, (state) => state.tab);
  useStore(store, (state) => state.lang);
  const isWide = useMedia(WIDE);
  const panels = PANELS.filter((panel) => panel.needs(about) && !(isWide && BESIDE.includes(panel.id)));
  const shown = panels.find((panel) => panel.id === tab) ?? panels[0];
  const tabs = /** @type {{ current: HTMLElement | null }} */ (useRef(null));
  const move = (/** @type {KeyboardEvent} */ event) => {
    const step = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    if (!step) return;
    event.stopPropagation();
    event.preventDefault();
    const next = panels[(panels.indexOf(shown) + step + panels.length) % panels.length];
    store.set({ tab: next.id });
    /** @type {HTMLElement | null | undefined} */ (tabs.current?.querySelector(`#tab-${next.id}`))?.focus();
  };
  const before = useRef("");
  useEffect(() => {
    if (before.current && store.get().tour < 0) bringIntoView("#panels");
    before.current = shown?.id ?? "";
  }, [shown?.id]);
  const choose = (/** @type {string} */ id) => {
    store.set({ tab: id });
    bringIntoView("#panels"); // also where it is shown already
  };
  if (!shown) return null;
  return html`
    <section class="panels" id="panels" aria-label=${t("Panels")}>
      <div class="tabs" role="tablist" aria-label=${t("Panels")} ref=${tabs} onKeyDown=${move}>
        ${panels.map((panel, at) => html`
          <button key=${panel.id} type="button" role="tab" id=${`tab-${panel.id}`} aria-controls="panel" aria-selected=${panel === shown}
            tabindex=${panel === shown ? 0 : -1} aria-keyshortcuts=${at < 9 ? String(at + 1) : undefined}
            onClick=${() => choose(panel.id)}>${panel.title()}</button>`)}
      </div>
      <div class="panel" role="tabpanel" id="panel" aria-labelledby=${`tab-${shown.id}`} tabindex="0">
        <${shown.Panel} key=${shown.id} store=${store} player=${player} />
      </div>
    </section>`;
}

/** What stands beside the panels where there is room. @param {Props} props */
function Beside({ store, player }) {
  useStore(store, (state) => state.lang);
  return html`<section class="beside" aria-label=${t("Performance and events")} tabindex="0">
    ${BESIDE.map((id) => PANELS.find((panel) => panel.id === id)).map((panel) => panel && html`
      <section key=${panel.id}><h2>${panel.title()}</h2><${panel.Panel} store=${store} player=${player} /></section>`)}
  </section>`;
}

/** Whether the window is so, also when it changes. @param {string} query */
function useMedia(query) {
  const [is, set] = useState(() => matchMedia(query).matches);
  useEffect(() => {
    const media = matchMedia(query);
    const listen = () => set(media.matches);
    media.addEventListener("change", listen);
    return () => media.removeEventListener("change", listen);
  }, [query]);
  return is;
}

/** @typedef {{ leader: number, view: number, conditions: number[], line: import("./store.js").Line, lack: string }} Told */

/** What a screen reader is told: a new leader, a member that fell or came back, a quorum or a line that is lost. @param {Props} props */
export function Spoken({ store, player }) {
  const [said, say] = useState("");
  useEffect(() => {
    /** @type {Told | null} */
    let before = null;
    const listen = () => {
      const state = player.stateAt(player.now());
      const conditions = Array.from({ length: state.members }, (_, at) => state.member(at + 1).condition);
      const { leader, view } = state;
      const now = { leader, view, conditions, line: store.get().line, lack: lackWords(player, player.now()) };
      const sentences = before ? newsOf(player, before, now) : [now.lack].filter(Boolean);
      if (sentences.length) say(sentences.join(" "));
      before = now;
    };
    listen();
    return store.on(listen);
  }, [store, player]);
  const notice = useStore(store, (state) => state.notice);
  return html`<div class="spoken" role="status" aria-live="polite">${said}</div>
    ${notice && html`<div class="notice" role="alert"><span>${notice}</span>
      <button type="button" onClick=${() => store.set({ notice: "" })} aria-label=${t("Close")}>×</button></div>`}`;
}

/** @param {Props["player"]} player @param {Told} before @param {Told} now @returns {string[]} */
function newsOf(player, before, now) {
  const news = [];
  if (now.line !== before.line) news.push(lineWords(now.line));
  if (now.leader !== before.leader && now.leader && player.about.protocol === "pbft") {
    news.push(t("New leader {name} in view {view}", { name: player.nameOf(now.leader), view: now.view }));
  }
  const at = now.conditions.findIndex((condition, member) => condition !== (before.conditions[member] ?? 0));
  if (at >= 0) news.push(conditionSentence(player.nameOf(at + 1), now.conditions[at]));
  if (now.lack !== before.lack) news.push(now.lack || t("Enough members are up again."));
  return news;
}

/** @param {string} name @param {number} condition */
function conditionSentence(name, condition) {
  if (condition === 1) return t("{name} is down", { name });
  if (condition === 2) return t("{name} is paused", { name });
  return t("{name} is back", { name });
}

/** @param {{ onClose: () => void }} props */
function Help({ onClose }) {
  const dialog = /** @type {{ current: HTMLDialogElement | null }} */ (useRef(null));
  useEffect(() => dialog.current?.showModal(), []);
  const keys = [
    [t("Space"), t("play or pause")],
    ["←  →", t("to the record before, or the next")],
    ["⇧ ←  →", t("to the height before, or the next")],
    ["[  ]", t("slower, faster")],
    ["Home  End", t("to the begin, to the end")],
    ["1 … 9", t("the panels")],
    ["?", t("these keys")],
  ];
  return html`<dialog class="help" ref=${dialog} onClose=${onClose} aria-labelledby="help-title">
    <h2 id="help-title">${t("Keys")}</h2>
    <dl>${keys.map(([key, what]) => html`<div key=${what}><dt><kbd>${key}</kbd></dt><dd>${what}</dd></div>`)}</dl>
    <button type="button" class="quiet" onClick=${onClose}>${t("Close")}</button>
  </dialog>`;
}

/** Light or dark, where somebody chose; else the page follows the system. @param {import("./store.js").Store} store */
function useTheme(store) {
  const theme = useStore(store, (state) => state.theme);
  useEffect(() => {
    if (theme) document.documentElement.dataset.theme = theme;
    else delete document.documentElement.dataset.theme;
  }, [theme]);
}
