// Sentences in the language of the page. The English sentence is the key; Chinese comes from the server's catalogue.

/** @type {Record<string, string>} */
let sentences = {};

/**
 * A sentence in the page's language. `{name}` in it is replaced by the value of that name.
 * @param {string} sentence in English, written out: a test collects all of them
 * @param {Record<string, string | number>} [values]
 * @returns {string}
 */
export function t(sentence, values = {}) {
  const said = sentences[sentence] || sentence;
  return said.replace(/\{(\w+)\}/g, (whole, name) => (name in values ? String(values[name]) : whole));
}

/** From now on `t` speaks with these. @param {Record<string, string>} catalogue */
export function speak(catalogue) {
  sentences = catalogue;
}

/** Fetches the catalogue of a language and speaks it. English needs none. @param {"en" | "zh"} lang */
export async function speakLanguage(lang) {
  if (lang === "en") return speak({});
  const answer = await fetch(`page/words.json?lang=${lang}`);
  speak(answer.ok ? await answer.json() : {});
}

/** The language that a browser asks for, of those that the page speaks. @param {readonly string[]} wanted @returns {"en" | "zh"} */
export function languageOf(wanted) {
  const first = wanted.find((word) => /^(en|zh)\b/i.test(word));
  return first && first.toLowerCase().startsWith("zh") ? "zh" : "en";
}

/** A sentence that stands in a table here and is told by t(…) later. @param {string} sentence */
export const mark = (sentence) => sentence;
