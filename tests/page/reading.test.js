// The page's reader of whole pages: each step on something made by hand.

import assert from "node:assert/strict";
import test from "node:test";
import { NONE } from "../../page/network.js";
import { bytes, prepare } from "../../page/preparation.js";
import {
  bestPath,
  bestReading,
  borderFlood,
  evidence,
  findDigits,
  findInk,
  findPieces,
  flatten,
  flood,
  group,
  intoRows,
  isNumber,
  join,
  lookAt,
  meanEvidence,
  onLines,
  overlap,
  part,
  readFrame,
  readInk,
  readings,
  readSingle,
  recognise,
  spell,
  split,
  threshold,
  usualHeight,
  valueOfRows,
  weight,
  whichInk,
  words,
} from "../../page/reading.js";

function picture(...rows) {
  const data = Uint8Array.from(rows.flat());
  return { h: rows.length, w: rows[0].length, data };
}

function rowsOf({ h, w, data }) {
  return Array.from({ length: h }, (_, y) => [
    ...data.slice(y * w, y * w + w),
  ]);
}

function sure(digit, share = 1, n = 11) {
  // probabilities
  const p = Array(n).fill(0);
  p[NONE] = n > NONE ? 1 - share : undefined;
  p.length = n;
  p[digit] = share;
  return p;
}

function box(x, y, w, h, digit = 7, share = 1) {
  const mask = bytes(h, w);
  mask.data.fill(1);
  return { x, y, w, h, mask, p: sure(digit, share) };
}

function rectangles(h, w, ...boxes) {
  // a mask
  const mask = bytes(h, w);
  for (const [x, y, wide, tall] of boxes)
    for (let i = y; i < y + tall; i++)
      mask.data.fill(1, i * w + x, i * w + x + wide);
  return mask;
}

const allSevens = (images) => images.map(() => sure(7));

// From the picture to its ink

test("a blur by one pixel, as OpenCV's whole numbers have it", () => {
  const line = bytes(1000, 1000);
  for (let y = 0; y < 1000; y++) line.data[y * 1000 + 500] = 255;
  const row = [...lookAt(line).data.slice(500496, 500505)];
  assert.deepEqual(row, [0, 1, 14, 62, 102, 62, 14, 1, 0]);
  const small = lookAt(picture([9]));
  assert.deepEqual([small.h, small.w, small.data[0]], [1000, 1000, 9]);
});

test("darkness is a share of the paper around", () => {
  const grey = picture(...Array(9).fill(Array(9).fill(199)));
  grey.data[40] = 99;
  const dark = flatten(grey);
  assert.equal(dark.data[40], 127); // of 255, cut off
  assert.equal(dark.data.filter((value) => value === 0).length, 80);
});

test("a flood goes round corners and never gets darker", () => {
  const dark = picture([9, 0, 5, 7], [0, 6, 0, 8], [0, 0, 0, 4], [8, 8, 0, 9]);
  const start = bytes(4, 4);
  start.data[0] = 9;
  assert.deepEqual(rowsOf(flood(dark, start)), [
    [9, 0, 5, 5],
    [0, 6, 0, 5],
    [0, 0, 0, 4],
    [0, 0, 0, 4],
  ]);
});

test("a flood finds its way through a maze, forward and back", () => {
  const dark = picture(
    [7, 7, 7, 7, 7],
    [0, 0, 0, 0, 7],
    [5, 5, 5, 0, 7],
    [5, 0, 0, 0, 7],
    [5, 7, 7, 7, 7],
  );
  const start = bytes(5, 5);
  start.data[0] = 6;
  assert.deepEqual(rowsOf(flood(dark, start)), [
    [6, 6, 6, 6, 6],
    [0, 0, 0, 0, 6],
    [5, 5, 5, 0, 6],
    [5, 0, 0, 0, 6],
    [5, 6, 6, 6, 6],
  ]);
});

test("what touches the border is flooded, what lies inside is not", () => {
  const dark = bytes(1000, 1000);
  for (let y = 0; y < 1000; y++)
    for (let x = 0; x < 1000; x++)
      if (y < 60 || (y > 400 && y < 500 && x > 400 && x < 500))
        dark.data[y * 1000 + x] = 200;
  const flooded = borderFlood(dark);
  assert.equal(flooded.data[30 * 1000 + 700], 200);
  assert.equal(flooded.data[450 * 1000 + 450], 0);
});

test("a long line is one, a short one is not, whichever way it goes", () => {
  for (const upright of [false, true]) {
    const dark = bytes(300, 300);
    const at = (along, across) =>
      upright ? along * 300 + across : across * 300 + along;
    for (let k = 20; k < 280; k++) dark.data[at(k, 50)] = 90;
    for (let k = 100; k < 160; k++) dark.data[at(k, 150)] = 90;
    const { data } = onLines(dark);
    assert.deepEqual([data[at(150, 50)], data[at(130, 150)]], [90, 0]);
  }
});

test("ink is above 0.8 of Otsu's level, unless all is pale", () => {
  assert.deepEqual(rowsOf(threshold(picture([20, 20, 16, 17, 99, 99]))), [
    [1, 1, 0, 1, 1, 1],
  ]);
  assert.deepEqual(rowsOf(threshold(picture([0, 0, 9, 9]))), [[0, 0, 0, 0]]);
});

// From the ink to its pieces

test("pieces come by their size, and small ones do not come", () => {
  const ink = rectangles(
    100,
    200,
    [10, 10, 8, 20],
    [50, 10, 9, 40],
    [90, 10, 5, 12],
  );
  const boxes = findPieces(ink).map(({ x, y, w, h }) => [x, y, w, h]);
  assert.deepEqual(boxes, [
    [50, 10, 9, 40],
    [10, 10, 8, 20],
  ]);
});

test("the usual height is the one with the most votes", () => {
  assert.equal(usualHeight([]), 0);
  const heights = [10, 11, 12, 40, 44, 50, 200];
  assert.equal(usualHeight(heights.map((h) => ({ h }))), 44);
});

test("a bar above a digit belongs to it, a far one does not", () => {
  const [bar, digit, far] = [
    box(10, 10, 30, 8),
    box(12, 22, 20, 40),
    box(200, 10, 30, 8),
  ];
  assert.deepEqual(group([bar, far, digit], 60), [[bar, digit], [far]]);
  assert.deepEqual(group([], 60), []);
  const { x, y, w, h, mask } = join([bar, digit]);
  assert.deepEqual([x, y, w, h], [10, 10, 30, 52]);
  assert.deepEqual(
    [mask.data[0], mask.data[9 * 30], mask.data[12 * 30 + 2]],
    [1, 0, 1],
  );
});

test("nothing to recognise asks no network", () => {
  assert.deepEqual(recognise([], null), []);
});

test("what is recognised has pixels and probabilities", () => {
  const [{ pixels, p, x }] = recognise([box(3, 4, 20, 30)], allSevens);
  assert.deepEqual([pixels.length, p[7], x], [784, 1, 3]);
});

test("what is much smaller or larger than a digit is none", () => {
  const ink = rectangles(
    400,
    600,
    [20, 50, 30, 60],
    [80, 50, 30, 60],
    [140, 50, 30, 60],
    [190, 95, 13, 14],
    [300, 50, 40, 200],
  );
  const { digits, size } = findDigits(ink, allSevens);
  assert.equal(size, 60);
  assert.deepEqual(
    digits.map(({ x }) => x),
    [20, 80, 140],
  );
});

// The judge

test("evidence is between -4 and 4, for a 1 at most 2", () => {
  assert.equal(evidence(sure(3)), 4);
  assert.equal(evidence(sure(1)), 2);
  assert.equal(evidence(sure(3, 1e-9)), -4);
  const p = Math.exp(1) / (1 + Math.exp(1));
  assert.ok(Math.abs(evidence(sure(5, p)) - 1) < 1e-6);
});

test("of a network of ten classes all are digits", () => {
  assert.equal(evidence(sure(3, 0.4, 10)), 4);
});

test("larger pieces count more", () => {
  const [large, small] = [box(0, 0, 40, 90), box(0, 0, 20, 20, 3, 1e-9)];
  assert.deepEqual([weight(large), weight(small)], [60, 20]);
  assert.equal(meanEvidence([large, small]), (60 * 4 - 20 * 4) / 80);
});

// Touching digits

test("the best path takes the steps that are worth most", () => {
  const no = -Infinity;
  const value = [
    [no, 5, 1, 9],
    [no, no, 6, 3],
    [no, no, no, 4],
    [no, no, no, no],
  ];
  assert.deepEqual(bestPath(value, 0), [0, 1, 2, 3]); // 15
  assert.deepEqual(bestPath(value, 2), [0, 1, 2, 3]); // 11
  assert.deepEqual(bestPath(value, 4), [0, 3]); // 9, not 7
});

test("a part is cut to its ink", () => {
  const mask = picture([0, 0, 0, 1, 1], [1, 0, 1, 0, 0], [0, 0, 0, 0, 0]);
  const piece = { x: 10, y: 20, w: 5, h: 3, mask };
  const { x, y, w, h, mask: inner } = part(piece, 1, 4);
  assert.deepEqual([x, y, w, h], [12, 20, 2, 2]);
  assert.deepEqual(rowsOf(inner), [
    [0, 1],
    [1, 0],
  ]);
  assert.deepEqual(part(piece, 1, 2).w, 0);
});

test("a wide piece is cut where that is worth more", () => {
  const mask = rectangles(
    50,
    90,
    [0, 0, 40, 50],
    [40, 25, 10, 4],
    [50, 0, 40, 50],
  );
  const piece = { ...box(100, 0, 90, 50, 7, 1e-9), mask };
  const cut = split(piece, 50, allSevens);
  assert.equal(cut.length, 2);
  assert.equal(cut[0].x, 100);
  assert.equal(cut[1].x + cut[1].w, 190);
  const none = (images) => images.map(() => sure(NONE));
  assert.deepEqual(split(piece, 50, none), [piece]);
  assert.deepEqual(split(piece, 91, null), [piece]);
});

// Rows and words

test("the overlap in height is a share of the shorter box", () => {
  assert.equal(overlap(box(0, 0, 5, 40), box(9, 30, 5, 20)), 0.5);
  assert.ok(overlap(box(0, 0, 5, 10), box(9, 20, 5, 10)) < 0);
});

test("two rows of boxes, even if they lean", () => {
  const upper = [0, 1, 2, 3].map((k) => box(50 * k, 10 + 12 * k, 30, 40));
  const lower = [0, 1, 2, 3].map((k) => box(50 * k + 5, 70 + 12 * k, 30, 40));
  const mixed = [3, 0, 2, 1].flatMap((k) => [lower[k], upper[k]]);
  assert.deepEqual(intoRows(mixed), [upper, lower]);
  assert.deepEqual(intoRows([]), []);
});

test("a gap wider than half the height parts two words", () => {
  const row = [box(0, 0, 20, 40), box(30, 0, 20, 40), box(71, 0, 20, 40)];
  assert.deepEqual(words(row, 40), [row.slice(0, 2), row.slice(2)]);
  assert.deepEqual(words(row, 44), [row]);
});

test("a word needs something for it, a lone digit less", () => {
  const doubtful = box(0, 0, 20, 40, 5, 0.2);
  assert.equal(isNumber([doubtful, doubtful]), false);
  assert.equal(isNumber([doubtful]), true);
  assert.equal(isNumber([box(0, 0, 20, 40, 5, 1e-9)]), false);
});

// Readings

test("a reading is worth less where it left out digits", () => {
  const [a, b] = [box(0, 0, 20, 20), box(30, 0, 20, 20)];
  assert.equal(valueOfRows([], [a]), 0);
  assert.equal(valueOfRows([[a, b]], [a, b]), (4 * 2) / 2.5);
  assert.equal(valueOfRows([[a]], [a, b]), (4 * 0.5) / 1.5);
});

test("ink is read in rows", () => {
  const ink = rectangles(
    300,
    300,
    [20, 20, 30, 60],
    [70, 20, 30, 60],
    [20, 150, 30, 60],
  );
  const { rows, value } = readInk(ink, allSevens);
  assert.deepEqual(spell(rows), ["77", "7"]);
  assert.equal(value, (4 * 3) / 3.5);
});

// Three dark bars on paper, 400 x 600 pixels
function bars(paper = 200, ink = 60) {
  const grey = bytes(400, 600);
  const mask = rectangles(
    400,
    600,
    [150, 100, 40, 120],
    [250, 100, 40, 120],
    [350, 100, 40, 120],
  );
  mask.data.forEach((is, k) => {
    grey.data[k] = is ? ink : paper;
  });
  return grey;
}

test("ink is found, whether it is dark or light", () => {
  const [dark, light] = [findInk(bars()), findInk(bars(60, 200))];
  assert.deepEqual([dark.h, dark.w], [667, 1000]);
  assert.deepEqual(dark.data, light.data);
  const part = dark.data[270 * 1000 + 283];
  assert.deepEqual([part, dark.data[270 * 1000 + 200]], [1, 0]);
  const [likely] = whichInk(lookAt(bars(60, 200)));
  assert.ok(likely.data[0] > likely.data[270 * 1000 + 283]);
});

test("the best reading of bars, and its boxes", () => {
  const { assumed, turn, rows, value } = bestReading(bars(), allSevens);
  assert.deepEqual([assumed, turn, spell(rows)], ["as it is", 0, ["777"]]);
  assert.equal(value.toFixed(6), ((4 * 3) / 3.5).toFixed(6));
  const [{ x, y, w, h }] = rows[0];
  const near = [
    [x, 250],
    [y, 167],
    [w, 67],
    [h, 200],
  ];
  assert.ok(
    near.every(([a, b]) => Math.abs(a - b) <= 3),
    `${x} ${y}`,
  );
});

test("a frame is read in half as many pixels a side, dark ink or light", () => {
  for (const grey of [bars(), bars(60, 200)]) {
    const rows = readFrame(grey, allSevens);
    assert.deepEqual(spell(rows), ["777"]);
    const [{ x, y, w, h }] = rows[0];
    const near = [
      [x, 125],
      [y, 83],
      [w, 33],
      [h, 100],
    ];
    assert.ok(
      near.every(([a, b]) => Math.abs(a - b) <= 3),
      `${x} ${y}`,
    );
  }
});

test("a frame in which no digit is worth more than nothing has no rows", () => {
  const noDigit = (images) =>
    images.map(() => [...Array(10).fill(0.001), 0.99]);
  assert.deepEqual(readFrame(bars(), noDigit), []);
  const blank = bytes(120, 200);
  blank.data.fill(180);
  assert.deepEqual(readFrame(blank, null), []);
});

test("readings come one by one: a network is asked for what is wanted", () => {
  let asked = 0;
  const all = readings(bars(), (images) => {
    asked += images.length;
    return allSevens(images);
  });
  assert.equal(all.next().value.assumed, "as it is");
  assert.equal(asked, 3);
  const assumed = [...all].map((reading) => reading.assumed);
  assert.deepEqual(assumed, [
    "without lines",
    "a single digit",
    "the other ink",
    "turned by 90 degrees",
    "turned by 180 degrees",
    "turned by 270 degrees",
  ]);
});

test("a single digit has the box of its ink, of 1,000 pixels", () => {
  const grey = bytes(560, 560);
  const mask = rectangles(560, 560, [200, 100, 60, 300]);
  mask.data.forEach((is, k) => {
    grey.data[k] = is ? 60 : 200;
  });
  const { rows, value } = readSingle(grey, allSevens);
  const { x, y, w, h } = rows[0][0];
  assert.deepEqual([x, y, w, h], [357, 179, 107, 535]);
  assert.equal(value.toFixed(6), (4 / 1.5).toFixed(6));
  assert.deepEqual(rows[0][0].pixels, prepare(grey).data); // once, not twice
});

test("nothing written is no reading, and asks no network", () => {
  const blank = bytes(120, 200);
  blank.data.fill(180);
  const nothing = {
    assumed: "nothing is worth more than 0",
    turn: 0,
    rows: [],
    value: 0,
  };
  assert.deepEqual(bestReading(blank, null), nothing);
});
