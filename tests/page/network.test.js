// The page's network: small layers whose results can be worked out by hand.

import assert from "node:assert/strict";
import test from "node:test";
import {
  bytesOf,
  convolve,
  logits,
  look,
  maxPool,
  predict,
  relu,
  softmax,
  total,
  unpack,
} from "../../page/network.js";

test("the softmax of equal logits is equal, however large they are", () => {
  assert.deepEqual(softmax([3, 3, 3, 3]), [0.25, 0.25, 0.25, 0.25]);
  assert.deepEqual(softmax([1000, 1000]), [0.5, 0.5]);
});

test("the softmax of logits is their exponentials' shares", () => {
  const p = softmax([0, Math.log(3)]);
  assert.ok(Math.abs(p[0] - 0.25) < 1e-12 && Math.abs(p[1] - 0.75) < 1e-12);
  assert.equal(total(softmax([-5, 0, 2, 7])).toFixed(12), "1.000000000000");
});

test("relu keeps what is above 0", () => {
  const seen = { h: 1, w: 1, c: 3, data: Float32Array.of(-2, 0, 3) };
  assert.deepEqual([...relu(seen).data], [0, 0, 3]);
});

test("a convolution adds up what its kernel covers", () => {
  const data = Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9);
  const layer = {
    size: 2,
    kernel: Float32Array.of(1, 10, 100, 1000),
    bias: Float32Array.of(0.5),
  };
  const seen = convolve({ h: 3, w: 3, c: 1, data }, layer);
  assert.deepEqual([seen.h, seen.w, seen.c], [2, 2, 1]);
  assert.deepEqual([...seen.data], [5421.5, 6532.5, 8754.5, 9865.5]);
});

test("a dense layer is a convolution over the whole", () => {
  const [x, weights] = [
    [2, 0, -1, 3],
    [1, 5, 2, 6, 3, 7, 4, 8],
  ]; // 4 x 2
  const layer = {
    size: 2,
    kernel: Float32Array.from(weights),
    bias: Float32Array.of(10, 20),
  };
  const seen = convolve({ h: 2, w: 2, c: 1, data: x }, layer);
  assert.deepEqual([...seen.data], [10 + 2 - 3 + 12, 20 + 10 - 7 + 24]);
});

test("several inputs and an odd number of pixels above 0", () => {
  const layer = {
    size: 1,
    kernel: Float32Array.of(1, 2, 3, 4, 5, 6),
    bias: new Float32Array(2),
  };
  const seen = convolve({ h: 1, w: 2, c: 3, data: [1, 1, 1, 0, 2, 0] }, layer);
  assert.deepEqual([...seen.data], [9, 12, 6, 8]);
});

test("pooling takes the largest of 2 x 2, and leaves an odd edge", () => {
  const data = Float32Array.from({ length: 15 }, (_, k) => k);
  const most = maxPool({ h: 3, w: 5, c: 1, data });
  assert.deepEqual([most.h, most.w, ...most.data], [1, 2, 6, 8]);
});

// One dense layer of two outputs: scales 0.5 and 2, biases 1 and -1, and
// int8 weights: 1 for the first output, -1 for the second.
function twoOutputs() {
  const floats = Float32Array.of(0.5, 2, 1, -1);
  const whole = Int8Array.from({ length: 2 * 784 }, (_, k) => 1 - 2 * (k % 2));
  const all = [floats, whole].map((part) => Buffer.from(part.buffer));
  const text = Buffer.concat(all).toString("base64");
  return unpack([[28, 1, 2, 0]], bytesOf(text));
}

test("weights are unpacked from base64, each output with its scale", () => {
  const [layer] = twoOutputs();
  assert.equal(layer.size, 28);
  assert.deepEqual([...layer.bias], [1, -1]);
  assert.deepEqual([...layer.kernel.slice(0, 4)], [0.5, -2, 0.5, -2]);
});

test("the network goes from pixels to probabilities", () => {
  const pixels = new Float64Array(784);
  pixels[100] = 1;
  const layers = twoOutputs();
  assert.equal(look(layers, pixels).length, 1);
  assert.deepEqual([...logits(layers, pixels)], [1.5, -3]); // no relu here
  const p = predict(layers, Array.from(pixels));
  assert.ok(Math.abs(p[0] - 1 / (1 + Math.exp(-4.5))) < 1e-6);
});

test("relu is between the layers, and pooling after it", () => {
  const first = {
    size: 27,
    kernel: Float32Array.from({ length: 2 * 729 }, (_, k) =>
      k === 0 ? 1 : k === 1 ? -1 : 0,
    ),
    bias: new Float32Array(2),
    pooled: true,
  };
  const second = {
    size: 1,
    kernel: Float32Array.of(1, 1),
    bias: Float32Array.of(0),
    pooled: false,
  };
  const pixels = new Float64Array(784).fill(0);
  pixels[29] = 0.5; // the first pixel of the last of 2 x 2 places
  const seen = look([first, second], pixels);
  assert.deepEqual([...seen[0].data], [0.5, 0]);
  assert.deepEqual([...seen[1].data], [0.5]);
});
