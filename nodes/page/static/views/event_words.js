// What stands on the time line, in words.
import { mark, t } from "../words.js";

/** @type {Record<string, string>} */
const ACTS = {
  kill: mark("{name} is killed"),
  restart: mark("{name} is started again"),
  pause: mark("{name} is paused"),
  resume: mark("{name} goes on"),
  partition: mark("the network is parted"),
  heal: mark("the network is whole again"),
  calm: mark("the network is calm again"),
};

/** @param {import("../player/events.js").Event} event @param {import("../player/player.js").Player} player @returns {string} */
export function eventWords(event, player) {
  const name = player.nameOf(event.node);
  switch (event.kind) {
    case "view": return t("{name} leads in view {view}", { name, view: event.view });
    case "epoch": return t("epoch {epoch} begins", { epoch: event.what });
    case "exit": return t("{name} fell: {why}", { name, why: event.what });
    case "finding": return t("{name} finds: {what}", { name, what: event.what });
    default:
  }
  const act = event.what.split(" ")[0];
  return ACTS[act] && (name || !ACTS[act].includes("{name}")) ? t(ACTS[act], { name }) : event.what;
}
