// What takes time on the page: drawings are read by models that are told
// what to say, and a tiny network is made by hand.

import assert from "node:assert/strict";
import test from "node:test";
import { rasterize } from "../../page/drawing.js";
import { NONE } from "../../page/network.js";
import { bytes } from "../../page/preparation.js";
import {
  evidenceFor,
  largest,
  makeAsk,
  makeThinker,
  readDrawing,
} from "../../page/thinking.js";

function sure(kind, share = 1) {
  const p = Array(11).fill(0);
  p[NONE] = 1 - share;
  p[kind] = share;
  return p;
}

// How many lines a level line crosses: in a row of 28 x 28 pixels.
function crossed(pixels, row = 10) {
  const line = Array.from(
    pixels.slice(28 * row, 28 * row + 28),
    (v) => v > 0.3,
  );
  return line.filter((is, x) => is && !line[x - 1]).length;
}

// A model that says what `say` makes of the number of lines crossed.
function byLines(say) {
  return (images) => images.map((pixels) => say(crossed(pixels)));
}

const allSevens = byLines(() => sure(7));

// Two letters L of 80 x 100 units; the second begins where the first ends.
const TOUCHING = [0, 80].map((left) => [
  [60 + left, 60],
  [60 + left, 160],
  [140 + left, 160],
]);

function boxes(rows) {
  return rows.map((row) => row.map(({ x, y, w, h }) => [x, y, w, h]));
}

// Drawings

test("nothing drawn asks no network", () => {
  assert.deepEqual(readDrawing([], null), []);
  assert.deepEqual(readDrawing([[[-90, -90]]], null), []); // beyond the field
});

test("a stroke has its box in pixels, and what the model says", () => {
  const [[{ x, y, w, h, p, pixels }, ...none], ...more] = readDrawing(
    [
      [
        [100, 50],
        [100, 150],
      ],
    ],
    allSevens,
  );
  assert.deepEqual([x, y, w, h], [190, 90, 20, 220]);
  assert.deepEqual([p, pixels.length], [sure(7), 784]);
  assert.deepEqual([none, more], [[], []]);
});

test("strokes that touch are cut if the model says so", () => {
  const single = byLines((n) => sure(n === 1 ? 6 : NONE));
  assert.deepEqual(boxes(readDrawing(TOUCHING, single)), [
    [
      [110, 110, 180, 220],
      [270, 110, 180, 220],
    ],
  ]);
  const answers = readDrawing(TOUCHING, single).flat();
  assert.deepEqual(
    answers.map(({ p }) => largest(p)),
    [6, 6],
  );
});

test("their order is from left to right, whichever was drawn first", () => {
  const single = byLines((n) => sure(n === 1 ? 6 : NONE));
  const [rows, other] = [TOUCHING, [...TOUCHING].reverse()].map((strokes) =>
    boxes(readDrawing(strokes, single)),
  );
  assert.deepEqual(rows, other);
});

test("strokes that touch stay together if the model says so", () => {
  const whole = [[[110, 110, 340, 220]]];
  for (const [one, two] of [
    [NONE, 4], // only both are a digit
    [6, 4], // a cut has its cost
    [NONE, NONE], // nothing is a digit
  ]) {
    const model = byLines((n) => sure(n === 1 ? one : two));
    const rows = readDrawing(TOUCHING, model);
    assert.deepEqual(boxes(rows), whole);
    assert.equal(largest(rows[0][0].p), two);
  }
});

test("strokes that are drawn by turns are cut between the right ones", () => {
  const left = [0, 1, 2].map((k) =>
    TOUCHING[0].map(([x, y]) => [x + 80 * k, y]),
  );
  const single = byLines((n) => sure(n === 1 ? 6 : NONE));
  const pairs = byLines((n) => sure(n === 2 ? 4 : n === 1 ? 6 : NONE, 0.9));
  for (const order of [
    [0, 1, 2],
    [0, 2, 1],
    [2, 0, 1],
  ]) {
    const strokes = order.map((k) => left[k]);
    assert.equal(readDrawing(strokes, single).flat().length, 3);
    const cut = boxes(readDrawing(strokes, pairs));
    assert.deepEqual(cut, boxes(readDrawing(left, pairs)));
    assert.equal(cut.flat().length, 2);
  }
});

test("a stroke is not cut", () => {
  const single = byLines((n) => sure(n === 1 ? 6 : NONE));
  const rows = readDrawing([TOUCHING.flat()], single);
  assert.deepEqual(boxes(rows), [[[110, 110, 340, 220]]]);
});

test("a stroke that begins on the field's edge is cut like others", () => {
  const single = byLines((n) => sure(n === 1 ? 6 : NONE));
  const atEdge = TOUCHING.map((stroke) => stroke.map(([x, y]) => [x - 61, y]));
  const rows = readDrawing(atEdge, single);
  assert.equal(rows.flat().length, 2);
  assert.equal(rows[0][0].x, 0);
});

test("a dot of which almost nothing is in the field does no harm", () => {
  const [stroke, dot] = [
    [
      [5, 5],
      [60, 60],
      [60, 200],
    ],
    [[0, 0]],
  ];
  const speck = rasterize([dot]).data.filter((covered) => covered > 0.5);
  assert.ok(speck.length > 0);
  const rows = readDrawing([stroke, dot], allSevens);
  assert.equal(rows.flat().length, 1);
});

test("a piece within another belongs to it", () => {
  const ring = Array.from({ length: 33 }, (_, k) => [
    200 + 80 * Math.cos((k * Math.PI) / 16),
    140 + 80 * Math.sin((k * Math.PI) / 16),
  ]);
  const dot = [[200, 140]];
  for (const strokes of [
    [ring, dot],
    [dot, ring],
  ]) {
    const [[sign, ...none], ...more] = readDrawing(strokes, allSevens);
    assert.deepEqual([none, more], [[], []]);
    assert.ok(Math.abs(sign.w - 340) <= 4, sign.w);
    const middle = [13, 14].flatMap((y) =>
      [...sign.pixels].slice(28 * y + 13, 28 * y + 15),
    );
    assert.ok(Math.max(...middle) > 0.3, "no dot");
  }
});

test("a piece beside another is a digit of its own", () => {
  const bars = [300, 100].map((x) => [
    [x, 50],
    [x, 150],
  ]);
  assert.deepEqual(boxes(readDrawing(bars, allSevens)), [
    [
      [190, 90, 20, 220],
      [590, 90, 20, 220],
    ],
  ]);
});

test("a speck beside a digit is left out", () => {
  const bar = [
    [100, 50],
    [100, 150],
  ];
  const rows = readDrawing([[[300, 200]], bar], allSevens);
  assert.deepEqual(boxes(rows), [[[190, 90, 20, 220]]]);
});

test("two rows", () => {
  const bar = (x, y) => [
    [x, y],
    [x, y + 70],
  ];
  const strokes = [bar(200, 170), bar(250, 30), bar(150, 160), bar(150, 20)];
  const rows = readDrawing(strokes, allSevens);
  assert.deepEqual(
    rows.map((row) => row.map(({ x, y }) => [x / 2 + 5, y / 2 + 5])),
    [
      [
        [150, 20],
        [250, 30],
      ],
      [
        [150, 160],
        [200, 170],
      ],
    ],
  );
});

test("all of it is one digit if that is worth more", () => {
  const bars = [100, 200].map((x) => [
    [x, 50],
    [x, 150],
  ]);
  const whole = byLines((n) => (n === 2 ? sure(4) : sure(1, 0.4)));
  const rows = readDrawing(bars, whole);
  assert.deepEqual(boxes(rows), [[[190, 90, 220, 220]]]);
  assert.equal(largest(rows[0][0].p), 4);
});

test("all of it is not one digit if the parts are worth more", () => {
  const bars = [100, 200].map((x) => [
    [x, 50],
    [x, 150],
  ]);
  for (const model of [
    byLines((n) => (n === 2 ? sure(4, 0.6) : sure(7))),
    byLines(() => sure(NONE)),
  ])
    assert.equal(readDrawing(bars, model).flat().length, 2);
});

// Evidence

test("evidence is what the lead falls by if a patch is turned over", () => {
  const kernel = new Float32Array(3 * 784);
  kernel[0] = 1; // of the first pixel, for the first class
  kernel[3 * 57 + 1] = 2; // of row 2, column 1, for the second class
  const dense = { size: 28, kernel, bias: Float32Array.of(5, 0, -9) };
  const pixels = new Float32Array(784);
  const { h, w, data } = evidenceFor([dense], pixels, 0);
  assert.deepEqual([h, w], [14, 14]);
  const wanted = new Array(196).fill(0);
  [wanted[0], wanted[14]] = [-1, 2]; // ink there would be for it, against it
  assert.deepEqual(Array.from(data), wanted);
  pixels[0] = 1;
  assert.equal(evidenceFor([dense], pixels, 0).data[0], 1);
  assert.equal(evidenceFor([dense], pixels, 1).data[0], -1);
  assert.ok(pixels.every((value, k) => value === Number(k === 0)));
});

// The thinker

function base64(...parts) {
  return Buffer.concat(
    parts.map(({ buffer }) => Buffer.from(buffer)),
  ).toString("base64");
}

// One feature, all ink; eleven classes: without ink it's a 3, with ink a 7.
function network() {
  const first = [Float32Array.of(0.03, 0), Int8Array.from(Array(784).fill(1))];
  const weights = new Int8Array(11);
  weights[7] = 100;
  const bias = new Float32Array(11);
  bias[3] = 1;
  const second = [Float32Array.from(Array(11).fill(0.1)), bias, weights];
  return {
    shape: [
      [28, 1, 1, 0],
      [1, 1, 11, 0],
    ],
    weights: base64(...first, ...second),
    known: base64(Float32Array.of(0.03), Uint8Array.of(0, 0)),
  };
}

const BAR = [
  [
    [100, 50],
    [100, 150],
  ],
];

test("a thinker reads what is drawn", () => {
  const [[sign]] = makeThinker(network()).read(BAR);
  const { x, y, w, h, answer, p, pixels } = sign;
  assert.deepEqual([x, y, w, h, answer], [190, 90, 20, 220, 7]);
  assert.deepEqual([p.length, pixels.length], [11, 784]);
  assert.ok(p[7] > 0.9);
  assert.equal("mask" in sign, false); // it isn't sent to the page
});

test("the network isn't asked twice about the same digit", () => {
  const thinker = makeThinker(network());
  const [[first]] = thinker.read(BAR);
  const other = BAR.map((stroke) => stroke.map(([x, y]) => [x + 100, y]));
  const [[again, beside]] = thinker.read([...BAR, ...other]);
  assert.equal(again.p, first.p); // the very list, not one like it
  assert.equal(beside.p, first.p);
  const [[thick]] = thinker.read([...BAR, ...BAR.map(() => TOUCHING[0])]);
  assert.notEqual(thick.p, first.p);
});

test("it looks, predicts and gives evidence by the same network", () => {
  const thinker = makeThinker(network());
  const [[{ pixels, p }]] = thinker.read(BAR);
  assert.deepEqual(thinker.predict([pixels, pixels]), [p, p]);
  assert.equal(largest(thinker.predict([new Float32Array(784)])[0]), 3);
  const [feature, logits] = thinker.look(pixels).map(({ data }) => data);
  assert.ok(Math.abs(logits[7] - 10 * feature[0]) < 1e-4);
  const { data } = thinker.evidence(pixels, 7);
  assert.ok(data[0] < 0, data[0]); // empty paper: ink there would be for it
});

test("it learns, forgets what it had read, and can forget what it learned", () => {
  const thinker = makeThinker(network());
  const [[{ pixels, p }]] = thinker.read(BAR);
  thinker.learn([[4, ...Array.from(pixels, (v) => Math.round(255 * v))]]);
  const [[taught]] = thinker.read(BAR);
  assert.equal(taught.answer, 4);
  assert.ok(taught.p[4] > 0.78, taught.p);
  thinker.learn([]);
  assert.deepEqual(thinker.read(BAR)[0][0].p, p);
});

test("a blank photo has no rows, and a photo of a bar has one", () => {
  const thinker = makeThinker(network());
  const grey = bytes(300, 400);
  grey.data.fill(200);
  assert.deepEqual(thinker.readPhoto(grey).rows, []);
  for (let y = 60; y < 240; y++)
    grey.data.fill(60, 400 * y + 180, 400 * y + 210);
  const { rows, turn } = thinker.readPhoto(grey);
  assert.deepEqual([rows.length, rows[0].length, turn], [1, 1, 0]);
  assert.equal(rows[0][0].answer, 7);
});

test("of a frame there are only digits, with boxes of 500 pixels", () => {
  const thinker = makeThinker(network());
  const grey = bytes(300, 400);
  grey.data.fill(200);
  assert.deepEqual(thinker.readFrame(grey), []);
  for (let y = 60; y < 240; y++)
    grey.data.fill(60, 400 * y + 180, 400 * y + 210);
  const [[{ answer, x, y, w, h }]] = thinker.readFrame(grey);
  assert.equal(answer, 7);
  const near = [x - 225, y - 75, w - 37, h - 225];
  assert.ok(Math.max(...near.map(Math.abs)) <= 3, near.join());
});

// Asking

test("without workers it answers itself, but not at once", async () => {
  assert.equal(globalThis.Worker, undefined);
  const ask = makeAsk(network(), "");
  let early = true;
  const answer = ask("read", BAR).then((rows) => [rows, early]);
  await null; // what is to be painted comes first
  early = false;
  const [rows, wasEarly] = await answer;
  assert.equal(wasEarly, false);
  assert.deepEqual(rows, makeThinker(network()).read(BAR));
  const blank = new Float32Array(784);
  const both = [ask("predict", [blank]), ask("learn", [])];
  assert.deepEqual(await Promise.all(both), [
    makeThinker(network()).predict([blank]),
    undefined,
  ]);
});

// A worker that does nothing by itself; what it is sent is kept.
function withWorker(t) {
  const made = [];
  globalThis.Worker = class {
    sent = [];
    constructor() {
      made.push(this);
    }
    postMessage(message) {
      this.sent.push(message);
    }
  };
  t.after(() => {
    delete globalThis.Worker;
  });
  return made;
}

test("a worker gets the network, then questions; answers find theirs", async (t) => {
  const made = withWorker(t);
  const ask = makeAsk("a network", "");
  const [first, second] = [ask("read", 1, 2), ask("look", 3)];
  const [{ sent, onmessage }] = made;
  const [begin, ...questions] = sent;
  assert.deepEqual(begin, { job: "begin", given: ["a network"] });
  assert.deepEqual(
    questions.map(({ job, given }) => [job, given]),
    [
      ["read", [1, 2]],
      ["look", [3]],
    ],
  );
  const [one, two] = questions.map(({ id }) => id);
  onmessage({ data: { id: two, result: "looked" } });
  onmessage({ data: { id: one, result: "read" } });
  assert.deepEqual(await Promise.all([first, second]), ["read", "looked"]);
  assert.equal(made.length, 1);
});

test("where a worker may not run, open questions are answered here", async (t) => {
  const made = withWorker(t);
  const ask = makeAsk(network(), "");
  const open = [ask("read", BAR), ask("read", [])];
  made[0].onerror();
  const rows = makeThinker(network()).read(BAR);
  assert.deepEqual(await Promise.all(open), [rows, []]);
  assert.deepEqual(await ask("read", BAR), rows);
  assert.equal(made[0].sent.length, 3); // it isn't asked any more
});
