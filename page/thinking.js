// All that takes time. It runs in a worker where there can be one, so that
// the pen never waits for it.

import { FINE, H, rasterize, W } from "./drawing.js";
import { learn, recall } from "./learning.js";
import {
  bytesOf,
  logits,
  look,
  NONE,
  predict,
  total,
  unpack,
} from "./network.js";
import { bytes, image, prepare } from "./preparation.js";
import {
  bestPath,
  bestReading,
  evidence,
  findPieces,
  intoRows,
  join,
  readFrame,
  readSingle,
  recognise,
  together,
  valueOfRows,
} from "./reading.js";

// The class of the largest probability.
export function largest(p) {
  return p.indexOf(Math.max(...p));
}

function isDigit({ p }) {
  return largest(p) !== NONE;
}

// Pieces of a drawing -> one piece for each sign. Nothing has to be sorted
// out as on a photo: whatever is drawn was meant, be it large or small.
function signsOf(pieces) {
  const signs = [];
  for (const piece of pieces) {
    let sign = piece;
    for (let k = signs.length - 1; k >= 0; k--)
      if (together(sign, signs[k], Math.max(sign.h, signs[k].h))) {
        sign = join([sign, ...signs.splice(k, 1)]);
        k = signs.length; // what it has grown to may touch others
      }
    signs.push(sign);
  }
  const least = 0.2 * Math.max(...signs.map(({ w, h }) => Math.max(w, h)));
  return signs.filter(({ w, h }) => Math.max(w, h) > least);
}

function maskOf(strokes) {
  const { h, w, data } = rasterize(strokes);
  const mask = bytes(h, w);
  for (let k = 0; k < data.length; k++) mask.data[k] = Number(data[k] > 0.5);
  return mask;
}

function middleOf(stroke) {
  return total(stroke.map(([x]) => x)) / stroke.length;
}

// Digits that touch are still strokes apart: a sign of several strokes is cut
// between two of them where that is worth more. So it is with touching digits
// in a photo, only that those are cut between columns (see split).
function cutStrokes(sign, strokes, model) {
  const n = strokes.length;
  if (n < 2) return [sign];
  const order = [...strokes].sort((a, b) => middleOf(a) - middleOf(b));
  const pairs = order.flatMap((_, i) =>
    order.slice(i, i + 4).map((_, k) => [i, i + k + 1]),
  );
  const steps = pairs.flatMap(([i, j]) => {
    if (i === 0 && j === n) return [{ i, j, part: sign }];
    const pieces = findPieces(maskOf(order.slice(i, j)));
    return pieces.length ? [{ i, j, part: join(pieces) }] : []; // a speck
  });
  const value = Array.from({ length: n + 1 }, () =>
    Array(n + 1).fill(-Infinity),
  );
  const cut = value.map(() => []);
  const parts = steps.map(({ part }) => part);
  recognise(parts, model).forEach((found, k) => {
    const { i, j } = steps[k];
    value[i][j] = evidence(found.p) * found.w;
    cut[i][j] = found;
  });
  value[0][n] = Math.max(evidence(sign.p), 0) * sign.w;
  cut[0][n] = sign;
  const path = bestPath(value, 3 * sign.h);
  return path.slice(1).map((end, k) => cut[path[k]][end]);
}

// Strokes -> rows of signs, digits or not. All of it may be one digit, if
// that is worth more.
export function readDrawing(strokes, model) {
  const mask = maskOf(strokes);
  const found = recognise(signsOf(findPieces(mask)), model);
  if (!found.length) return [];
  const signs = found.flatMap((sign) => {
    const own = strokes.filter((stroke) => isIn(stroke, sign));
    return cutStrokes(sign, own, model);
  });
  const rows = intoRows(signs);
  const kept = rows.map((row) => row.filter(isDigit));
  const whole = recognise([join(found)], model);
  const single = isDigit(whole[0]) ? valueOfRows([whole], whole) : 0;
  return single > valueOfRows(kept, signs) ? [whole] : rows;
}

// Whether a stroke begins in a sign: it hangs together, so it ends there, too.
// One that begins on the field's frame begins on the field's edge.
function isIn([[x, y]], { x: left, y: top, w, h, mask }) {
  const pixel = (value, end) =>
    Math.min(Math.max(Math.floor(FINE * value), 0), FINE * end - 1);
  const [column, row] = [pixel(x, W) - left, pixel(y, H) - top];
  const inside = column >= 0 && column < w && row >= 0 && row < h;
  return inside && mask.data[row * w + column] === 1;
}

// Turn ink into paper and paper into ink, 2 x 2 pixels at a time: how much
// do the odds of this class fall? (In logits, against the best other class.)
export function evidenceFor(layers, pixels, kind) {
  const lead = (z) => z[kind] - Math.max(...z.filter((_, k) => k !== kind));
  const before = lead(logits(layers, pixels));
  return image(14, 14, (y, x) => {
    const turned = pixels.slice();
    for (const k of [0, 1, 28, 29])
      turned[56 * y + 2 * x + k] = 1 - turned[56 * y + 2 * x + k];
    return before - lead(logits(layers, turned));
  });
}

// What the interface may ask for, by name. known: what must not be forgotten.
export function makeThinker({ shape, weights, known }) {
  const start = unpack(shape, bytesOf(weights));
  const size = start.at(-1).kernel.length / start.at(-1).bias.length;
  const memory = recall(bytesOf(known), size);
  let layers = start;
  let seen = new Map(); // images that were read already

  function model(images) {
    if (seen.size > 1000) seen = new Map();
    return images.map((pixels) => {
      const bytes = Float32Array.from(pixels).buffer;
      const key = String.fromCharCode(...new Uint16Array(bytes));
      if (!seen.has(key)) seen.set(key, predict(layers, pixels));
      return seen.get(key);
    });
  }

  const plain = (rows) =>
    rows.map((row) =>
      row.map(({ x, y, w, h, pixels, p }) => ({
        x,
        y,
        w,
        h,
        pixels,
        p,
        answer: largest(p),
      })),
    );

  return {
    read: (strokes) => plain(readDrawing(strokes, model)),
    readPhoto: (grey) => {
      const best = bestReading(grey, model);
      if (best.rows.length || !prepare(grey).data.some((v) => v > 0))
        return { ...best, rows: plain(best.rows) };
      return { ...best, rows: plain(readSingle(grey, model).rows) };
    },
    // digits alone: other shapes come and go while a camera moves
    readFrame: (grey) =>
      plain(readFrame(grey, model).map((row) => row.filter(isDigit))),
    look: (pixels) => look(layers, pixels),
    evidence: (pixels, kind) => evidenceFor(layers, pixels, kind),
    predict: (images) => images.map((pixels) => predict(layers, pixels)),
    learn: (taught) => {
      layers = start;
      seen = new Map();
      if (taught.length)
        layers = [...start.slice(0, -1), learn(start, memory, taught)];
    },
  };
}

// In the worker: the first message holds the network, each other a question.
export function listen() {
  let thinker = null;
  addEventListener("message", ({ data: { id, job, given } }) => {
    if (job === "begin") thinker = makeThinker(...given);
    else postMessage({ id, result: thinker[job](...given) });
  });
}

// A function that asks: its promise is fulfilled with the answer. source: the
// text of this script, for the worker.
export function makeAsk(network, source) {
  const waiting = new Map();
  let thinker = null;
  let worker = null;
  let count = 0;

  function here(job, given) {
    // no worker: after what is to be painted
    thinker ??= makeThinker(network);
    return new Promise((painted) => {
      setTimeout(painted);
    }).then(() => thinker[job](...given));
  }

  try {
    const type = { type: "text/javascript" };
    const url = URL.createObjectURL(new Blob([source], type));
    worker = new Worker(url);
    worker.postMessage({ job: "begin", given: [network] });
    worker.onmessage = ({ data: { id, result } }) => {
      waiting.get(id).answered(result);
      waiting.delete(id);
    };
    worker.onerror = () => {
      // forbidden here
      worker = null;
      for (const { job, given, answered } of waiting.values())
        here(job, given).then(answered);
      waiting.clear();
    };
  } catch {} // no workers here

  return (job, ...given) => {
    if (!worker) return here(job, given);
    return new Promise((answered) => {
      waiting.set(++count, { job, given, answered });
      worker.postMessage({ id: count, job, given });
    });
  };
}
