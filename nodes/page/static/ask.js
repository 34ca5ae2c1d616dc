// Questions to the server that served the page.

/** An answer that is no answer: `sentence` tells the person what to do. */
export class Refused extends Error {
  /** @param {string} sentence @param {number} status */
  constructor(sentence, status) {
    super(sentence);
    this.sentence = sentence;
    this.status = status;
  }
}

let token = ""; // of an application, where the server asks for one: in this page's memory alone

/** From now on every question carries it. @param {string} given */
export function useToken(given) {
  token = given;
}

export const hasToken = () => token !== "";

/**
 * An address below the page's own, with the token where there is one.
 * @param {string} path @param {Omit<RequestInit, "headers"> & { headers?: Record<string, string> }} [how] @returns {Promise<Response>}
 */
export function get(path, how = {}) {
  /** @type {Record<string, string>} */
  const shown = token ? { Authorization: `Bearer ${token}` } : {};
  return fetch(path, { ...how, headers: { ...how.headers, ...shown } });
}

/**
 * JSON of an address below the page's own, as `page/blocks?from=1`. Raises Refused with the server's sentence.
 * @param {string} path
 * @param {{ body?: unknown, signal?: AbortSignal }} [how] a body makes it a POST
 * @returns {Promise<any>}
 */
export async function ask(path, how = {}) {
  const { body, signal } = how;
  const post = body === undefined ? {} : {
    method: "POST", body: JSON.stringify(body),
    headers: { "Content-Type": "application/json", "X-Consortium": "page" },
  };
  let answer;
  try {
    answer = await get(path, { ...post, signal: signal ?? null });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new Refused("nothing answers at the address of this page", 0);
  }
  if (answer.ok) return answer.json();
  throw new Refused(await sentenceOf(answer), answer.status);
}

/** @param {Response} answer */
async function sentenceOf(answer) {
  const text = await answer.text();
  try {
    const told = JSON.parse(text);
    return String(told.sentence ?? told.said ?? told.error ?? told.detail ?? text);
  } catch {
    return text || `${answer.status} ${answer.statusText}`;
  }
}
