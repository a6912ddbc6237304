// The network. Every layer is a convolution: a dense layer's kernel covers
// the whole image. What goes through it is {h, w, c, data}: c numbers for
// each of h x w pixels, row by row.

export const NONE = 10; // the eleventh class: no digit

export function bytesOf(text) {
  // base64 -> ArrayBuffer
  return Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer;
}

// The layers out of their bytes: for each one a scale and a bias of every
// output (float32), then its weights (int8), which the scale multiplies.
// shape: of each layer [kernel size, inputs, outputs, pooled].
export function unpack(shape, bytes) {
  let at = 0;
  const take = (count) => {
    at += count;
    return bytes.slice(at - count, at);
  };
  return shape.map(([size, inputs, outputs, pooled]) => {
    const scales = new Float32Array(take(4 * outputs));
    const bias = new Float32Array(take(4 * outputs));
    const whole = new Int8Array(take(size * size * inputs * outputs));
    const kernel = Float32Array.from(whole, (q, k) => q * scales[k % outputs]);
    return { size, kernel, bias, pooled };
  });
}

// The kernel's sums wherever it fits. Pixels that are 0 add nothing, so only
// the others are multiplied, two at a time: that is faster than one by one.
export function convolve({ h, w, c, data }, { size, kernel, bias }) {
  const [rows, columns, n] = [h - size + 1, w - size + 1, bias.length];
  const sums = new Float32Array(rows * columns * n);
  const values = new Float32Array(size * size * c + 1);
  const places = new Int32Array(size * size * c + 1); // of their weights
  for (let y = 0; y < rows; y++)
    for (let x = 0; x < columns; x++) {
      let count = 0;
      for (let i = 0; i < size; i++)
        for (let j = 0; j < size * c; j++) {
          const value = data[((y + i) * w + x) * c + j];
          if (value === 0) continue;
          values[count] = value;
          places[count++] = (i * size * c + j) * n;
        }
      values[count] = 0; // the partner of an odd one
      const at = (y * columns + x) * n;
      for (let o = 0; o < n; o++) sums[at + o] = bias[o];
      for (let k = 0; k < count; k += 2) {
        const a = values[k];
        const first = places[k];
        const b = values[k + 1];
        const second = places[k + 1];
        for (let o = 0; o < n; o++)
          sums[at + o] += a * kernel[first + o] + b * kernel[second + o];
      }
    }
  return { h: rows, w: columns, c: n, data: sums };
}

export function relu({ h, w, c, data }) {
  const kept = new Float32Array(data.length);
  for (let k = 0; k < data.length; k++) kept[k] = Math.max(data[k], 0);
  return { h, w, c, data: kept };
}

export function maxPool({ h, w, c, data }) {
  // the largest of each 2 x 2
  const [rows, columns] = [h >> 1, w >> 1];
  const most = new Float32Array(rows * columns * c);
  for (let y = 0; y < rows; y++)
    for (let x = 0; x < columns; x++)
      for (let o = 0; o < c; o++) {
        const at = (2 * y * w + 2 * x) * c + o;
        most[(y * columns + x) * c + o] = Math.max(
          data[at],
          data[at + c],
          data[at + w * c],
          data[at + w * c + c],
        );
      }
  return { h: rows, w: columns, c, data: most };
}

export function softmax(z) {
  const most = Math.max(...z);
  const e = z.map((value) => Math.exp(value - most));
  const sum = total(e);
  return e.map((value) => value / sum);
}

export function total(values) {
  return values.reduce((a, b) => a + b, 0);
}

// What every layer makes of 784 numbers from 0 to 1.
export function look(layers, pixels) {
  let seen = { h: 28, w: 28, c: 1, data: Float32Array.from(pixels) };
  return layers.map((layer) => {
    seen = convolve(seen, layer);
    if (layer !== layers.at(-1)) seen = relu(seen);
    if (layer.pooled) seen = maxPool(seen);
    return seen;
  });
}

export function logits(layers, pixels) {
  return look(layers, pixels).at(-1).data;
}

export function predict(layers, pixels) {
  // ten or eleven probabilities
  return Array.from(softmax(logits(layers, pixels)));
}
