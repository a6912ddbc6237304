// The page's drawing: strokes whose shape and area are known.

import assert from "node:assert/strict";
import test from "node:test";
import {
  bends,
  H,
  inField,
  isDrawing,
  makeHistory,
  PEN,
  rasterize,
  smooth,
  W,
  written,
} from "../../page/drawing.js";
import { total } from "../../page/network.js";

const BEND = 6; // as drawing.js has it
const RADIUS = 10; // of a line, in pixels: half of PEN, two pixels a unit

function near(value, wanted, within) {
  assert.ok(Math.abs(value - wanted) <= within, `${value}, not ${wanted}`);
}

// Lines

test("a dot stays a dot", () => {
  const dot = [5, 7];
  assert.deepEqual(bends([dot]), [[dot, dot, dot]]);
  const line = smooth([dot]);
  assert.ok(line.length > 1); // a line can be drawn from it
  assert.ok(line.every(([x, y]) => x === 5 && y === 7));
});

test("a point that comes twice does no harm", () => {
  const line = smooth([
    [5, 7],
    [5, 7],
    [25, 7],
  ]);
  assert.ok(line.flat().every(Number.isFinite));
  assert.deepEqual(
    [line[0], line.at(-1)],
    [
      [5, 7],
      [25, 7],
    ],
  );
});

test("a straight line stays straight, and goes from end to end", () => {
  const line = smooth([
    [10, 20],
    [40, 60],
    [43, 64],
    [100, 140],
  ]);
  assert.deepEqual(
    [line[0], line.at(-1)],
    [
      [10, 20],
      [100, 140],
    ],
  );
  line.forEach(([x, y], k) => {
    near(y - 20, ((x - 10) * 4) / 3, 1e-9);
    assert.ok(k === 0 || x >= line[k - 1][0], "it goes back");
  });
});

test("a corner is rounded, but only near it", () => {
  const corner = [100, 50];
  const points = [[0, 50], corner, [100, 150]];
  const [from, at, back] = bends(points)[1];
  const ways = [100 - BEND, 50, 100, 50 + BEND];
  [...from, ...back].forEach((value, k) => {
    near(value, ways[k], 1e-9);
  });
  assert.deepEqual(at, corner);
  const line = smooth(points);
  assert.deepEqual(
    [line[0], line.at(-1)],
    [
      [0, 50],
      [100, 150],
    ],
  );
  const away = line.map(([x, y]) => Math.hypot(x - 100, y - 50));
  near(Math.min(...away), (BEND * Math.SQRT2) / 4, 1e-9); // round
  for (const [x, y] of line)
    if (x < 100 - BEND - 1e-9) assert.equal(y, 50);
    else if (y > 50 + BEND + 1e-9) assert.equal(x, 100);
    else assert.ok(x <= 100 && y >= 50, `${x}, ${y}`);
});

test("between near points it bends from half of the way on", () => {
  const [, [from, , back]] = bends([
    [0, 0],
    [4, 0],
    [4, 8],
  ]);
  assert.deepEqual(
    [from, back],
    [
      [2, 0],
      [4, 4],
    ],
  );
});

test("a round line has no long straight parts", () => {
  const [before, after] = [
    [100 - BEND, 50],
    [100, 50 + BEND],
  ];
  const round = smooth([
    [0, 50],
    [100, 50],
    [100, 150],
  ]).filter(([x, y]) => x >= before[0] && y <= after[1]);
  assert.ok(round.length >= 4);
  round.slice(1).forEach(([x, y], k) => {
    assert.ok(Math.hypot(x - round[k][0], y - round[k][1]) <= 4.5);
  });
});

// Pixels

test("a dot covers a disc, and nothing else", () => {
  const { h, w, data } = rasterize([[[200, 100]]]);
  assert.deepEqual([h, w, data.length], [560, 840, 560 * 840]);
  near(total(data), Math.PI * RADIUS ** 2, 3);
  data.forEach((covered, k) => {
    const [y, x] = [Math.floor(k / w) + 0.5, (k % w) + 0.5];
    const away = Math.hypot(x - 400, y - 200);
    if (away > RADIUS + 1) assert.equal(covered, 0);
    if (away < RADIUS - 1) assert.equal(covered, 1);
  });
});

test("a line covers its length and two half discs", () => {
  const level = [
    [100, 100],
    [200, 100],
  ];
  const disc = Math.PI * RADIUS ** 2;
  const line = 200 * 2 * RADIUS + disc;
  near(total(rasterize([level]).data), line, 5);
  const upright = level.map(([x, y]) => [y, x]);
  near(total(rasterize([upright]).data), line, 5);
  const twice = [level, level, [[300, 200]]]; // what is covered stays so
  near(total(rasterize(twice).data), line + disc, 9);
});

test("what lies beyond the field is cut off", () => {
  const quarter = (Math.PI * RADIUS ** 2) / 4;
  for (const corner of [
    [0, 0],
    [W, 0],
    [0, H],
    [W, H],
  ])
    near(total(rasterize([[corner]]).data), quarter, 3);
  assert.equal(total(rasterize([[[-50, 500]], [[W + 6, 9]]]).data), 0);
  assert.equal(total(rasterize([]).data), 0);
});

test("a box of pixels is half as large in the field", () => {
  const box = inField({ x: 100, y: 40, w: 30, h: 9, p: [1] });
  assert.deepEqual(box, { x: 50, y: 20, w: 15, h: 4.5 });
});

// The first number

test("a number that writes itself is in the field, in order", () => {
  for (const number of ["1998", "8", "19", "888888"]) {
    const strokes = written(number);
    assert.equal(strokes.length, number.length);
    for (const [x, y] of strokes.flat()) {
      assert.ok(x > PEN / 2 && x < W - PEN / 2, `${number}: ${x}`);
      assert.ok(y > PEN / 2 && y < H - PEN / 2, `${number}: ${y}`);
    }
    const middles = strokes.map(
      (stroke) => total(stroke.map(([x]) => x)) / stroke.length,
    );
    const sorted = [...middles].sort((a, b) => a - b);
    assert.deepEqual(middles, sorted);
    assert.equal(new Set(middles).size, number.length);
  }
});

test("its digits are apart, and the same digit has the same shape", () => {
  const [one, nine, again, eight] = written("1998");
  const ends = (stroke) => {
    const x = stroke.map((point) => point[0]);
    return [Math.min(...x), Math.max(...x)];
  };
  const order = [one, nine, again, eight].flatMap(ends);
  for (const k of [1, 3, 5]) assert.ok(order[k] + PEN < order[k + 1]);
  nine.forEach(([x, y], k) => {
    near(again[k][0] - x, again[0][0] - nine[0][0], 1e-9);
    assert.equal(again[k][1], y);
  });
});

// What was stored

test("a drawing is a list of strokes of points", () => {
  for (const good of [
    [],
    [[[1, 2]]],
    [
      [
        [1, 2],
        [3.5, -4],
      ],
      [[0, 0]],
    ],
  ])
    assert.equal(isDrawing(good), true, JSON.stringify(good));
});

test("all else is no drawing", () => {
  for (const bad of [
    undefined,
    null,
    7,
    "[[[1, 2]]]",
    {},
    { length: 0 },
    [null],
    [7],
    ["12"],
    [{}],
    [[]],
    [[[1, 2]], []],
    [[1, 2]],
    [[[1]]],
    [[[1, 2, 3]]],
    [[[[1, 2]]]],
    [[["1", 2]]],
    [[[1, null]]],
    [[[1, Number.NaN]]],
    [[[Infinity, 1]]],
    [[[1, 2], null]],
    [[{ 0: 1, 1: 2, length: 2 }]],
  ])
    assert.equal(isDrawing(bad), false, JSON.stringify(bad));
});

// Undo and redo

function state(history) {
  return [history.now(), history.canUndo(), history.canRedo()];
}

test("what was done is undone and done again, step by step", () => {
  const history = makeHistory("a");
  assert.deepEqual(state(history), ["a", false, false]);
  history.change("b");
  history.change("c");
  assert.deepEqual(state(history), ["c", true, false]);
  assert.equal(history.undo(), "b");
  assert.deepEqual(state(history), ["b", true, true]);
  assert.equal(history.undo(), "a");
  assert.deepEqual(state(history), ["a", false, true]);
  assert.equal(history.redo(), "b");
  assert.equal(history.redo(), "c");
  assert.deepEqual(state(history), ["c", true, false]);
});

test("where there is nothing to undo or redo, all stays", () => {
  const history = makeHistory("a");
  assert.deepEqual([history.undo(), history.redo()], ["a", "a"]);
  assert.deepEqual(state(history), ["a", false, false]);
});

test("a change forgets what was undone", () => {
  const history = makeHistory("a");
  history.change("b");
  history.undo();
  history.change("c");
  assert.deepEqual(state(history), ["c", true, false]);
  assert.equal(history.redo(), "c");
  assert.equal(history.undo(), "a");
});

test("a restart forgets all", () => {
  const history = makeHistory("a");
  history.change("b");
  history.change("c");
  history.undo();
  history.restart("d");
  assert.deepEqual(state(history), ["d", false, false]);
  assert.deepEqual([history.undo(), history.redo()], ["d", "d"]);
});
