// Pictures and animations as files: the browser's part of an export.
import { t } from "../words.js";

export const PNG_SCALE = 2;
const FRAMES_A_SECOND = 30;
const LONGEST_S = 120;
const KINDS = ["video/webm;codecs=vp9", "video/webm;codecs=vp8", "video/webm", "video/mp4"];

/** Hands a file to the person. @param {Blob} blob @param {string} name */
export function save(blob, name) {
  const address = URL.createObjectURL(blob);
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}

/** SVG text as a PNG, twice as fine. @param {string} svg @returns {Promise<Blob>} */
export async function pngOf(svg) {
  const address = URL.createObjectURL(new Blob([svg], { type: "image/svg+xml" }));
  try {
    const image = new Image();
    image.src = address;
    await image.decode();
    const canvas = document.createElement("canvas");
    canvas.width = image.naturalWidth * PNG_SCALE;
    canvas.height = image.naturalHeight * PNG_SCALE;
    canvas.getContext("2d")?.drawImage(image, 0, 0, canvas.width, canvas.height);
    return await new Promise((done, failed) =>
      canvas.toBlob((blob) => (blob ? done(blob) : failed(new Error("no picture came of it"))), "image/png"),
    );
  } finally {
    URL.revokeObjectURL(address);
  }
}

/** What a browser can record an animation as; "" where it cannot. */
export function animationKind() {
  const can = typeof MediaRecorder !== "undefined" && "captureStream" in HTMLCanvasElement.prototype;
  return can ? (KINDS.find((kind) => MediaRecorder.isTypeSupported(kind)) ?? "") : "";
}

/** Seconds that a stretch takes at a speed. @param {number} from_us @param {number} to_us @param {number} speed */
export function secondsAtSpeed(from_us, to_us, speed) {
  return (to_us - from_us) / 1e6 / speed;
}

/** Why a stretch cannot be recorded; "" where it can. @param {number} from_us @param {number} to_us @param {number} speed */
export function whyNoAnimation(from_us, to_us, speed) {
  if (!(to_us > from_us)) return t("The end has to lie after the begin.");
  if (!(speed > 0)) return t("The speed has to be more than nothing.");
  const seconds = secondsAtSpeed(from_us, to_us, speed);
  if (seconds > LONGEST_S) return t("That would take {seconds} seconds: choose a shorter stretch or a higher speed.", { seconds: Math.round(seconds) });
  return "";
}

/**
 * Plays a stretch and records the ring with its moment below. Ends early where somebody pauses.
 * @param {import("../player/player.js").Player} player
 * @param {HTMLCanvasElement} ring
 * @param {{ from_us: number, to_us: number, speed: number }} stretch
 * @param {() => string} caption
 * @returns {Promise<Blob>}
 */
export async function recordStretch(player, ring, stretch, caption) {
  const kind = animationKind();
  const sheet = document.createElement("canvas");
  sheet.width = ring.width;
  sheet.height = ring.height + 48;
  const draw = () => drawSheet(sheet, ring, caption());
  /** @type {BlobPart[]} */
  const pieces = [];
  const recorder = new MediaRecorder(sheet.captureStream(FRAMES_A_SECOND), { mimeType: kind, videoBitsPerSecond: 4_000_000 });
  recorder.ondataavailable = (event) => pieces.push(event.data);
  const whole = new Promise((done) => (recorder.onstop = () => done(undefined)));
  player.pause();
  player.setSpeed(stretch.speed);
  player.seek(stretch.from_us);
  draw();
  recorder.start();
  player.play();
  await new Promise((done) => {
    const end = player.onFrame(() => {
      draw();
      if (player.now() < stretch.to_us && player.playing) return;
      end();
      done(undefined);
    });
  });
  player.pause();
  recorder.stop();
  await whole;
  return new Blob(pieces, { type: kind });
}

/** @param {HTMLCanvasElement} sheet @param {HTMLCanvasElement} ring @param {string} caption */
function drawSheet(sheet, ring, caption) {
  const pen = sheet.getContext("2d");
  if (!pen) return;
  const style = getComputedStyle(document.body);
  pen.fillStyle = style.backgroundColor === "rgba(0, 0, 0, 0)" ? "#ffffff" : style.backgroundColor;
  pen.fillRect(0, 0, sheet.width, sheet.height);
  pen.drawImage(ring, 0, 0);
  pen.fillStyle = style.color;
  pen.font = `${Math.round(sheet.height / 34)}px system-ui, sans-serif`;
  pen.fillText(caption, 16, sheet.height - 18);
}
