// A consortium that stands: its records come as they are written, by server-sent events.

/** Follows the live stream until the page is closed. The browser comes back by itself where the line breaks, and misses nothing.
 * @param {import("../store.js").Store} store @param {import("./player.js").Player} player */
export function follow(store, player) {
  const stream = new EventSource("page/live");
  on(stream, "kinds", (kinds) => renew(store, player, { kinds }));
  on(stream, "members", (members) => renew(store, player, { members, n: members.length }));
  on(stream, "records", (rows) => {
    for (const row of rows) player.records.addRow(row);
    player.more();
    if (!player.playing && player.following === false && player.now() === 0) player.follow();
  });
  on(stream, "status", (status) => store.set({ status }));
  on(stream, "sampled", ({ sampled }) => renew(store, player, { sampled }));
  return () => stream.close();
}

/** @param {EventSource} stream @param {string} name @param {(data: any) => void} act */
function on(stream, name, act) {
  stream.addEventListener(name, (event) => act(JSON.parse(/** @type {MessageEvent} */ (event).data)));
}

/** @param {import("../store.js").Store} store @param {import("./player.js").Player} player @param {Partial<import("../store.js").About>} news */
function renew(store, player, news) {
  const about = /** @type {import("../store.js").About} */ ({ ...player.about, ...news });
  player.setAbout(about);
  store.set({ about });
}
