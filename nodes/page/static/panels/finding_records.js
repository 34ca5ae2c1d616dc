// The regulator's findings, as the trace has them. Pure.
import { mark } from "../words.js";

/** What each rule says that was broken. @type {Record<string, string>} */
export const RULES = {
  "duplicate-bill": mark("a bill claimed twice"),
  "reused-trace-code": mark("a pack sold twice"),
  "claim-after-lapse": mark("a claim after the insurance lapsed"),
  "claim-after-death": mark("a claim after a death"),
  "service-not-rendered": mark("a service that was not rendered"),
};

/** @typedef {{ t_us: number, rule: string, member: string, text: string, amount_fen: number, links: import("../text.js").Link[] }} Finding */

/**
 * All findings, in order of time.
 * @param {import("../player/player.js").Player} player
 * @returns {Finding[]}
 */
export function findingsOf(player) {
  const { records } = player;
  const number = player.about.kinds.indexOf("finding");
  const found = [];
  for (let at = 0; number >= 0 && at < records.length; at += 1) {
    if (records.kind[at] !== number) continue;
    const { rule, records: text, amount_fen } = records.extra(at);
    const told = String(text ?? "");
    found.push({
      t_us: Number(records.t[at]),
      rule: String(rule ?? ""),
      member: player.nameOf(Number(records.node[at])),
      text: told,
      amount_fen: Number(amount_fen ?? 0),
      links: linksIn(told, player.about.members.map((each) => each.name)),
    });
  }
  return found;
}

/**
 * What a finding names: `bill NUMBER`, `pack CODE`, `person PSN`, and members.
 * @param {string} text
 * @param {string[]} members
 * @returns {import("../text.js").Link[]}
 */
export function linksIn(text, members) {
  const links = [];
  for (const found of text.matchAll(/(bills?|packs?|codes?|persons?|claims?) ([\w/.-]{4,120})/g)) {
    const kind = String(found[1]).replace(/s$/, "");
    links.push({ kind: kind === "pack" ? "code" : kind, id: String(found[2]) });
  }
  for (const found of text.matchAll(/(?<![\w-])\d{20}(?![\w-])/g)) links.push({ kind: "code", id: found[0] });
  return [...links, ...members.map((name) => ({ kind: "member", id: name }))];
}
