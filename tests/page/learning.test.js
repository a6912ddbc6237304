// The page's learning: corrections good and bad, and a network made by hand.

import assert from "node:assert/strict";
import test from "node:test";
import { learn, MOST, recall, sound } from "../../page/learning.js";
import { predict } from "../../page/network.js";

function correction(kind, fill = 0) {
  return [kind, ...Array(784).fill(fill)];
}

function changed(list, k, value) {
  return Object.assign([...list], { [k]: value });
}

// What was stored

test("what is no list holds no corrections", () => {
  for (const stored of [undefined, null, 7, "text", {}, { length: 1 }, true])
    assert.deepEqual(sound(stored, 11), []);
  assert.deepEqual(sound([], 11), []);
});

test("sound corrections stay as they are", () => {
  const stored = [correction(0), correction(10, 255), correction(4, 0.5)];
  assert.deepEqual(sound(stored, 11), stored);
});

test("a correction with a fault goes, the others stay", () => {
  const good = correction(4, 9);
  for (const bad of [
    null,
    7,
    "4",
    {},
    [],
    [4],
    good.slice(1),
    [...good, 0],
    { ...good, length: 785 },
    changed(good, 0, "4"),
    changed(good, 0, 3.5),
    changed(good, 0, -1),
    changed(good, 0, 11),
    changed(good, 0, null),
    changed(good, 0, Number.NaN),
    changed(good, 1, -1),
    changed(good, 784, 256),
    changed(good, 784, "9"),
    changed(good, 400, null),
    changed(good, 400, Number.NaN),
    changed(good, 400, [9]),
    changed(good, 400, true),
  ])
    assert.deepEqual(
      sound([bad, good, bad], 11),
      [good],
      JSON.stringify(bad)?.slice(0, 40),
    );
});

test("there are as many classes as the network has", () => {
  const none = correction(10);
  assert.deepEqual([sound([none], 10), sound([none], 11)], [[], [none]]);
});

test("of many corrections the last hundred stay", () => {
  assert.equal(MOST, 100);
  const many = Array.from({ length: 120 }, (_, k) => correction(4, k));
  assert.deepEqual(sound(many, 11), many.slice(20));
  const mixed = many.flatMap((one) => [one, null]); // bad ones don't count
  assert.deepEqual(sound(mixed, 11), many.slice(20));
});

// Learning

test("features come back from bytes and their scale", () => {
  const scale = new Uint8Array(Float32Array.of(0.5).buffer);
  const { buffer } = Uint8Array.of(...scale, 0, 2, 3, 4, 5, 255);
  const known = recall(buffer, 3).map((features) => [...features]);
  assert.deepEqual(known, [
    [0, 1, 1.5],
    [2, 2.5, 127.5],
  ]);
  assert.deepEqual(recall(buffer.slice(0, 4), 3), []);
});

// Two features, the first pixel and the second one; three classes, of which
// the first two have a feature each.
function layers() {
  const kernel = new Float32Array(2 * 784);
  [kernel[0], kernel[3]] = [1, 1];
  const first = { size: 28, kernel, bias: new Float32Array(2), pooled: 0 };
  const last = {
    size: 1,
    kernel: Float32Array.of(5, 0, 0, 0, 5, 0),
    bias: Float32Array.of(0, 0, 0),
    pooled: 0,
  };
  return [first, last];
}

const KNOWN = [Float32Array.of(1, 0), Float32Array.of(0, 1)];

function pixels(...values) {
  return [...values, ...Array(784 - values.length).fill(0)];
}

function copied(list) {
  return list.map(({ kernel, bias }) => [[...kernel], [...bias]]);
}

test("after learning a corrected image has its class, known ones theirs", () => {
  const start = layers();
  const both = pixels(1, 1);
  assert.ok(predict(start, both)[2] < 0.01);
  const taught = [[2, ...both.map((value) => 255 * value)]];
  const after = [start[0], learn(start, KNOWN, taught)];
  assert.ok(predict(after, both)[2] > 0.8, predict(after, both));
  for (const [kind, image] of [
    [0, pixels(1, 0)],
    [1, pixels(0, 1)],
  ]) {
    const p = predict(after, image);
    assert.equal(p.indexOf(Math.max(...p)), kind, p);
  }
});

test("without known images it forgets more of them", () => {
  const start = layers();
  const taught = [[2, ...pixels(255, 255)]];
  const [kept, lost] = [KNOWN, []].map((known) => {
    const after = [start[0], learn(start, known, taught)];
    return predict(after, pixels(1, 0))[0];
  });
  assert.ok(kept > lost + 0.05, `${kept}, ${lost}`);
});

test("it doesn't go on when it is sure", () => {
  const start = layers();
  const both = pixels(1, 1);
  const taught = [[2, ...both.map((value) => 255 * value)]];
  const after = [start[0], learn(start, KNOWN, taught)];
  assert.ok(predict(after, both)[2] < 0.85, predict(after, both));
  const same = learn(start, KNOWN, [[0, ...pixels(255)]]);
  assert.deepEqual(copied([same]), copied([start[1]]));
});

test("several corrections are learned at once", () => {
  const start = layers();
  const taught = [
    [2, ...pixels(255, 255)],
    [1, ...pixels(0, 0)],
  ];
  const after = [start[0], learn(start, KNOWN.slice(1), taught)];
  for (const [kind, ...image] of taught) {
    const p = predict(
      after,
      image.map((value) => value / 255),
    );
    assert.ok(p[kind] > 0.8, p);
  }
});

test("the given layers aren't changed", () => {
  const start = layers();
  const before = copied(start);
  const taught = [[2, ...pixels(255, 255)]];
  const given = structuredClone([KNOWN, taught]);
  const last = learn(start, KNOWN, taught);
  assert.notDeepEqual(copied([last]), [before[1]]);
  assert.deepEqual(copied(start), before);
  assert.deepEqual([KNOWN, taught], given);
  assert.deepEqual([last.size, last.pooled], [1, 0]);
});
