// 1. The network. Every layer is a convolution: a dense layer's kernel covers
// the whole image. Weights are int8, with a scale for each output (base64).

const DATA = JSON.parse(document.getElementById("network").textContent);
const NETWORK = DATA.shape; // [kernel size, inputs, outputs, pooled]
const NONE = 10; // the eleventh class: no digit

function bytesOf(text) {
  return Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer;
}

function unpack(bytes) {
  let at = 0;
  const take = (count) => {
    at += count;
    return bytes.slice(at - count, at);
  };
  return NETWORK.map(([size, inputs, outputs, pooled]) => {
    const count = size * size * inputs * outputs;
    const scale = new Float32Array(take(4 * outputs));
    const bias = new Float32Array(take(4 * outputs));
    const whole = new Int8Array(take(count));
    const kernel = Float32Array.from(whole, (q, k) => q * scale[k % outputs]);
    return { size, kernel, bias, pooled };
  });
}

function convolve({ h, w, c, data }, { size, kernel, bias }) {
  const [rows, columns, n] = [h - size + 1, w - size + 1, bias.length];
  const sums = new Float32Array(rows * columns * n);
  for (let y = 0; y < rows; y++)
    for (let x = 0; x < columns; x++) {
      const at = (y * columns + x) * n;
      for (let o = 0; o < n; o++) sums[at + o] = bias[o];
      for (let i = 0; i < size; i++)
        for (let j = 0; j < size * c; j++) {
          const value = data[((y + i) * w + x) * c + j];
          const row = (i * size * c + j) * n;
          if (value === 0) continue;
          for (let o = 0; o < n; o++) sums[at + o] += value * kernel[row + o];
        }
    }
  return { h: rows, w: columns, c: n, data: sums };
}

function relu({ h, w, c, data }) {
  return { h, w, c, data: data.map((value) => Math.max(value, 0)) };
}

function maxPool({ h, w, c, data }) {
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

function softmax(z) {
  const most = Math.max(...z);
  const e = z.map((value) => Math.exp(value - most));
  const sum = total(e);
  return e.map((value) => value / sum);
}

function look(pixels) {
  // what every layer makes of 784 numbers from 0 to 1
  let seen = { h: 28, w: 28, c: 1, data: pixels };
  return LAYERS.map((layer) => {
    seen = convolve(seen, layer);
    if (layer !== LAYERS.at(-1)) seen = relu(seen);
    if (layer.pooled) seen = maxPool(seen);
    return seen;
  });
}

function logits(pixels) {
  return look(pixels).at(-1).data;
}

function predict(pixels) {
  // eleven probabilities
  return Array.from(softmax(logits(pixels)));
}

const LAYERS = unpack(bytesOf(DATA.weights));

// 2. The preparation: lesson 5's to_mnist. An image is {h, w, data}.

function image(h, w, at = () => 0) {
  const data = new Float64Array(h * w);
  for (let y = 0; y < h; y++)
    for (let x = 0; x < w; x++) data[y * w + x] = at(y, x);
  return { h, w, data };
}

function pixel({ h, w, data }, y, x) {
  // 0 outside
  return y >= 0 && y < h && x >= 0 && x < w ? data[y * w + x] : 0;
}

function round(value) {
  // as Python rounds: 0.5 to the even neighbour
  const whole = Math.round(value);
  return whole - value === 0.5 && whole % 2 ? whole - 1 : whole;
}

function total(values) {
  return values.reduce((a, b) => a + b, 0);
}

function cropInk(ink) {
  // the box of all that is not 0
  let [top, left, bottom, right] = [ink.h, ink.w, -1, -1];
  for (let y = 0; y < ink.h; y++)
    for (let x = 0; x < ink.w; x++)
      if (pixel(ink, y, x) > 0) {
        [top, bottom] = [Math.min(top, y), Math.max(bottom, y)];
        [left, right] = [Math.min(left, x), Math.max(right, x)];
      }
  const at = (y, x) => pixel(ink, top + y, left + x);
  return image(bottom - top + 1, right - left + 1, at);
}

function shares(from, to) {
  // what each new pixel takes of which old ones
  const step = from / to;
  return Array.from({ length: to }, (_, k) => {
    const taken = [];
    if (step >= 1) {
      // smaller: the mean of all that it covers
      const [start, end] = [k * step, (k + 1) * step];
      for (let i = Math.floor(start); i < Math.min(end, from); i++) {
        const part = Math.min(i + 1, end) - Math.max(i, start);
        taken.push([i, part / step]);
      }
    } else {
      // larger: between the two nearest
      const place = Math.fround((k + 0.5) * step - 0.5); // as OpenCV has it
      const i = Math.floor(place);
      const part = place - i;
      taken.push(
        [Math.max(i, 0), 1 - part],
        [Math.min(i + 1, from - 1), part],
      );
    }
    return taken;
  });
}

// To a longer side of so many pixels; whole numbers are rounded as by OpenCV.
function scale(from, side, whole = false) {
  const zoom = side / Math.max(from.h, from.w);
  const [h, w] = [from.h, from.w].map((n) => Math.max(1, round(n * zoom)));
  const [rows, columns] = [shares(from.h, h), shares(from.w, w)];
  const fixed = whole && zoom >= 1; // so many bits, the rest is cut off
  const cut = (value, bits) =>
    fixed ? Math.floor(value * 2 ** bits) / 2 ** bits : value;
  if (fixed)
    for (const taken of [...rows, ...columns])
      for (const pair of taken) pair[1] = round(pair[1] * 2048) / 2048;
  return image(h, w, (y, x) => {
    let sum = 0;
    for (const [i, a] of rows[y]) {
      let row = 0;
      for (const [j, b] of columns[x]) row += b * pixel(from, i, j);
      sum += cut(a * cut(row, 7), 2);
    }
    return whole ? Math.floor(sum + 0.5) : sum;
  });
}

function boxed(small) {
  const [top, left] = [small.h, small.w].map((n) => Math.floor((28 - n) / 2));
  return image(28, 28, (y, x) => pixel(small, y - top, x - left));
}

function centre(square) {
  let [x, y, sum] = [0, 0, total(square.data)];
  square.data.forEach((value, k) => {
    x += (value * (k % 28)) / sum;
    y += (value * Math.floor(k / 28)) / sum;
  });
  const [right, down] = [round(13.999 - x), round(13.999 - y)];
  return image(28, 28, (y, x) => pixel(square, y - down, x - right));
}

function soften(ink) {
  // a Gaussian blur of half a pixel of the box
  const sigma = Math.max(ink.h, ink.w) / 40;
  const reach = Math.floor(round(8 * sigma + 1) / 2);
  const bell = Array.from({ length: 2 * reach + 1 }, (_, i) =>
    Math.exp(-(((i - reach) / sigma) ** 2) / 2),
  );
  const blur = ({ h, w, data }) =>
    image(w, h, (x, y) => {
      // and turned
      const [start, end] = [
        Math.max(x - reach, 0),
        Math.min(x + reach, w - 1),
      ];
      let sum = 0;
      for (let k = start; k <= end; k++)
        sum += bell[k - x + reach] * data[y * w + k];
      return sum;
    });
  const soft = blur(blur(ink));
  const most = soft.data.reduce((a, b) => Math.max(a, b), 0);
  return image(ink.h, ink.w, (y, x) => pixel(soft, y, x) / most);
}

function toMnist(ink) {
  if (!ink.data.some((value) => value > 0)) return image(28, 28);
  return centre(boxed(scale(soften(cropInk(ink)), 20)));
}

// 3. A photo: the rest of lesson 5's prepare. Grey is 0 to 255.

function invert(grey) {
  return image(grey.h, grey.w, (y, x) => 255 - pixel(grey, y, x));
}

function means(from, reach) {
  // of windows; beyond an edge its pixels go on
  const sums = ({ h, w, data }) => {
    // along the rows; they become columns
    const turned = image(w, h);
    for (let y = 0; y < h; y++) {
      const at = (x) => data[y * w + Math.max(0, Math.min(x, w - 1))];
      let sum = 0;
      for (let x = -reach; x < reach; x++) sum += at(x);
      for (let x = 0; x < w; x++) {
        sum += at(x + reach);
        turned.data[x * h + y] = sum;
        sum -= at(x - reach);
      }
    }
    return turned;
  };
  const all = sums(sums(from));
  const size = (2 * reach + 1) ** 2;
  return image(from.h, from.w, (y, x) => round(pixel(all, y, x) / size));
}

function makeBright(grey) {
  // inverted if its ink is dark
  const around = means(grey, 70).data;
  const cubes = grey.data.map((value, k) => (value - around[k]) ** 3);
  return total(cubes) < 0 ? invert(grey) : grey;
}

function brightest(from, reach, outside) {
  // in a window around each pixel
  const along = ({ h, w, data }) => {
    // it turns the image, as in means
    const turned = image(w, h);
    for (let y = 0; y < h; y++) {
      let [best, next] = [-1 - reach, 0]; // the brightest, the first unseen
      for (let x = 0; x < w; x++) {
        if (best < x - reach) best = next = Math.max(x - reach, 0);
        for (; next < w && next <= x + reach; next++)
          if (data[y * w + next] >= data[y * w + best]) best = next;
        const edge = x < reach || x + reach >= w ? outside : 0;
        turned.data[x * h + y] = Math.max(data[y * w + best], edge);
      }
    }
    return turned;
  };
  return along(along(from));
}

function removePaper(bright) {
  // a top-hat of 71 x 71
  const darkest = invert(brightest(invert(bright), 35, 255));
  const paper = brightest(darkest, 35, 0);
  return image(
    bright.h,
    bright.w,
    (y, x) => pixel(bright, y, x) - pixel(paper, y, x),
  );
}

function otsu(grey) {
  // the threshold with the least variance in the groups
  const counts = new Float64Array(256);
  for (const value of grey.data) counts[value]++;
  const [all, sum] = [grey.data.length, total(grey.data)];
  let [n, below, best, most] = [0, 0, 0, 0];
  counts.forEach((count, level) => {
    n += count;
    below += count * level;
    const gap = below / n - (sum - below) / (all - n);
    const between = n * (all - n) * gap ** 2;
    if (between > most) [best, most] = [level, between];
  });
  return best;
}

// The pieces of a mask that hang together, corners too: a label for each
// pixel, 0 where there is none, and each piece's label, area and box.
function components({ h, w, data }) {
  const labels = new Int32Array(h * w);
  const pieces = [];
  for (let start = 0; start < h * w; start++) {
    if (!data[start] || labels[start]) continue;
    const label = pieces.length + 1;
    labels[start] = label;
    const found = [start];
    let [top, left, bottom, right] = [h, w, -1, -1];
    for (const k of found) {
      // it grows meanwhile
      const [y, x] = [Math.floor(k / w), k % w];
      [top, bottom] = [Math.min(top, y), Math.max(bottom, y)];
      [left, right] = [Math.min(left, x), Math.max(right, x)];
      for (let i = Math.max(y - 1, 0); i <= Math.min(y + 1, h - 1); i++)
        for (let j = Math.max(x - 1, 0); j <= Math.min(x + 1, w - 1); j++)
          if (data[i * w + j] && !labels[i * w + j]) {
            labels[i * w + j] = label;
            found.push(i * w + j);
          }
    }
    pieces.push({
      label,
      area: found.length,
      x: left,
      y: top,
      w: right - left + 1,
      h: bottom - top + 1,
    });
  }
  return { labels, pieces };
}

function jumps(from) {
  // brightest minus darkest neighbour
  const [high, low] = [brightest(from, 1, 0), brightest(invert(from), 1, 0)];
  return high.data.map((value, k) => value + low.data[k] - 255);
}

function findDigit(flat) {
  // its mask, 0 or 1
  const { h, w, data } = flat;
  const limit = otsu(flat);
  const { labels, pieces } = components({
    h,
    w,
    data: data.map((v) => v > limit),
  });
  const largest = (list) => list.reduce((a, { area }) => Math.max(a, area), 0);
  const inside = pieces.filter(
    (p) => p.x > 0 && p.y > 0 && p.x + p.w < w && p.y + p.h < h,
  );
  const some = largest(inside) > 150 ? inside : pieces; // more than a dot
  const least = 0.15 * largest(some);
  const kept = new Set(some.filter((p) => p.area > least).map((p) => p.label));
  const digit = image(h, w, (y, x) => kept.has(labels[y * w + x]));
  const jump = jumps(flat);
  const outline = jumps(digit);
  const edge = jump.filter((_, k) => outline[k]);
  const n = jump.length;
  const sorted = jump.sort();
  const usual = (sorted[(n - 1) >> 1] + sorted[n >> 1]) / 2 + 1;
  return total(edge) / edge.length > 1.5 * usual ? digit : image(h, w);
}

function inkOf(grey) {
  return findDigit(removePaper(makeBright(scale(grey, 280, true))));
}

function prepare(grey) {
  return toMnist(inkOf(grey));
}

// 4. Which digits are drawn: pieces of ink, joined where they overlap

function overlap(a, b) {
  // in width, as a share of the narrower one
  const shared = Math.min(a.x + a.w, b.x + b.w) - Math.max(a.x, b.x);
  return shared / Math.min(a.w, b.w);
}

function union(a, b) {
  const [x, y] = [Math.min(a.x, b.x), Math.min(a.y, b.y)];
  const w = Math.max(a.x + a.w, b.x + b.w) - x;
  const h = Math.max(a.y + a.h, b.y + b.h) - y;
  return { x, y, w, h, labels: [...a.labels, ...b.labels] };
}

function findDigits(ink) {
  // boxes from left to right, each with its ink
  const { labels, pieces } = components(ink);
  const sides = pieces.map(({ w, h }) => Math.max(w, h));
  const least = 0.2 * Math.max(...sides);
  let digits = [];
  pieces.forEach((piece, k) => {
    if (sides[k] < least) return;
    let digit = { ...piece, labels: [piece.label] };
    const apart = digits.filter((other) => overlap(other, digit) <= 0.2);
    for (const other of digits)
      if (!apart.includes(other)) digit = union(digit, other);
    digits = [...apart, digit];
  });
  for (const digit of digits)
    digit.ink = image(digit.h, digit.w, (y, x) => {
      const k = (digit.y + y) * ink.w + digit.x + x;
      return digit.labels.includes(labels[k]) ? ink.data[k] : 0;
    });
  return digits.sort((a, b) => a.x - b.x);
}

// 5. What is said of a digit, and why

function inWords({ p, answer }) {
  const a = (digit) => (digit === 8 ? "an " : "a ") + digit;
  if (answer === NONE) return "no digit";
  const rest = p.map((share, kind) => (kind === answer ? 0 : share));
  const second = rest.indexOf(Math.max(...rest));
  return second !== NONE && p[second] > p[answer] / 4
    ? `${a(answer)}, perhaps ${a(second)}`
    : `${a(answer)}, ${Math.round(100 * p[answer])} % confident`;
}

function digitsOf(readings) {
  return readings
    .map(({ answer }) => answer)
    .filter((k) => k !== NONE)
    .join("");
}

function summary(readings) {
  if (!readings.length) return "Draw a digit, or several.";
  if (readings.length === 1) return `I see ${inWords(readings[0])}.`;
  const digits = digitsOf(readings);
  const refused = readings.length - digits.length;
  return (
    `I read ${digits || "no digit"}` +
    (digits && refused ? `, and ${refused} that is no digit.` : ".")
  );
}

// Turn ink into paper and paper into ink, 2 x 2 pixels at a time: how much
// do the odds of this class fall? (In logits, against the best other class.)
function evidence(pixels, kind) {
  const lead = (z) => z[kind] - Math.max(...z.filter((_, k) => k !== kind));
  const before = lead(logits(pixels));
  return image(14, 14, (y, x) => {
    const turned = pixels.slice();
    for (const k of [0, 1, 28, 29])
      turned[56 * y + 2 * x + k] = 1 - turned[56 * y + 2 * x + k];
    return before - lead(logits(turned));
  });
}

// 6. Learning from corrections: the last layer, anew from its start. On some
// known images, whose features are here, it must say what it always said.

const START = LAYERS.at(-1);
const KNOWN = recall(bytesOf(DATA.known));
let taught = []; // corrections: [class, 784 pixels from 0 to 255]

function recall(bytes) {
  // one scale, then the features of every image
  const [scale] = new Float32Array(bytes.slice(0, 4));
  const whole = new Uint8Array(bytes.slice(4));
  const n = START.kernel.length / START.bias.length;
  return Array.from({ length: whole.length / n }, (_, k) =>
    Float32Array.from(whole.slice(k * n, (k + 1) * n), (q) => q * scale),
  );
}

function answer(x) {
  // of the last layer, to features
  const seen = { h: 1, w: 1, c: x.length, data: x };
  return Array.from(softmax(convolve(seen, LAYERS.at(-1)).data));
}

function learn() {
  // gradient descent until all corrections are sure
  LAYERS.splice(-1, 1, START);
  const examples = taught.map(([kind, ...pixels]) => ({
    x: look(pixels.map((value) => value / 255)).at(-2).data,
    wanted: Array.from(START.bias, (_, k) => Number(k === kind)),
    share: 0.3 / taught.length,
  }));
  for (const x of KNOWN)
    examples.push({ x, wanted: answer(x), share: 1 / KNOWN.length });
  const squares = examples.map(({ x }) => total(x.map((value) => value ** 2)));
  const rate = examples.length / total(squares);
  const [kernel, bias] = [START.kernel.slice(), START.bias.slice()];
  LAYERS.splice(-1, 1, { ...START, kernel, bias });
  for (let step = 0; step < 200; step++) {
    const errors = examples.map(({ x, wanted }) =>
      answer(x).map((p, k) => p - wanted[k]),
    );
    if (taught.every(([kind], k) => errors[k][kind] > -0.2)) break;
    examples.forEach(({ x, share }, k) => {
      errors[k].forEach((error, o) => {
        bias[o] -= rate * share * error;
        for (let i = 0; i < x.length; i++)
          kernel[i * bias.length + o] -= rate * share * error * x[i];
      });
    });
  }
}

// 7. The drawing: a list of strokes, each a list of points [x, y] or a photo

const [W, H, PEN] = [420, 280, 18];
const [drawing, pen, boxes, said, spoken, cards, layers, file, forget] = [
  "drawing",
  "pen",
  "boxes",
  "said",
  "spoken",
  "cards",
  "layers",
  "file",
  "forget",
].map((id) => document.getElementById(id));
const shown = drawing.getContext("2d");
const ground = Object.assign(document.createElement("canvas"), {
  width: W,
  height: H,
}).getContext("2d", { willReadFrequently: true });
let strokes = [];
const past = [];
let active = false;
let waiting = false;
let readings = []; // of each digit: its box, pixels, layers, probabilities

function paint(context, zoom) {
  context.setTransform(zoom, 0, 0, zoom, 0, 0);
  context.clearRect(0, 0, W, H);
  context.lineWidth = PEN;
  context.lineCap = context.lineJoin = "round";
  for (const stroke of strokes)
    if (stroke instanceof HTMLCanvasElement)
      context.drawImage(
        stroke,
        (W - stroke.width) >> 1,
        (H - stroke.height) >> 1,
      );
    else {
      context.beginPath();
      context.moveTo(...stroke[0]);
      for (const [x, y] of stroke) context.lineTo(x + 0.01, y);
      context.stroke();
    }
  context.globalCompositeOperation = "source-in"; // in the theme's colour
  context.fillStyle = getComputedStyle(drawing).color;
  context.fillRect(0, 0, W, H);
  context.globalCompositeOperation = "source-over";
}

function readInk() {
  // how opaque each pixel is: no colour, so no theme
  paint(ground, 1);
  const { data } = ground.getImageData(0, 0, W, H);
  return image(H, W, (y, x) => data[4 * (y * W + x) + 3] / 255);
}

function read(ink) {
  // every digit of it, from left to right
  return findDigits(ink).map((digit) => {
    const pixels = toMnist(digit.ink).data;
    const seen = look(pixels);
    const p = softmax(Array.from(seen.at(-1).data));
    return { ...digit, pixels, seen, p, answer: p.indexOf(Math.max(...p)) };
  });
}

// 8. What is shown of it

function showBoxes() {
  boxes.replaceChildren(
    ...readings.map(({ x, y, w, h, answer }) => {
      const box = document.createElement("b");
      box.textContent = answer === NONE ? "?" : answer;
      box.style.left = `${(100 * x) / W}%`;
      box.style.top = `${(100 * y) / H}%`;
      box.style.width = `${(100 * w) / W}%`;
      box.style.height = `${(100 * h) / H}%`;
      return box;
    }),
  );
}

function showLayers() {
  // each layer's maps side by side, of the last digit
  layers.replaceChildren(
    ...(readings.at(-1)?.seen ?? [])
      .slice(0, -1)
      .flatMap(({ h, w, c, data }) => {
        const columns = h > 1 ? 12 : 64;
        const canvas = document.createElement("canvas");
        const text = document.createElement("small");
        text.textContent =
          h > 1 ? `${c} feature maps of ${h} × ${w}` : `${c} neurons`;
        canvas.width = columns * (w + 1);
        canvas.height = Math.ceil(c / columns) * (h + 1);
        canvas.ariaHidden = "true";
        const context = canvas.getContext("2d");
        const most = data.reduce((a, b) => Math.max(a, b), 1e-9);
        context.fillStyle = getComputedStyle(layers).color;
        data.forEach((value, k) => {
          const [map, at] = [k % c, Math.floor(k / c)];
          context.globalAlpha = value / most;
          context.fillRect(
            (map % columns) * (w + 1) + (at % w),
            Math.floor(map / columns) * (h + 1) + Math.floor(at / w),
            1,
            1,
          );
        });
        return [text, canvas];
      }),
  );
}

function newCard() {
  // one digit: what the network sees, eleven bars
  const { content } = document.getElementById("card");
  const card = content.firstElementChild.cloneNode(true);
  const [bars, bar] = [".bars", ".bars li"].map((s) => card.querySelector(s));
  bars.replaceChildren(
    ...Array.from(START.bias, (_, kind) => {
      const next = bar.cloneNode(true);
      next.querySelector("b").textContent = kind === NONE ? "?" : kind;
      next.firstElementChild.addEventListener("click", () =>
        explain(card, kind),
      );
      return next;
    }),
  );
  card.querySelector(".teach").addEventListener("click", () => teach(card));
  return card;
}

function showCard(card, { pixels, p, answer }, asked = NaN) {
  card.querySelector("h2").textContent = inWords({ p, answer });
  card.querySelectorAll(".bars button").forEach((button, kind) => {
    const share = `${(100 * p[kind]).toFixed(1)} %`;
    button.style.setProperty("--share", share.replace(" ", ""));
    button.querySelector("span").textContent = share;
    button.className = kind === answer ? "answer" : "";
    button.ariaLabel = `${kind === NONE ? "no digit" : kind}: ${share}`;
    button.ariaPressed = String(kind === asked);
  });
  const context = card.querySelector("canvas").getContext("2d");
  context.clearRect(0, 0, 336, 336);
  context.fillStyle = getComputedStyle(card).color;
  pixels.forEach((value, k) => {
    context.globalAlpha = Math.min(value, 1);
    context.fillRect(12 * (k % 28), 12 * Math.floor(k / 28), 12, 12);
  });
  card.querySelector("p").textContent = "";
  card.querySelector(".teach").hidden = true;
}

function showCards() {
  while (cards.children.length > readings.length) cards.lastChild.remove();
  while (cards.children.length < readings.length) cards.append(newCard());
  readings.forEach((reading, k) => {
    showCard(cards.children[k], reading);
  });
}

function show(say = true) {
  waiting = false;
  const zoom = (drawing.clientWidth * devicePixelRatio) / W;
  drawing.width = Math.round(W * zoom);
  drawing.height = Math.round(H * zoom);
  paint(shown, zoom);
  readings = read(readInk());
  document.body.dataset.reading =
    digitsOf(readings) || (readings.length ? "?" : "");
  said.textContent = summary(readings);
  if (say) spoken.textContent = said.textContent; // not at every movement
  showBoxes();
  showLayers();
  showCards();
}

// 9. A bar clicked: why this class, or why not? And is it the right one?

function explain(card, kind) {
  const reading = readings[[...cards.children].indexOf(card)];
  const style = getComputedStyle(card);
  const [right, name] = [
    kind === reading.answer,
    kind === NONE ? "no digit" : `a${kind === 8 ? "n" : ""} ${kind}`,
  ];
  showCard(card, reading, kind);
  const { data } = evidence(reading.pixels, kind);
  const most = data.reduce((a, b) => Math.max(a, Math.abs(b)), 1e-9);
  const context = card.querySelector("canvas").getContext("2d");
  context.globalAlpha = 1;
  context.lineWidth = 4;
  context.fillStyle = style.getPropertyValue("--bar");
  context.strokeStyle = style.getPropertyValue("--against");
  data.forEach((value, k) => {
    const r = (11 * Math.abs(value)) / most;
    const [x, y] = [24 * (k % 14) + 12, 24 * Math.floor(k / 14) + 12];
    if (r < 2) return;
    if (value > 0) context.fillRect(x - r, y - r, 2 * r, 2 * r);
    else {
      context.beginPath();
      for (const turn of [-r, r]) {
        context.moveTo(x - r, y - turn);
        context.lineTo(x + r, y + turn);
      }
      context.stroke();
    }
  });
  card.querySelector("p").textContent =
    `Why ${right ? "" : "not "}${name}? ■ speak for it, × against.`;
  const button = card.querySelector(".teach");
  button.hidden = right;
  button.textContent = `No, it is ${name}`;
  button.dataset.kind = kind;
}

function teach(card) {
  const { pixels } = readings[[...cards.children].indexOf(card)];
  const kind = Number(card.querySelector(".teach").dataset.kind);
  taught.push([kind, ...pixels.map((value) => Math.round(255 * value))]);
  relearn();
  card.querySelectorAll(".bars button")[kind].focus();
}

function relearn() {
  learn();
  try {
    localStorage.setItem("digit-reader", JSON.stringify(taught));
  } catch {} // a frame may have no storage
  forget.hidden = !taught.length;
  forget.textContent = `Forget what I taught (${taught.length})`;
  show();
}

forget.addEventListener("click", () => {
  taught = [];
  relearn();
  drawing.focus();
});

// 10. A photo: chosen, taken, pasted or dropped

async function readPhoto(blob) {
  try {
    const bitmap = await createImageBitmap(blob, {
      colorSpaceConversion: "none",
    });
    const zoom = Math.min(1, 1000 / Math.max(bitmap.width, bitmap.height));
    const [w, h] = [bitmap.width, bitmap.height].map((n) =>
      Math.max(1, Math.round(n * zoom)),
    );
    const canvas = Object.assign(document.createElement("canvas"), {
      width: w,
      height: h,
    });
    const context = canvas.getContext("2d");
    context.imageSmoothingQuality = "high";
    context.fillStyle = "grey"; // under what is transparent
    context.fillRect(0, 0, w, h);
    context.drawImage(bitmap, 0, 0, w, h);
    const { data } = context.getImageData(0, 0, w, h);
    const ink = inkOf(
      image(h, w, (y, x) => {
        const k = 4 * (y * w + x);
        return (
          (19595 * data[k] +
            38470 * data[k + 1] +
            7471 * data[k + 2] +
            32768) >>
          16
        );
      }),
    );
    canvas.width = ink.w;
    canvas.height = ink.h;
    const drawn = context.createImageData(ink.w, ink.h);
    ink.data.forEach((value, k) => {
      drawn.data[4 * k + 3] = 255 * value;
    });
    context.putImageData(drawn, 0, 0);
    change([canvas]);
    if (!readings.length) tell("I find no ink in this picture.");
  } catch {
    tell("I cannot open this as a picture: choose a JPEG or a PNG.");
  }
}

function tell(text) {
  said.textContent = spoken.textContent = text;
}

document.getElementById("photo").addEventListener("click", () => file.click());
file.addEventListener("change", () => {
  if (file.files.length) readPhoto(file.files[0]);
  file.value = "";
});
document.addEventListener("paste", (event) => {
  const { files } = event.clipboardData;
  if (files.length) readPhoto(files[0]);
});
document.addEventListener("dragover", (event) => event.preventDefault());
document.addEventListener("drop", (event) => {
  event.preventDefault();
  const { files } = event.dataTransfer;
  if (files.length) readPhoto(files[0]);
});

// 11. Pointers, buttons and keys

function change(next) {
  past.push(strokes);
  strokes = next;
  show();
}

function undo() {
  active = false;
  pen.className = "";
  strokes = past.pop() ?? [];
  show();
}

function place(event) {
  const zoom = W / drawing.clientWidth;
  return [event.offsetX * zoom, event.offsetY * zoom];
}

drawing.addEventListener("pointerdown", (event) => {
  if (!event.isPrimary || event.button !== 0) return;
  drawing.setPointerCapture(event.pointerId);
  pen.className = "";
  change([...strokes, [place(event)]]);
  active = true;
});
drawing.addEventListener("pointermove", (event) => {
  if (!active || !event.isPrimary) return;
  strokes.at(-1).push(place(event));
  if (!waiting) requestAnimationFrame(() => show(!active));
  waiting = true;
});
for (const end of ["pointerup", "pointercancel"])
  drawing.addEventListener(end, (event) => {
    if (!active || !event.isPrimary) return;
    active = false;
    show();
  });

let [penX, penY] = [W / 2, H / 4];
const ARROWS = {
  ArrowLeft: [-10, 0],
  ArrowRight: [10, 0],
  ArrowUp: [0, -10],
  ArrowDown: [0, 10],
};

function movePen([dx, dy]) {
  penX = Math.max(10, Math.min(penX + dx, W - 10));
  penY = Math.max(10, Math.min(penY + dy, H - 10));
  pen.style.left = `${(100 * penX) / W}%`;
  pen.style.top = `${(100 * penY) / H}%`;
  if (!pen.className) return;
  strokes.at(-1).push([penX, penY]);
  show(false);
}

drawing.addEventListener("keydown", (event) => {
  if (event.key in ARROWS) movePen(ARROWS[event.key]);
  else if (event.key !== " ") return;
  else {
    pen.className = pen.className ? "" : "down";
    if (pen.className) change([...strokes, [[penX, penY]]]);
    else show();
  }
  event.preventDefault();
});
document.addEventListener("keydown", (event) => {
  if (event.key !== "z" || !(event.ctrlKey || event.metaKey)) return;
  event.preventDefault();
  undo();
});
document.getElementById("undo").addEventListener("click", undo);
document.getElementById("clear").addEventListener("click", () => {
  pen.className = "";
  if (strokes.length) change([]);
});
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () =>
  show(),
);
new ResizeObserver(() => show(false)).observe(drawing);

try {
  // what another page of this name has stored may not fit
  taught = JSON.parse(localStorage.getItem("digit-reader") ?? "[]").filter(
    ([kind, ...pixels]) => kind in START.bias && pixels.length === 784,
  );
} catch {}
movePen([0, 0]);
relearn();
window.digitReader = { predict, toMnist, prepare, read, readInk, evidence };
