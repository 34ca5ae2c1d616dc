// The keyboard: one place says which key does what.
import { PANELS } from "./panels/index.js";

/**
 * @param {KeyboardEvent} event
 * @param {import("./store.js").Store} store
 * @param {import("./player/player.js").Player} player
 * @param {() => void} onHelp
 */
export function onKey(event, store, player, onHelp) {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  const target = /** @type {HTMLElement | null} */ (event.target);
  if (target?.closest("input, select, textarea, dialog, [contenteditable]")) return;
  if (event.key === " " && target?.closest("button, a, summary")) return;
  const act = actOf(event, store, player, onHelp);
  if (!act) return;
  event.preventDefault();
  act();
}

/** @param {KeyboardEvent} event @param {import("./store.js").Store} store @param {import("./player/player.js").Player} player @param {() => void} onHelp */
function actOf(event, store, player, onHelp) {
  switch (event.key) {
    case " ": return () => player.toggle();
    case "ArrowRight": return () => (event.shiftKey ? player.stepHeight(1) : player.step(1));
    case "ArrowLeft": return () => (event.shiftKey ? player.stepHeight(-1) : player.step(-1));
    case "[": return () => player.turnSpeed(-1);
    case "]": return () => player.turnSpeed(1);
    case "Home": return () => player.seek(0);
    case "End": return () => (player.about.source === "live" ? player.follow() : player.seek(player.end));
    case "?": return onHelp;
    default:
  }
  if (!/^[1-9]$/.test(event.key)) return null;
  const panel = PANELS.filter((one) => one.needs(store.get().about))[Number(event.key) - 1];
  return panel ? () => store.set({ tab: panel.id }) : null;
}
