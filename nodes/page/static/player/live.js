// A consortium that stands: what its traces hold already, then its records as they are written, by server-sent events.
import { get } from "../ask.js";
import { eventsOf } from "./token_stream.js";
import { readStream } from "./records.js";

/** Follows until the page is closed. The browser comes back by itself where the line breaks, and misses nothing.
 * @param {import("../store.js").Store} store @param {import("./player.js").Player} player @returns {Promise<() => void>} what ends it */
export async function follow(store, player) {
  const cursor = encodeURIComponent(player.about.cursor ?? "");
  const history = await get(`page/records?upto=${cursor}`);
  if (history.ok && history.body) await readStream(history.body, player.records);
  player.more();
  player.follow();
  const stream = eventsOf(`page/live?after=${cursor}`);
  on(stream, "kinds", (kinds) => renew(store, player, { kinds }));
  on(stream, "members", (members) => renew(store, player, { members, n: members.length }));
  on(stream, "records", (rows) => {
    for (const row of rows) player.records.addRow(row);
    player.more();
  });
  on(stream, "status", (status) => {
    if (typeof status.t_us === "number") player.reach(status.t_us); // time goes on where nothing happens
    store.set({ status });
  });
  on(stream, "sampled", ({ sampled }) => renew(store, player, { sampled }));
  return () => stream.close();
}

/** @param {import("./token_stream.js").Stream} stream @param {string} name @param {(data: any) => void} act */
function on(stream, name, act) {
  stream.addEventListener(name, (event) => act(JSON.parse(event.data)));
}

/** @param {import("../store.js").Store} store @param {import("./player.js").Player} player @param {Partial<import("../store.js").About>} news */
function renew(store, player, news) {
  const about = /** @type {import("../store.js").About} */ ({ ...player.about, ...news });
  player.setAbout(about);
  store.set({ about });
}
