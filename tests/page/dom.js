// A document for tests, small and strict: what would read text as markup raises, so nothing of a ledger can go that way.

class Node {
  /** @param {number} nodeType @param {string} nodeName */
  constructor(nodeType, nodeName) {
    this.nodeType = nodeType;
    this.nodeName = nodeName;
    this.localName = nodeName.toLowerCase();
    /** @type {any} */
    this.parentNode = null;
    /** @type {any[]} */
    this.childNodes = [];
  }
  get firstChild() { return this.childNodes[0] ?? null; }
  get nextSibling() { return this.parentNode?.childNodes[this.parentNode.childNodes.indexOf(this) + 1] ?? null; }
  get ownerDocument() { return document; }
  get isConnected() { return true; }
  /** @param {any} node */
  appendChild(node) { return this.insertBefore(node, null); }
  /** @param {any} node @param {any} before */
  insertBefore(node, before) {
    node.parentNode?.removeChild(node);
    const at = before ? this.childNodes.indexOf(before) : this.childNodes.length;
    this.childNodes.splice(at, 0, node);
    node.parentNode = this;
    return node;
  }
  /** @param {any} node */
  removeChild(node) {
    this.childNodes.splice(this.childNodes.indexOf(node), 1);
    node.parentNode = null;
    return node;
  }
  remove() { this.parentNode?.removeChild(this); }
  /** @param {any} node */
  contains(node) { return node === this || this.childNodes.some((each) => each.contains?.(node)); }
  /** @returns {string} */
  get textContent() { return this.childNodes.map((each) => each.textContent).join(""); }
}

class Text extends Node {
  /** @param {unknown} data */
  constructor(data) { super(3, "#text"); this.data = String(data); }
  get nodeValue() { return this.data; }
  set nodeValue(value) { this.data = String(value); }
  get textContent() { return this.data; }
}

export class Element extends Node {
  /** @param {string} name @param {string | null} namespace */
  constructor(name, namespace) {
    super(1, name);
    this.namespaceURI = namespace;
    /** @type {Record<string, string>} */
    this.given = {};
    /** @type {Record<string, Set<(event: any) => unknown>>} */
    this.listeners = {};
    this.dataset = /** @type {Record<string, string>} */ ({});
  }
  get attributes() { return Object.entries(this.given).map(([name, value]) => ({ name, value })); }
  /** @param {string} name @param {unknown} value */
  setAttribute(name, value) { this.given[name] = String(value); }
  /** @param {string} name */
  getAttribute(name) { return this.given[name] ?? null; }
  /** @param {string} name */
  removeAttribute(name) { delete this.given[name]; }
  /** @param {string} kind @param {(event: any) => unknown} listener */
  addEventListener(kind, listener) { (this.listeners[kind] ??= new Set()).add(listener); }
  /** @param {string} kind @param {(event: any) => unknown} listener */
  removeEventListener(kind, listener) { this.listeners[kind]?.delete(listener); }
  /** @param {string} kind @param {Record<string, unknown>} [more] */
  fire(kind, more = {}) {
    const event = { type: kind, target: this, currentTarget: this, preventDefault: () => undefined, stopPropagation: () => undefined, ...more };
    for (const listener of this.listeners[kind] ?? []) listener.call(this, event);
  }
  focus() { document.activeElement = this; }
  showModal() { this.given.open = ""; }
  /** @param {string} _value */
  set innerHTML(_value) { throw new Error("text would be read as markup"); }
  /** @param {string} _value */
  set outerHTML(_value) { throw new Error("text would be read as markup"); }
  insertAdjacentHTML() { throw new Error("text would be read as markup"); }
  /** @param {(element: Element) => boolean} is @returns {Element[]} */
  all(is) {
    const below = this.childNodes.flatMap((each) => (each instanceof Element ? each.all(is) : []));
    return is(this) ? [this, ...below] : below;
  }
  /** The buttons that say so. @param {string} text @returns {Element[]} */
  buttons(text) { return this.all((each) => each.localName === "button" && each.textContent.trim() === text); }
}

export const document = {
  createElement: (/** @type {string} */ name) => new Element(name, null),
  createElementNS: (/** @type {string} */ namespace, /** @type {string} */ name) => new Element(name, namespace),
  createTextNode: (/** @type {unknown} */ data) => new Text(data),
  createComment: () => { throw new Error("comments are not made"); },
  documentElement: new Element("html", null),
  querySelector: () => null,
  /** @type {any} */
  activeElement: null,
};

/** Makes the document and what goes with it global, as in a browser. */
export function install() {
  Object.assign(globalThis, {
    document,
    location: { href: "http://127.0.0.1/", pathname: "/", search: "", hash: "" },
    history: { replaceState: () => undefined },
    matchMedia: () => ({ matches: true, addEventListener: () => undefined, removeEventListener: () => undefined }),
    requestAnimationFrame: (/** @type {() => void} */ act) => setTimeout(act, 1),
    cancelAnimationFrame: (/** @type {any} */ timer) => clearTimeout(timer),
    HTMLCanvasElement: class {},
    ResizeObserver: class {
      observe() {}
      disconnect() {}
    },
    MutationObserver: class {
      observe() {}
      disconnect() {}
    },
  });
}

/** Lets effects, answers and renewed views happen. @param {number} [turns] */
export async function settle(turns = 12) {
  for (let turn = 0; turn < turns; turn += 1) await new Promise((done) => setTimeout(done, 3));
}
