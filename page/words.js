// What the page says, in words.

import { NONE } from "./network.js";

const WORTH = 0.2; // of the strongest evidence: weaker one isn't mentioned
const SURE = 0.9; // from this probability on nothing else is mentioned
const ORDINALS = ["1st", "2nd", "3rd"];
const COUNTS = ["no", "one", "two", "three", "four", "five", "six"];

// Its name with an article: "a 4", "an 8", "no digit".
export function nameOf(kind) {
  if (kind === NONE) return "no digit";
  return (kind === 8 ? "an " : "a ") + kind;
}

export function ordinal(k) {
  const [tens, last] = [Math.floor(k / 10), ORDINALS[(k % 10) - 1]];
  return last && tens % 10 !== 1 ? `${tens || ""}${last}` : `${k}th`;
}

// The most probable classes, the first one first: a list of their numbers.
export function ranked(p) {
  return p.map((_, kind) => kind).sort((a, b) => p[b] - p[a]);
}

// Never 100: no network knows that.
function percent(share) {
  return `${Math.min(Math.round(100 * share), 99)}%`;
}

function counted(count, one, more) {
  return count === 1 ? one : more.replace("#", COUNTS[count] ?? count);
}

function ofOne({ p, answer }) {
  const second = ranked(p)[1];
  if (answer === NONE) return "I don't think that's a digit.";
  const guess = `${percent(p[answer])} sure it's ${nameOf(answer)}.`;
  if (p[answer] >= SURE) return `I'm ${guess}`;
  if (second !== NONE) return `It could also be ${nameOf(second)}.`;
  return `I'm only ${guess} It may not be a digit at all.`;
}

function ofMany(readings) {
  const digits = readings.filter(({ answer }) => answer !== NONE);
  if (!digits.length) return "I don't think these are digits.";
  const sure = ({ p, answer }) => p[answer];
  const least = digits.reduce((a, b) => (sure(b) < sure(a) ? b : a));
  const place = ordinal(readings.indexOf(least) + 1);
  const refused = readings.length - digits.length;
  if (sure(least) < SURE)
    return `I'm only ${percent(sure(least))} sure of the ${place} digit.`;
  return refused
    ? counted(
        digits.length,
        "I'm at least 90% sure of this digit.",
        "I'm at least 90% sure of these # digits.",
      )
    : "I'm at least 90% sure of every digit.";
}

// Digits and what is none, in reading order -> a sentence or more.
export function verdict(readings) {
  if (!readings.length)
    return "Write a number here, or give me a photo of a sheet of numbers.";
  if (readings.length === 1) return withHint(ofOne(readings[0]), readings);
  const refused = readings.filter(({ answer }) => answer === NONE).length;
  const others = counted(
    refused,
    " I don't think the other shape is a digit, so I left it out.",
    " I don't think the # other shapes are digits, so I left them out.",
  );
  const left = refused && refused < readings.length;
  return withHint(ofMany(readings) + (left ? others : ""), readings);
}

// What is refused and is wide may be digits that touch.
function withHint(text, readings) {
  const isWide = ({ answer, w, h }) => answer === NONE && w > 1.1 * h;
  return readings.some(isWide)
    ? `${text} If two digits touch here, try leaving a gap between them.`
    : text;
}

// What the page says of the camera.
export const CAMERA = {
  waiting:
    "I'm waiting for the camera. Your browser may ask you whether I may use " +
    "it.",
  empty: "Hold a number before the camera.",
  found: "Keep this picture, and I'll show you why.",
  hidden:
    "I turned the camera off when this page was hidden. Press Camera to " +
    "start it again.",
  ended:
    "The camera has stopped sending pictures. If it's still connected, press " +
    "Camera to start it again.",
};

const PHOTO =
  "Photo works without it: on a phone, it can open the camera app.";
const REFUSED =
  "I'm not allowed to use the camera. To change that, allow it in your " +
  `browser's settings for this page, then press Camera again. ${PHOTO}`;
const ABSENT =
  "I can't find a camera on this device. Connect one and press Camera again, " +
  "or press Photo to give me a picture.";
const BUSY =
  "The camera doesn't start. Another program may be using it: close that, " +
  "then press Camera again. Or press Photo to give me a picture.";
const FAULTS = {
  NotAllowedError: REFUSED,
  SecurityError: REFUSED,
  NotFoundError: ABSENT,
  OverconstrainedError: ABSENT,
  NotReadableError: BUSY,
  AbortError: BUSY,
};

// Why the camera doesn't start: name is the error's. secure: whether browsers
// lend a camera to such a page; framed: whether a page around it forbids it.
export function withoutCamera(name, { secure, framed }) {
  if (!secure)
    return (
      "A browser lends its camera only to pages that nobody could have " +
      "changed on their way. Open me by an address that begins with https or " +
      `localhost, or download me and open the file. ${PHOTO}`
    );
  if (framed && FAULTS[name] === REFUSED)
    return (
      "I'm shown inside another page, which doesn't let me use the camera. " +
      `Open me on my own, then press Camera again. ${PHOTO}`
    );
  return (
    FAULTS[name] ??
    "The camera doesn't start, and I don't know why. Press Camera to try " +
      "again, or press Photo to give me a picture."
  );
}

// The digits of each row, "?" where there is none but other shapes.
export function spelt(rows) {
  const digits = rows
    .map((row) =>
      row
        .map(({ answer }) => answer)
        .filter((kind) => kind !== NONE)
        .join(""),
    )
    .filter((text) => text);
  return digits.join("/") || (rows.length ? "?" : "");
}

const PLACES = [
  ["at the top left", "at the top centre", "at the top right"],
  ["on the left", "at the centre", "on the right"],
  ["at the bottom left", "at the bottom centre", "at the bottom right"],
];

function placeOf(k) {
  const third = (value) => (value < 5 ? 0 : value < 9 ? 1 : 2);
  return PLACES[third(Math.floor(k / 14))][third(k % 14)];
}

function isInk(pixels, k) {
  const at = 56 * Math.floor(k / 14) + 2 * (k % 14);
  return [0, 1, 28, 29].reduce((sum, j) => sum + pixels[at + j], 0) > 2;
}

function patch(pixels, k) {
  return `${isInk(pixels, k) ? "the ink" : "the lack of ink"} ${placeOf(k)}`;
}

// The evidence of 14 x 14 patches for a class: a question, and sentences.
export function because(pixels, data, kind, answer) {
  const order = Array.from(data.keys()).sort((a, b) => data[b] - data[a]);
  const ends = [order[0], order.at(-1)]; // the most for it, and against it
  const chosen = kind === answer;
  const [most, other] = chosen ? ends : ends.reverse();
  const sign = chosen ? 1 : -1;
  const name = kind === NONE ? "“no digit”" : nameOf(kind);
  const parts = [`Why ${chosen ? "" : "not "}${name}?`];
  if (sign * data[most] > 0)
    parts.push(
      `What counts most ${chosen ? "for" : "against"} ${name} is ` +
        `${patch(pixels, most)}.`,
    );
  const enough = -sign * data[other] > WORTH * sign * data[most];
  if (enough && patch(pixels, other) !== patch(pixels, most)) {
    const text = patch(pixels, other);
    parts.push(
      `${text[0].toUpperCase()}${text.slice(1)} ` +
        (chosen
          ? "counts against it, but that isn't enough to change my mind."
          : `does suggest ${name}, but that isn't enough to make me choose it.`),
    );
  }
  parts.push(
    "To find this out, I took four neighbouring pixels at a time, turned ink " +
      `into paper and paper into ink, saw whether ${name} became more or less ` +
      `likely, and put them back. ■ This part suggests ${name}, because it ` +
      "became less likely when I changed the part. × This part counts against " +
      "it, because it became more likely.",
  );
  return parts;
}
