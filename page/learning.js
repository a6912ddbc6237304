// Learning from corrections: the last layer, anew from its start. On some
// known images, whose features are in the page, it must say what it always
// said. A correction is [class, 784 pixels from 0 to 255].

import { convolve, look, softmax, total } from "./network.js";

export const MOST = 100; // corrections that are kept

// One scale, then the features of every known image: a list of arrays.
export function recall(bytes, size) {
  const [scale] = new Float32Array(bytes.slice(0, 4));
  const whole = new Uint8Array(bytes.slice(4));
  return Array.from({ length: whole.length / size }, (_, k) =>
    Float32Array.from(whole.slice(k * size, (k + 1) * size), (q) => q * scale),
  );
}

// Of what was stored, the corrections that are sound, at most the last 100.
export function sound(stored, classes) {
  if (!Array.isArray(stored)) return [];
  const isClass = (kind) =>
    Number.isInteger(kind) && kind >= 0 && kind < classes;
  const isPixel = (value) =>
    Number.isFinite(value) && value >= 0 && value <= 255;
  return stored
    .filter(
      (one) =>
        Array.isArray(one) &&
        one.length === 785 &&
        isClass(one[0]) &&
        one.slice(1).every(isPixel),
    )
    .slice(-MOST);
}

// The probabilities of the last layer, to features.
function answer(layer, x) {
  const seen = { h: 1, w: 1, c: x.length, data: x };
  return Array.from(softmax(convolve(seen, layer).data));
}

// Gradient descent until all corrections are 80 % sure, or for 200 steps:
// a new last layer.
export function learn(layers, known, taught) {
  const start = layers.at(-1);
  const examples = taught.map(([kind, ...pixels]) => ({
    x: look(
      layers,
      Float32Array.from(pixels, (v) => v / 255),
    ).at(-2).data,
    wanted: Array.from(start.bias, (_, k) => Number(k === kind)),
    share: 0.3 / taught.length,
  }));
  for (const x of known)
    examples.push({ x, wanted: answer(start, x), share: 1 / known.length });
  const squares = examples.map(({ x }) => total(x.map((v) => v ** 2)));
  const rate = examples.length / total(squares);
  const [kernel, bias] = [start.kernel.slice(), start.bias.slice()];
  const layer = { ...start, kernel, bias };
  for (let step = 0; step < 200; step++) {
    const errors = examples.map(({ x, wanted }) =>
      answer(layer, x).map((p, k) => p - wanted[k]),
    );
    if (taught.every(([kind], k) => errors[k][kind] > -0.2)) break;
    examples.forEach(({ x, share }, k) => {
      errors[k].forEach((error, o) => {
        const move = rate * share * error;
        bias[o] -= move;
        for (let i = 0; i < x.length; i++)
          kernel[i * bias.length + o] -= move * x[i];
      });
    });
  }
  return layer;
}
