// What every view of the page is written with: `html` makes elements, hooks keep state, `useStore` follows the store.
import { h, render } from "./vendor/preact.js";
import { useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState } from "./vendor/hooks.js";
import htm from "./vendor/htm.js";
import { harmless } from "./text.js";

/** @param {any} child @returns {any} */
const disarmed = (child) => (typeof child === "string" ? harmless(child) : Array.isArray(child) ? child.map(disarmed) : child);
/** @type {typeof h} */
const made = (/** @type {any} */ type, /** @type {any} */ props, /** @type {any[]} */ ...children) => h(type, props, ...children.map(disarmed));

/** Elements out of a template. Values become text nodes: nothing of a ledger is read as HTML, or turns the writing around it. */
export const html = htm.bind(made);
export { render, useCallback, useEffect, useLayoutEffect, useMemo, useRef, useState };

/**
 * What `pick` says of the store, renewed when that changes (compared by `===`: pick values, or objects that are kept).
 * @template T
 * @param {import("./store.js").Store} store
 * @param {(state: import("./store.js").State) => T} pick
 * @returns {T}
 */
export function useStore(store, pick) {
  const [, renew] = useState(0);
  const value = pick(store.get());
  const held = useRef(value);
  held.current = value;
  useEffect(() => store.on(() => {
    if (pick(store.get()) !== held.current) renew((turn) => turn + 1);
  }), [store]);
  return value;
}
