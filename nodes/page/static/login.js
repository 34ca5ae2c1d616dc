// Where the server asks for a token: a field for it. The token stays in this page's memory and stands in no address.
import { useToken } from "./ask.js";
import { html, render } from "./view.js";
import { languageOf, speakLanguage, t } from "./words.js";

/** @param {Element} place @param {string} sentence why it asks @param {() => unknown} next once a token is given */
export async function askToken(place, sentence, next) {
  await speakLanguage(languageOf(navigator.languages));
  const given = /** @type {{ current: HTMLInputElement | null }} */ ({ current: null });
  const send = (/** @type {Event} */ event) => {
    event.preventDefault();
    useToken(given.current?.value.trim() ?? "");
    render(null, place);
    next();
  };
  place.replaceChildren();
  render(html`<form class="opening login" onSubmit=${send}>
    <p role="alert">${sentence}</p>
    <p><label for="token">${t("Token of an application that may do everything for its member")}</label></p>
    <p><input id="token" type="password" autocomplete="off" spellcheck="false" required ref=${given} />
      <button type="submit" class="primary">${t("Show the page")}</button></p>
  </form>`, place);
}
