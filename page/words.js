// What the page says, in words.

import { NONE } from "./network.js";

const SURE = 0.9; // from this probability on nothing else is mentioned
const ORDINALS = ["1st", "2nd", "3rd"];
const COUNTS = ["no", "one", "two", "three", "four", "five"];

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
  return Math.min(Math.round(100 * share), 99);
}

function ofOne({ p, answer }) {
  const second = ranked(p)[1];
  if (answer === NONE) return "I don't think that's a digit.";
  if (p[answer] >= SURE) return `I'm ${percent(p[answer])} % sure of it.`;
  if (second === NONE) return `${percent(p[answer])} % sure. Is it a digit?`;
  return `It could be ${nameOf(second)}, too.`;
}

// Digits and what is none, in reading order -> a sentence or two.
export function verdict(readings) {
  if (!readings.length) return "Write a number here.";
  if (readings.length === 1) return ofOne(readings[0]);
  const digits = readings.filter(({ answer }) => answer !== NONE);
  const refused = readings.length - digits.length;
  if (!digits.length) return "I don't think these are digits.";
  const sure = ({ p, answer }) => p[answer];
  const least = digits.reduce((a, b) => (sure(b) < sure(a) ? b : a));
  const place = ordinal(readings.indexOf(least) + 1);
  const text =
    sure(least) >= SURE
      ? "I'm sure of every digit."
      : `I'm not sure of the ${place}: ${percent(sure(least))} %.`;
  const count = COUNTS[refused] ?? refused;
  const shapes = `${count} shape${refused > 1 ? "s are" : " is"} no digit`;
  return refused ? `${text} Here, ${shapes}.` : text;
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
  ["top left", "top", "top right"],
  ["left", "middle", "right"],
  ["bottom left", "bottom", "bottom right"],
];

function placeOf(k) {
  const [y, x] = [Math.floor(k / 14), k % 14];
  const third = (value) => (value < 5 ? 0 : value < 9 ? 1 : 2);
  return `the ${PLACES[third(y)][third(x)]}`;
}

function patch(pixels, k) {
  const at = 56 * Math.floor(k / 14) + 2 * (k % 14);
  const sum = [0, 1, 28, 29].reduce((a, j) => a + pixels[at + j], 0);
  return `${sum > 2 ? "the ink" : "the empty paper"} at ${placeOf(k)}`
    .replace("at the left", "on the left")
    .replace("at the right", "on the right")
    .replace("at the middle", "in the middle");
}

// The evidence of 14 x 14 patches for a class, in two or three sentences.
export function because(pixels, data, kind, answer) {
  const order = Array.from(data.keys()).sort((a, b) => data[b] - data[a]);
  const [best, worst] = [order[0], order.at(-1)];
  const name = nameOf(kind);
  const parts = [`Why ${kind === answer ? "" : "not "}${name}?`];
  if (data[best] > 0)
    parts.push(`What speaks most for ${name} is ${patch(pixels, best)}.`);
  if (data[worst] < 0)
    parts.push(`What speaks most against it is ${patch(pixels, worst)}.`);
  parts.push(
    "I turned the picture over, four pixels at a time, ink into paper and " +
      "paper into ink. ■ speaks for it: turned over, I'm less sure. × speaks " +
      "against it.",
  );
  return parts;
}
