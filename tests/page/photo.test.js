// The page's photos: where a box of a photo is in the field.

import assert from "node:assert/strict";
import test from "node:test";
import { H, W } from "../../page/drawing.js";
import { inView } from "../../page/photo.js";

// As `frame` makes it: the part of a photo, as large as the field allows.
function view(x, y, w, h, unit = 1) {
  return { x, y, w, h, zoom: Math.min(W / w, H / h), unit };
}

test("a photo of the field's form fills it", () => {
  const whole = view(0, 0, 2 * W, 2 * H);
  assert.deepEqual(inView(whole, { x: 0, y: 0, w: 2 * W, h: 2 * H }), {
    x: 0,
    y: 0,
    w: W,
    h: H,
  });
  assert.deepEqual(inView(whole, { x: 100, y: 60, w: 20, h: 40 }), {
    x: 50,
    y: 30,
    w: 10,
    h: 20,
  });
});

test("a wide photo has room above and below, a tall one beside it", () => {
  const wide = view(0, 0, 2 * W, H);
  assert.deepEqual(inView(wide, { x: 0, y: 0, w: 2 * W, h: H }), {
    x: 0,
    y: H / 4,
    w: W,
    h: H / 2,
  });
  const tall = view(0, 0, W, 2 * H);
  assert.deepEqual(inView(tall, { x: 0, y: 0, w: W, h: 2 * H }), {
    x: W / 4,
    y: 0,
    w: W / 2,
    h: H,
  });
});

test("a part of a photo begins where the field does", () => {
  const part = view(300, 200, W / 2, H / 2);
  assert.deepEqual(inView(part, { x: 310, y: 220, w: 30, h: 40 }), {
    x: 20,
    y: 40,
    w: 60,
    h: 80,
  });
});

test("boxes count a thousand to the longer side, small photos too", () => {
  const small = view(0, 0, W, H, 0.42); // 420 pixels wide
  const box = inView(small, { x: 500, y: 100, w: 1000, h: 50 });
  const wanted = { x: 210, y: 42, w: 420, h: 21 };
  for (const [key, value] of Object.entries(wanted))
    assert.ok(Math.abs(box[key] - value) < 1e-9, `${key}: ${box[key]}`);
});

test("what else a reading has stays, and the given one isn't changed", () => {
  const given = { x: 2, y: 4, w: 6, h: 8, answer: 7 };
  const box = inView(view(0, 0, 2 * W, 2 * H), given);
  assert.deepEqual(box, { x: 1, y: 2, w: 3, h: 4, answer: 7 });
  assert.deepEqual(given, { x: 2, y: 4, w: 6, h: 8, answer: 7 });
});
