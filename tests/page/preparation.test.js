// The page's preparation of single digits, on images made by hand.

import assert from "node:assert/strict";
import test from "node:test";
import {
  boxed,
  boxOf,
  brightest,
  brightestInRows,
  bytes,
  centre,
  components,
  cropInk,
  darkest,
  findDigit,
  flipped,
  image,
  jumps,
  makeBright,
  means,
  otsu,
  pixel,
  prepare,
  removePaper,
  resized,
  round,
  scale,
  shares,
  toMnist,
} from "../../page/preparation.js";

function picture(...rows) {
  const data = Uint8Array.from(rows.flat());
  return { h: rows.length, w: rows[0].length, data };
}

function rowsOf({ h, w, data }) {
  return Array.from({ length: h }, (_, y) => [
    ...data.slice(y * w, y * w + w),
  ]);
}

test("halves are rounded to the even neighbour, as in Python", () => {
  const values = [0.5, 1.5, 2.5, -0.5, -1.5, 2.4, 2.6, 13.999];
  assert.deepEqual(
    values.map((v) => round(v) + 0),
    [0, 2, 2, 0, -2, 2, 3, 14],
  );
});

test("outside an image all pixels are 0", () => {
  const one = image(1, 1, () => 7);
  assert.deepEqual(
    [pixel(one, 0, 0), pixel(one, 0, 1), pixel(one, -1, 0)],
    [7, 0, 0],
  );
});

test("the box of the ink", () => {
  const ink = picture([0, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0]);
  assert.deepEqual(boxOf(ink), { x: 1, y: 1, w: 2, h: 2 });
  assert.deepEqual(rowsOf(cropInk(ink)), [
    [1, 0],
    [0, 1],
  ]);
  assert.deepEqual(boxOf(bytes(2, 3)), { x: 0, y: 0, w: 0, h: 0 });
});

test("a new pixel takes its share of every old one", () => {
  const taken = shares(5, 2).map(({ first, taken }) =>
    [first, ...taken].map((v) => Number(v.toFixed(6))),
  );
  assert.deepEqual(taken, [
    [0, 0.4, 0.4, 0.2],
    [2, 0.2, 0.4, 0.4],
  ]);
});

test("a smaller picture has means", () => {
  const grey = picture([0, 2, 10, 11], [3, 4, 10, 11]);
  assert.deepEqual(rowsOf(resized(grey, 1, 2, true)), [[2, 11]]);
  const row = picture([1, 2, 2, 3, 9, 9]); // 1.5, 2.5 and 9: to even ones
  assert.deepEqual(rowsOf(resized(row, 1, 3, true)), [[2, 2, 9]]);
  assert.deepEqual(rowsOf(resized(grey, 1, 1)), [[6.375]]);
});

test("a larger picture lies between the old pixels", () => {
  const grey = picture([0, 100]);
  assert.deepEqual(rowsOf(resized(grey, 1, 4)), [[0, 25, 75, 100]]);
  assert.deepEqual(rowsOf(resized(grey, 1, 4, true)), [[0, 25, 75, 100]]);
});

test("scaling keeps proportions, and at least one pixel", () => {
  const { h, w } = scale(image(1000, 4), 100);
  assert.deepEqual([h, w], [100, 1]);
});

test("a digit's box is put into the middle of 28 x 28", () => {
  const { x, y, w, h } = boxOf(boxed(image(20, 11, () => 1)));
  assert.deepEqual([x, y, w, h], [8, 4, 11, 20]);
});

test("the centre of mass comes to pixel (14, 14)", () => {
  const dot = image(28, 28, (y, x) => (y === 3 && x === 20 ? 1 : 0));
  assert.deepEqual(boxOf(centre(dot)), { x: 14, y: 14, w: 1, h: 1 });
});

test("no ink is no digit, and a bar stands in the middle", () => {
  assert.ok(toMnist(bytes(50, 50)).data.every((value) => value === 0));
  const bar = image(100, 100, (_, x) => Number(x > 70 && x < 80));
  const { h, w, data } = toMnist(bar);
  assert.deepEqual([h, w], [28, 28]);
  const { x, y, w: wide, h: tall } = boxOf({ h, w, data });
  assert.deepEqual([x, y, wide, tall], [13, 4, 2, 20]);
  assert.ok(Math.max(...data) > 0.8 && Math.max(...data) <= 1);
});

test("the brightest within reach, against a slow search", () => {
  const next = (_, k) => (7919 * (k + 1) ** 2) % 256; // as if by chance
  for (const [n, reach] of [
    [1, 3],
    [7, 1],
    [7, 3],
    [20, 2],
    [9, 30],
  ]) {
    const row = Array.from({ length: n }, next);
    const most = row.map((_, k) =>
      Math.max(...row.slice(Math.max(k - reach, 0), k + reach + 1)),
    );
    assert.deepEqual(rowsOf(brightestInRows(picture(row), reach)), [most]);
  }
});

test("a square window, and what lies outside", () => {
  const dot = picture([0, 0, 0, 0], [0, 0, 0, 9], [0, 0, 0, 0], [0, 0, 0, 0]);
  const square = [
    [0, 0, 9, 9],
    [0, 0, 9, 9],
    [0, 0, 9, 9],
    [0, 0, 0, 0],
  ];
  assert.deepEqual(rowsOf(brightest(dot, 1)), square);
  assert.deepEqual(rowsOf(darkest(picture([5, 5, 5]), 1, 0)), [[0, 0, 0]]);
  assert.deepEqual(rowsOf(darkest(picture([5, 3, 5, 5]), 1)), [[3, 3, 3, 5]]);
  assert.deepEqual(rowsOf(flipped(picture([1, 2, 3]))), [[1], [2], [3]]);
});

test("means of windows repeat the pixels at the edge", () => {
  const around = means(picture([0, 3, 9]), 1);
  assert.deepEqual(rowsOf(around).flat(), [1, 4, 7]);
});

test("Otsu's level is between two groups of pixels", () => {
  assert.equal(otsu(picture([10, 10, 12, 200, 201])), 12);
  assert.equal(otsu(picture([7, 7, 7])), 0);
});

test("pieces hang together at their corners, in OpenCV's order", () => {
  const mask = picture([0, 0, 0, 1], [1, 0, 0, 0], [0, 1, 0, 0]);
  const { labels, pieces } = components(mask);
  assert.deepEqual([...labels], [0, 0, 0, 2, 1, 0, 0, 0, 0, 1, 0, 0]);
  assert.deepEqual(pieces, [
    { label: 1, area: 2, x: 0, y: 1, w: 2, h: 2 },
    { label: 2, area: 1, x: 3, y: 0, w: 1, h: 1 },
  ]);
});

test("a jump is the brightest minus the darkest neighbour", () => {
  assert.deepEqual([...jumps(picture([1, 1, 1, 5, 9]))], [0, 0, 4, 8, 4]);
});

// A photo of a bar: dark ink on paper that gets darker to the right.
function photo() {
  const grey = bytes(300, 400);
  for (let k = 0; k < grey.data.length; k++) {
    const [y, x] = [Math.floor(k / 400), k % 400];
    const ink = y > 60 && y < 240 && x > 180 && x < 210;
    grey.data[k] = (ink ? 60 : 220) - x / 8;
  }
  return grey;
}

test("dark ink becomes bright, and paper goes", () => {
  const bright = makeBright(scale(photo(), 280, true));
  assert.ok(pixel(bright, 105, 136) > pixel(bright, 105, 50));
  const flat = removePaper(bright);
  assert.ok(pixel(flat, 105, 136) > 100 && pixel(flat, 105, 50) < 10);
  const { x, y, w, h } = boxOf(findDigit(flat));
  assert.ok(Math.abs(x - 126) < 3 && Math.abs(y - 42) < 3, `${x}, ${y}`);
  assert.ok(Math.abs(w - 21) < 3 && Math.abs(h - 126) < 3, `${w} x ${h}`);
});

test("a photo is prepared, and a blank one is blank", () => {
  assert.ok(prepare(photo()).data.some((value) => value > 0.9));
  const blank = bytes(30, 40);
  blank.data.fill(200);
  assert.ok(prepare(blank).data.every((value) => value === 0));
});
