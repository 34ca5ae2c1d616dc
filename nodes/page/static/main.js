// How the page begins: ask what is to be seen, show the frame, let the records stream in, play.
import { App } from "./app.js";
import { ask, get, Refused } from "./ask.js";
import { askToken } from "./login.js";
import { momentOf } from "./panels/link.js";
import { keepAddress } from "./panels/share.js";
import { Player } from "./player/player.js";
import { readStream } from "./player/records.js";
import { freshState, Store } from "./store.js";
import { html, render } from "./view.js";
import { languageOf, speakLanguage } from "./words.js";

const LIVE_RECORDS = 300_000;
const SHOWN_MS = 125; // `t` of the store, which panels read, is renewed that often while it plays

/** @param {Element} place */
async function begin(place) {
  const wishes = momentOf(location.hash);
  /** @type {import("./store.js").About} */
  const about = await ask("page/about.json");
  const asked = wishes.lang ?? (Reflect.get(about, "lang") === "zh" ? "zh" : languageOf(navigator.languages));
  const lang = asked === "zh" ? "zh" : "en";
  await speakLanguage(lang);
  const player = new Player(about, about.source === "live" ? LIVE_RECORDS : undefined);
  const store = new Store(freshState(about, { ...wishes, t: 0, lang }));
  keepTogether(store, player);
  keepAddress(store);
  document.documentElement.lang = lang === "zh" ? "zh-Hans" : "en";
  document.title = about.scenario || about.name ? `${about.scenario || about.name} · consortium` : "consortium";
  place.replaceChildren();
  render(html`<${App} store=${store} player=${player} />`, place);
  run(player);
  Object.assign(window, { consortium: { store, player } });
  if (about.source === "live") await (await import("./player/live.js")).follow(store, player);
  else await open(store, player, wishes);
}

/** The records of a run: it plays as soon as the first are there. @param {Store} store @param {Player} player @param {Partial<import("./panels/link.js").Moment>} wishes */
async function open(store, player, wishes) {
  const answer = await get("page/records");
  if (!answer.ok || !answer.body) throw new Refused(`page/records: ${answer.status} ${answer.statusText}`, answer.status);
  let isFirst = true;
  await readStream(answer.body, player.records, () => {
    player.more();
    if (isFirst && wishes.t === undefined && !matchMedia("(prefers-reduced-motion: reduce)").matches) player.play();
    isFirst = false;
  });
  player.more();
  if (wishes.speed !== undefined) player.setSpeed(wishes.speed);
  if (wishes.t !== undefined) player.seek(wishes.t);
  store.set({ end: player.end });
}

/** The store says what the player does: at once where somebody does something, else 8 times a second. @param {Store} store @param {Player} player */
function keepTogether(store, player) {
  let said = 0;
  const say = () => {
    said = performance.now();
    store.set({ t: player.now(), end: player.end, playing: player.playing, speed: player.speed, following: player.following });
  };
  player.onChange(say);
  player.onFrame(() => {
    if (performance.now() - said >= SHOWN_MS) say();
  });
}

/** The browser's frames drive the clock. @param {Player} player */
function run(player) {
  let before = performance.now();
  const frame = (/** @type {number} */ now) => {
    player.tick(Math.min(250, now - before));
    before = now;
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
}

/** @param {Element} place @param {unknown} error */
function say(place, error) {
  const told = document.createElement("p");
  told.className = "opening";
  told.setAttribute("role", "alert");
  told.textContent = error instanceof Refused ? error.sentence : `The page cannot be shown: ${error}`;
  place.replaceChildren(told);
}

const place = /** @type {Element} */ (document.getElementById("page"));
const start = () => begin(place).catch((error) => {
  if (error instanceof Refused && error.status === 401) return askToken(place, error.sentence, start);
  console.error(error);
  return say(place, error);
});
start();
