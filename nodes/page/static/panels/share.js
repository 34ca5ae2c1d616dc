// Keeping and showing a moment: a link to it, a picture, an animation of a stretch, the run for a profiler, speaker mode.
import { html, useEffect, useState, useStore } from "../view.js";
import { t } from "../words.js";
import { underWay } from "../player/flights.js";
import { Stage } from "../player/stage.js";
import { DOWN, PAUSED } from "../player/state.js";
import { dialOf } from "../views/ring_paint.js";
import { conditionWords } from "./members.js";
import { hashOf, secondsOf } from "./link.js";
import { momentSvg } from "./moment_svg.js";
import { count } from "./numbers.js";
import { animationKind, pngOf, recordStretch, save, secondsAtSpeed, whyNoAnimation } from "./saving.js";

/** @typedef {import("./parts.js").Props} Props */

const PERFETTO = "page/perfetto.json";
const WRITE_MS = 400;
const STRETCH_US = 2_000_000;
const FLIGHTS = 240; // as on the ring

export const panel = { id: "share", title: () => t("Share"), needs: () => true, Panel: Share };

/** @param {Props} props */
function Share({ store, player }) {
  return html`<div class="share">
    <${LinkHere} store=${store} />
    <${Picture} store=${store} player=${player} />
    <${Animation} store=${store} player=${player} />
    <${Profiler} store=${store} />
    <${Speaker} />
  </div>`;
}

/** The address of what is shown, kept true; without the moment while that moves. @param {import("../store.js").Store} store @returns {() => void} what ends it */
export function keepAddress(store) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  let written = "";
  const write = () => {
    timer = undefined;
    const state = store.get();
    const address = state.playing || state.following ? addressOf({ ...state, t: undefined }) : addressOf(state);
    if (address !== written) history.replaceState(null, "", address);
    written = address;
  };
  return store.on(() => {
    timer ??= setTimeout(write, WRITE_MS);
  });
}

/** @param {Partial<import("./link.js").Moment>} moment */
function addressOf(moment) {
  return `${location.pathname}${location.search}${hashOf(moment)}`;
}

/** @param {{ store: import("../store.js").Store }} props */
function LinkHere({ store }) {
  const state = useStore(store, (all) => all);
  const [said, say] = useState("");
  const address = new URL(addressOf(state), location.href).href;
  const copy = () =>
    navigator.clipboard.writeText(address).then(
      () => say(t("The link is copied.")),
      () => say(t("This browser does not let the page copy: mark the text and copy it.")),
    );
  return html`<section aria-labelledby="share-link">
    <h3 id="share-link">${t("A link to this moment")}</h3>
    <label for="share-address">${t("It opens at the same moment, with the same panel, eyes and language.")}</label>
    <input id="share-address" class="address" readonly value=${address} onFocus=${(/** @type {any} */ event) => event.currentTarget.select()} />
    <p><button type="button" onClick=${copy}>${t("Copy")}</button> <span role="status">${said}</span></p>
  </section>`;
}

/** @param {Props} props */
function Picture({ store, player }) {
  const [said, say] = useState("");
  const keep = async (/** @type {"svg" | "png"} */ kind) => {
    const svg = momentSvg(shownMoment(store, player));
    const name = `consortium-${secondsOf(player.now())}s.${kind}`;
    try {
      save(kind === "svg" ? new Blob([svg], { type: "image/svg+xml" }) : await pngOf(svg), name);
      say(t("{name} is saved.", { name }));
    } catch (error) {
      say(t("The picture could not be made: {why}", { why: String(error) }));
    }
  };
  return html`<section aria-labelledby="share-picture">
    <h3 id="share-picture">${t("A picture of this moment")}</h3>
    <p>
      <button type="button" onClick=${() => keep("png")}>PNG</button>
      <button type="button" onClick=${() => keep("svg")}>SVG</button>
      <span role="status">${said}</span>
    </p>
  </section>`;
}

/** What the moment looks like, in words and numbers. @param {import("../store.js").Store} store @param {import("../player/player.js").Player} player @returns {import("./moment_svg.js").MomentShown} */
export function shownMoment(store, player) {
  const { about } = store.get();
  const t_us = player.now();
  const state = player.stateAt(t_us);
  const scenes = new Stage(player).moment();
  const scene = scenes[0] ?? null;
  const flights = scenes.flatMap((each) => underWay(each.flights, each.t, FLIGHTS / scenes.length).flights);
  return {
    title: about.scenario || about.name,
    subtitle: t("{seconds} s, view {view}: {quorum} of {n} make a quorum", { seconds: secondsOf(t_us), view: state.view, quorum: state.quorum, n: state.validators }),
    foot: t("{name}, seed {seed}, {protocol}: {transactions} transactions executed", { name: about.name, seed: about.seed, protocol: about.protocol, transactions: count(state.transactions) }),
    is_parted: state.parted,
    dial: dialOf({ player, state, scene }),
    flights: flights.map((flight) => ({ flight, t: t_us })),
    members: about.members.map((member, at) => {
      const now = state.member(at + 1);
      const isGone = now.condition === DOWN || (!now.lives && !now.height);
      return {
        name: member.name, role: member.role, words: conditionWords(now, state), condition: isGone ? "down" : now.condition === PAUSED ? "paused" : "up",
        is_leader: state.leader === at + 1 && !isGone, phase: scene?.height ? player.heights.phaseAt(scene.height, at + 1, scene.t) : now.phase,
      };
    }),
  };
}

/** @param {Props} props */
function Animation({ store, player }) {
  const t_us = useStore(store, (state) => state.t);
  const [typed_from, setFrom] = useState(/** @type {string | null} */ (null));
  const [typed_to, setTo] = useState(/** @type {string | null} */ (null));
  const from = typed_from ?? secondsOf(t_us);
  const to = typed_to ?? secondsOf(Math.min(player.end, t_us + STRETCH_US));
  const [speed, setSpeed] = useState("0.5");
  const [said, say] = useState("");
  const kind = animationKind();
  const ring = () => /** @type {HTMLCanvasElement | null} */ (document.querySelector("canvas"));
  const record = async () => {
    const stretch = { from_us: Number(from) * 1e6, to_us: Number(to) * 1e6, speed: Number(speed) };
    setFrom(from);
    setTo(to);
    const why = whyNoAnimation(stretch.from_us, stretch.to_us, stretch.speed);
    const canvas = ring();
    if (why || !canvas) return say(why || t("There is no ring to be recorded on this page."));
    say(t("recording, {seconds} seconds…", { seconds: Math.ceil(secondsAtSpeed(stretch.from_us, stretch.to_us, stretch.speed)) }));
    const caption = () => `${store.get().about.scenario}  ${secondsOf(Math.round(player.now() / 1e4) * 1e4)} s  ${t("block {height}", { height: count(player.heightAt(player.now())) })}`;
    const name = `consortium-${from}-${to}s.${kind.includes("mp4") ? "mp4" : "webm"}`;
    try {
      save(await recordStretch(player, canvas, stretch, caption), name);
      say(t("{name} is saved.", { name }));
    } catch (error) {
      say(t("The animation could not be made: {why}", { why: String(error) }));
    }
    return undefined;
  };
  return html`<section aria-labelledby="share-animation">
    <h3 id="share-animation">${t("An animation of a stretch")}</h3>
    ${kind === ""
      ? html`<p class="quiet">${t("This browser cannot record animations: it has no MediaRecorder for WebM or MP4. Chromium and Firefox can.")}</p>`
      : html`<div class="fields">
          <${Field} id="animation-from" label=${t("from second")} value=${from} onValue=${setFrom} />
          <${Field} id="animation-to" label=${t("to second")} value=${to} onValue=${setTo} />
          <${Field} id="animation-speed" label=${t("speed")} value=${speed} onValue=${setSpeed} />
          <button type="button" onClick=${record}>${t("Record")}</button>
        </div>`}
    <p role="status">${said}</p>
  </section>`;
}

/** @param {{ id: string, label: string, value: string, onValue: (value: string) => void }} props */
function Field({ id, label, value, onValue }) {
  return html`<p class="field"><label for=${id}>${label}</label>
    <input id=${id} inputmode="decimal" size="10" value=${value} onInput=${(/** @type {any} */ event) => onValue(event.currentTarget.value)} /></p>`;
}

/** @param {{ store: import("../store.js").Store }} props */
function Profiler({ store }) {
  if (store.get().about.source === "live") return null;
  return html`<section aria-labelledby="share-profiler">
    <h3 id="share-profiler">${t("The run for a profiler")}</h3>
    <p>${t("Perfetto and Chrome's tracing page open this file: a track for each member, a slice for each phase of a block, faults as instants.")}</p>
    <p><a href=${PERFETTO} download="perfetto.json">perfetto.json</a></p>
  </section>`;
}

/** Large type and few panels, for a room. */
function Speaker() {
  const [is_on, setOn] = useState(document.documentElement.dataset.speaker === "on");
  useEffect(() => {
    if (is_on) document.documentElement.dataset.speaker = "on";
    else delete document.documentElement.dataset.speaker;
  }, [is_on]);
  return html`<section aria-labelledby="share-speaker">
    <h3 id="share-speaker">${t("Speaker mode")}</h3>
    <p>${t("Large type and the few panels that a room can follow: members, blocks, findings, the tour, and this one.")}</p>
    <p><button type="button" aria-pressed=${String(is_on)} onClick=${() => setOn(!is_on)}>${is_on ? t("Leave speaker mode") : t("Speaker mode")}</button></p>
  </section>`;
}
