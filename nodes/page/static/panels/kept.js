// What was handed in here and is followed: ids alone, kept by the browser until its tab is closed, so that a page that is
// opened anew goes on following.

const MOST = 20;

/** @typedef {import("./try.js").Submitted} Submitted */

/** @param {import("../store.js").About} about */
const keyOf = (about) => `consortium.sent.${about.name}.${about.origin_us}`;

/** @param {import("../store.js").About} about @returns {Submitted[]} the newest first */
export function keptOf(about) {
  try {
    const kept = JSON.parse(sessionStorage.getItem(keyOf(about)) ?? "[]");
    return Array.isArray(kept) ? kept.filter((one) => isId(one?.transaction) && isId(one.member)).map(idsOf) : [];
  } catch {
    return []; // this browser keeps nothing, or somebody wrote something else there
  }
}

/** @param {import("../store.js").About} about @param {Submitted[]} sent the newest first */
export function keep(about, sent) {
  try {
    sessionStorage.setItem(keyOf(about), JSON.stringify(sent.slice(0, MOST).map(idsOf)));
  } catch {
    // it is followed until the page is opened anew
  }
}

/** @param {unknown} value */
const isId = (value) => typeof value === "string" && value.length > 0 && value.length <= 200;

/** @param {Submitted} sent @returns {Submitted} */
function idsOf({ transaction, member, bill, pack }) {
  return { transaction, member, ...(isId(bill) && { bill }), ...(isId(pack) && { pack }) };
}
