// What the page says: each sentence for a reading made by hand.

import assert from "node:assert/strict";
import test from "node:test";
import { NONE } from "../../page/network.js";
import {
  because,
  nameOf,
  ordinal,
  ranked,
  spelt,
  verdict,
} from "../../page/words.js";

// The answer has this share, the second class the rest.
function reading(answer, share = 1, second = (answer + 1) % 10) {
  const p = Array(11).fill(0);
  p[second] = 1 - share;
  p[answer] = share;
  return { p, answer };
}

test("a digit's name has its article", () => {
  assert.deepEqual([0, 1, 4, 7].map(nameOf), ["a 0", "a 1", "a 4", "a 7"]);
  assert.deepEqual([8, NONE].map(nameOf), ["an 8", "no digit"]);
});

test("ordinals", () => {
  const wanted = {
    1: "1st",
    2: "2nd",
    3: "3rd",
    4: "4th",
    10: "10th",
    11: "11th",
    12: "12th",
    13: "13th",
    20: "20th",
    21: "21st",
    22: "22nd",
    23: "23rd",
    24: "24th",
    101: "101st",
    111: "111th",
    112: "112th",
    113: "113th",
    122: "122nd",
  };
  for (const [k, text] of Object.entries(wanted))
    assert.equal(ordinal(Number(k)), text);
});

test("classes by their probability, equal ones in their order", () => {
  assert.deepEqual(ranked([0.1, 0.6, 0, 0.3]), [1, 3, 0, 2]);
  assert.deepEqual(ranked([0.2, 0.3, 0.2, 0.3]), [1, 3, 0, 2]);
});

// One sign

test("nothing is there", () => {
  assert.equal(
    verdict([]),
    "Write a number here, or give me a photo of a sheet of numbers.",
  );
});

test("how sure it is of one digit, but never wholly", () => {
  assert.equal(verdict([reading(4)]), "I'm 99% sure it's a 4.");
  assert.equal(verdict([reading(4, 0.996)]), "I'm 99% sure it's a 4.");
  assert.equal(verdict([reading(4, 0.934)]), "I'm 93% sure it's a 4.");
  assert.equal(verdict([reading(4, 0.9)]), "I'm 90% sure it's a 4.");
});

test("where it isn't sure, what else it could be", () => {
  assert.equal(verdict([reading(4, 0.8, 8)]), "It could also be an 8.");
  assert.equal(verdict([reading(4, 0.89, 9)]), "It could also be a 9.");
  assert.equal(
    verdict([reading(4, 0.7, NONE)]),
    "I'm only 70% sure it's a 4. It may not be a digit at all.",
  );
});

test("a single sign that is no digit", () => {
  assert.equal(verdict([reading(NONE)]), "I don't think that's a digit.");
  assert.equal(
    verdict([reading(NONE, 0.6, 3)]),
    "I don't think that's a digit.",
  );
});

// Several signs

test("it is sure of every digit, or not of one", () => {
  const [sure, less, least] = [0.99, 0.85, 0.6].map((p) => reading(4, p));
  assert.equal(verdict([sure, sure]), "I'm at least 90% sure of every digit.");
  assert.equal(
    verdict([sure, less, least, sure]),
    "I'm only 60% sure of the 3rd digit.",
  );
});

test("shapes that are no digits are counted, and keep their places", () => {
  const [sure, none] = [reading(4), reading(NONE)];
  const one = "I don't think the other shape is a digit, so I left it out.";
  const many = "other shapes are digits, so I left them out.";
  const sure90 = "I'm at least 90% sure of";
  assert.equal(verdict([sure, none]), `${sure90} this digit. ${one}`);
  assert.equal(
    verdict([none, sure, none]),
    `${sure90} this digit. I don't think the two ${many}`,
  );
  assert.equal(
    verdict([sure, sure, sure, ...Array(7).fill(none)]),
    `${sure90} these three digits. I don't think the 7 ${many}`,
  );
  assert.equal(
    verdict([none, reading(4, 0.55)]),
    `I'm only 55% sure of the 2nd digit. ${one}`,
  );
  assert.equal(verdict([none, none]), "I don't think these are digits.");
});

test("what is refused and is wide may be digits that touch", () => {
  const [wide, tall] = [60, 40].map((w) => ({ ...reading(NONE), w, h: 50 }));
  const hint = "If two digits touch here, try leaving a gap between them.";
  assert.ok(verdict([wide]).endsWith(hint));
  assert.ok(verdict([reading(4), wide]).endsWith(hint));
  assert.ok(!verdict([tall]).includes(hint));
  assert.ok(!verdict([{ ...reading(4), w: 60, h: 50 }]).includes(hint));
});

test("the digits of each row", () => {
  const row = (...answers) => answers.map((answer) => ({ answer }));
  assert.equal(spelt([]), "");
  assert.equal(spelt([row(1, 9, 9, 8)]), "1998");
  assert.equal(spelt([row(1, 9), row(0)]), "19/0");
  assert.equal(spelt([row(1, NONE, 0), row(NONE)]), "10");
  assert.equal(spelt([row(NONE), row(NONE, NONE)]), "?");
});

// Why?

// Evidence of the patch in row y and column x, of 14 x 14.
function evidenceAt(...patches) {
  const data = new Float32Array(196);
  for (const [y, x, value] of patches) data[14 * y + x] = value;
  return data;
}

function ink(y, x) {
  // a patch of ink
  const pixels = new Float32Array(784);
  for (const k of [0, 1, 28, 29]) pixels[56 * y + 2 * x + k] = 1;
  return pixels;
}

test("what speaks for a class and what against it", () => {
  const data = evidenceAt([0, 0, 2], [13, 13, -3], [6, 6, 1], [7, 7, -1]);
  const [title, most, against, ...rest] = because(ink(0, 0), data, 8, 8);
  assert.equal(title, "Why an 8?");
  assert.equal(most, "What counts most for an 8 is the ink at the top left.");
  assert.equal(
    against,
    "The lack of ink at the bottom right counts against it, but that isn't " +
      "enough to change my mind.",
  );
  assert.equal(rest.length, 1);
  assert.ok(rest[0].startsWith("To find this out, I took"));
});

test("why not another class", () => {
  const title = (kind, answer) =>
    because(ink(0, 0), evidenceAt(), kind, answer)[0];
  assert.equal(title(3, 8), "Why not a 3?");
  assert.equal(title(8, NONE), "Why not an 8?");
  assert.equal(title(NONE, NONE), "Why “no digit”?");
  assert.equal(title(NONE, 3), "Why not “no digit”?");
  const data = evidenceAt([0, 0, 2], [13, 13, -3]);
  const [, most, suggests] = because(ink(0, 0), data, 8, 3);
  assert.equal(
    most,
    "What counts most against an 8 is the lack of ink at the bottom right.",
  );
  assert.equal(
    suggests,
    "The ink at the top left does suggest an 8, but that isn't enough to " +
      "make me choose it.",
  );
});

test("where nothing speaks for it or against it, nothing is said", () => {
  const length = (...patches) =>
    because(ink(0, 0), evidenceAt(...patches), 3, 3).length;
  assert.equal(length(), 2);
  assert.equal(length([3, 3, 1]), 3);
  assert.equal(length([3, 3, -1]), 3);
  assert.equal(length([3, 3, -1], [4, 9, 1]), 4);
  assert.equal(length([3, 3, -1], [4, 4, 1]), 3); // the same place
});

test("every place has its name", () => {
  const wanted = [
    [0, 4, "at the top left"],
    [4, 5, "at the top centre"],
    [4, 8, "at the top centre"],
    [0, 9, "at the top right"],
    [5, 0, "on the left"],
    [8, 4, "on the left"],
    [5, 5, "at the centre"],
    [8, 8, "at the centre"],
    [8, 13, "on the right"],
    [9, 4, "at the bottom left"],
    [13, 7, "at the bottom centre"],
    [9, 9, "at the bottom right"],
  ];
  for (const [y, x, place] of wanted) {
    const [, most] = because(ink(y, x), evidenceAt([y, x, 1]), 3, 3);
    assert.equal(most, `What counts most for a 3 is the ink ${place}.`);
  }
});

test("a patch is ink from more than half on", () => {
  const said = (pixels) => because(pixels, evidenceAt([5, 5, 1]), 3, 3)[1];
  const pixels = ink(5, 5).map((value) => 0.5 * value);
  assert.ok(said(pixels).includes("the lack of ink"));
  pixels[56 * 5 + 2 * 5 + 29] = 0.6; // the last one of the patch
  assert.ok(said(pixels).includes("is the ink"));
  const beside = ink(5, 6);
  assert.ok(said(beside).includes("the lack of ink"));
});
