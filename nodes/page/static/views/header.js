// The head of the page: what is shown, in which language, light or dark.
import { html, useStore } from "../view.js";
import { speakLanguage, t } from "../words.js";
import { Icon } from "./icons.js";
import { lackWords, lineWords } from "./standing.js";

/** @param {{ store: import("../store.js").Store, player: import("../player/player.js").Player, onHelp: () => void }} props */
export function Header({ store, player, onHelp }) {
  const lang = useStore(store, (state) => state.lang);
  const theme = useStore(store, (state) => state.theme);
  const line = useStore(store, (state) => state.line);
  const lack = useStore(store, (state) => lackWords(player, state.t));
  const { about } = player;
  const turnLanguage = async () => {
    const next = lang === "en" ? "zh" : "en";
    await speakLanguage(next);
    document.documentElement.lang = next === "zh" ? "zh-Hans" : "en";
    store.set({ lang: next });
  };
  const isDark = theme ? theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  return html`
    <header class=${lack ? "top is-lacking" : "top"}>
      <img class="mark" src="/page/static/icon.svg" alt="" width="26" height="26" />
      <h1>${about.scenario || about.name || "consortium"}</h1>
      <p class="about">${sourceWords(about, line)}</p>
      <div class="tools">
        <button type="button" class="quiet" lang=${lang === "en" ? "zh-Hans" : "en"} onClick=${turnLanguage}>${lang === "en" ? "中文" : "English"}</button>
        <button type="button" class="quiet" aria-label=${isDark ? t("Light") : t("Dark")} title=${isDark ? t("Light") : t("Dark")}
          onClick=${() => store.set({ theme: isDark ? "light" : "dark" })}><${Icon} name=${isDark ? "sun" : "moon"} /></button>
        <button type="button" class="quiet" aria-label=${t("Keys")} title=${t("Keys")} aria-keyshortcuts="?" onClick=${onHelp}><${Icon} name="keys" /></button>
      </div>
      ${lack && html`<p class="lack">${lack}</p>`}
    </header>`;
}

/** @param {import("../store.js").About} about @param {import("../store.js").Line} line */
function sourceWords(about, line) {
  const protocol = { pbft: "PBFT", hotstuff: "HotStuff", solo: "Solo" }[about.protocol] ?? about.protocol;
  const parts = [protocol, t("n = {n}, f = {f}", { n: about.n, f: about.f })];
  if (about.source === "live") return html`<span class=${`badge ${line}`}>${lineWords(line)}</span> ${parts.join(" · ")}`;
  if (about.on === "simulator") parts.push(t("simulated, seed {seed}", { seed: about.seed }));
  else if (about.on === "docker") parts.push(t("in containers"));
  else if (about.on === "local") parts.push(t("as local processes"));
  return parts.join(" · ");
}
