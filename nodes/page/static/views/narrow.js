// Where the panels lie below the ring, what somebody chose is brought into view: it would be behind the player.

const NARROW = "(max-width: 999px)"; // as in page.css: the panels stand beside the ring from there on

/** Scrolls to the first element that fits, gently where motion is welcome. @param {string} selector */
export function bringIntoView(selector) {
  if (!matchMedia(NARROW).matches) return;
  const isStill = matchMedia("(prefers-reduced-motion: reduce)").matches;
  document.querySelector(selector)?.scrollIntoView({ block: "start", behavior: isStill ? "auto" : "smooth" });
}
