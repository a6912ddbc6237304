// The preparation: lesson 5's `prepare`. An image is {h, w, data}: its height
// and width in pixels, and a typed array of its pixels, row by row. A picture
// has bytes, 0 to 255; a mask has bytes too, 0 or 1; ink has floats.

import { total } from "./network.js";

export function image(h, w, at) {
  // of floats; without `at` all are 0
  const data = new Float64Array(h * w);
  for (let y = 0; at && y < h; y++)
    for (let x = 0; x < w; x++) data[y * w + x] = at(y, x);
  return { h, w, data };
}

export function bytes(h, w) {
  // an image of bytes, all 0
  return { h, w, data: new Uint8Array(h * w) };
}

export function pixel({ h, w, data }, y, x) {
  // 0 outside
  return y >= 0 && y < h && x >= 0 && x < w ? data[y * w + x] : 0;
}

export function round(value) {
  // as Python: 0.5 to the even neighbour
  const whole = Math.round(value);
  return whole - value === 0.5 && whole % 2 ? whole - 1 : whole;
}

export function boxOf({ h, w, data }) {
  // of all above 0: {x, y, w, h}
  let [left, right, upper, lower] = [w, -1, -1, -1];
  for (let y = 0; y < h; y++)
    for (let x = 0; x < w; x++)
      if (data[y * w + x] > 0) {
        if (upper < 0) upper = y;
        lower = y;
        if (x < left) left = x;
        if (x > right) right = x;
      }
  if (upper < 0) return { x: 0, y: 0, w: 0, h: 0 };
  return { x: left, y: upper, w: right - left + 1, h: lower - upper + 1 };
}

export function cropInk(ink) {
  // the box of all that is above 0
  const { x, y, w, h } = boxOf(ink);
  const box = image(h, w);
  for (let i = 0; i < h; i++)
    for (let j = 0; j < w; j++)
      box.data[i * w + j] = ink.data[(y + i) * ink.w + x + j];
  return box;
}

// What each new pixel takes along one side, from so many old pixels to so
// many new ones: the number of the first, and the shares of it and the next.
// A smaller picture takes the mean of all that a new pixel covers.
export function shares(from, to) {
  const step = 1 / (to / from); // as OpenCV has it
  return Array.from({ length: to }, (_, k) => {
    const start = k * step;
    const end = Math.min(start + step, from);
    const [first, last] = [Math.floor(start + 1e-3), Math.ceil(end - 1e-3)];
    const taken = Float32Array.from(
      { length: last - first },
      (_, i) =>
        (Math.min(first + i + 1, end) - Math.max(first + i, start)) /
        Math.min(step, from - start),
    );
    return { first, taken };
  });
}

// Half as wide and half as tall: the mean of 2 x 2 bytes; a half goes up.
function halved({ h, w, data }) {
  const small = bytes(h / 2, w / 2);
  for (let y = 0; y < small.h; y++)
    for (let x = 0; x < small.w; x++) {
      const at = 2 * y * w + 2 * x;
      small.data[y * small.w + x] =
        (data[at] + data[at + 1] + data[at + w] + data[at + w + 1] + 2) >> 2;
    }
  return small;
}

// To fewer pixels in each direction (INTER_AREA), rounded to bytes or not.
// Sums are floats of 32 bits, as in OpenCV.
function shrunk(from, h, w, whole) {
  if (whole && from.h === 2 * h && from.w === 2 * w) return halved(from);
  const small = (whole ? bytes : image)(h, w);
  const columns = shares(from.w, w);
  const sums = new Float32Array(w);
  shares(from.h, h).forEach((row, y) => {
    sums.fill(0);
    for (let i = 0; i < row.taken.length; i++) {
      const line = (row.first + i) * from.w;
      const share = row.taken[i];
      for (let x = 0; x < w; x++) {
        const { first, taken } = columns[x];
        let sum = 0;
        for (let j = 0; j < taken.length; j++)
          sum = Math.fround(
            sum + Math.fround(taken[j] * from.data[line + first + j]),
          );
        sums[x] += Math.fround(share * sum);
      }
    }
    for (let x = 0; x < w; x++)
      small.data[y * w + x] = whole ? round(sums[x]) : sums[x];
  });
  return small;
}

// A larger picture is read between the old pixels: for each new one the
// numbers a and b of the old ones before and behind it, and their shares. In
// whole numbers a share is so many of 2048.
function between(from, to, whole) {
  const step = 1 / (to / from);
  const part = (share) => (whole ? round(share * 2048) : share);
  return Array.from({ length: to }, (_, k) => {
    const place = Math.fround((k + 0.5) * step - 0.5);
    const a = Math.floor(place);
    return {
      a: Math.max(a, 0),
      b: Math.min(a + 1, from - 1),
      before: part(1 - (place - a)),
      behind: part(place - a),
    };
  });
}

// To more pixels (INTER_LINEAR). As in OpenCV, whole numbers lose what does
// not fit in so many bits.
function grown({ h, w, data }, tall, wide, whole) {
  const large = (whole ? bytes : image)(tall, wide);
  const columns = between(w, wide, whole);
  const lines = whole ? new Int32Array(h * wide) : new Float64Array(h * wide);
  for (
    let y = 0;
    y < h;
    y++ // each old row, grown
  )
    for (let x = 0; x < wide; x++) {
      const { a, b, before, behind } = columns[x];
      const sum = before * data[y * w + a] + behind * data[y * w + b];
      lines[y * wide + x] = whole ? sum >> 4 : sum;
    }
  between(h, tall, whole).forEach(({ a, b, before, behind }, y) => {
    for (let x = 0; x < wide; x++) {
      const upper = before * lines[a * wide + x];
      const lower = behind * lines[b * wide + x];
      large.data[y * wide + x] = whole
        ? ((upper >> 16) + (lower >> 16) + 2) >> 2
        : upper + lower;
    }
  });
  return large;
}

// To h x w pixels. whole: from bytes to bytes, bit for bit as OpenCV's
// INTER_AREA where no side becomes longer, else as its INTER_LINEAR.
export function resized(from, h, w, whole = false) {
  const how = h <= from.h && w <= from.w ? shrunk : grown;
  return how(from, h, w, whole);
}

export function scale(from, side, whole = false) {
  // its longer side
  const zoom = side / Math.max(from.h, from.w);
  const [h, w] = [from.h, from.w].map((n) => Math.max(1, round(n * zoom)));
  return resized(from, h, w, whole);
}

export function boxed(small) {
  // in the middle of 28 x 28
  const [down, right] = [small.h, small.w].map((n) =>
    Math.floor((28 - n) / 2),
  );
  return image(28, 28, (y, x) => pixel(small, y - down, x - right));
}

export function centre(square) {
  // its centre of mass to pixel (14, 14)
  let [x, y, sum] = [0, 0, total(square.data)];
  square.data.forEach((value, k) => {
    x += (value * (k % 28)) / sum;
    y += (value * Math.floor(k / 28)) / sum;
  });
  const [right, down] = [round(13.999 - x), round(13.999 - y)];
  return image(28, 28, (i, j) => pixel(square, i - down, j - right));
}

// Ink is blurred by a Gaussian of half a pixel of the box, its brightest
// pixel becomes 1, and it is scaled to the box. A piece of ink may be large,
// so nothing here goes through all of its pixels and all of the bell.

function bellOf(sigma) {
  // the weights at 0, 1, 2, ... pixels from its top
  const reach = Math.floor(round(8 * sigma + 1) / 2);
  return Float64Array.from({ length: reach + 1 }, (_, k) =>
    Math.exp(-((k / sigma) ** 2) / 2),
  );
}

// A line of n pixels is blurred and scaled in one: what each of `to` new
// pixels takes of each old one.
function softShares(n, to, bell) {
  const reach = bell.length - 1;
  const table = new Float64Array(to * n);
  const take = (k, i, share) => {
    const end = Math.min(i + reach, n - 1);
    for (let j = Math.max(i - reach, 0); j <= end; j++)
      table[k * n + j] += share * bell[Math.abs(i - j)];
  };
  if (to <= n)
    shares(n, to).forEach(({ first, taken }, k) => {
      taken.forEach((share, i) => {
        take(k, first + i, share);
      });
    });
  else
    between(n, to).forEach(({ a, b, before, behind }, k) => {
      take(k, a, before);
      take(k, b, behind);
    });
  return table;
}

// Ink, blurred along its rows: an image of its columns, each with room for
// the bell before and behind. Most pixels of a row are like the one before
// them: only where one differs does the blur change its slope.
function blurredRows({ h, w, data }, bell) {
  const reach = bell.length - 1;
  const columns = image(w, h + 2 * reach);
  const slopes = new Float64Array(w + 2 * reach + 1);
  for (let y = 0; y < h; y++) {
    slopes.fill(0);
    for (let x = 0; x <= w; x++) {
      const before = x > 0 ? data[y * w + x - 1] : 0;
      const jump = (x < w ? data[y * w + x] : 0) - before;
      if (jump)
        for (let k = 0; k <= 2 * reach; k++)
          slopes[x + k] += jump * bell[Math.abs(k - reach)];
    }
    let sum = 0;
    for (let x = -reach; x < w; x++) {
      sum += slopes[x + reach];
      if (x >= 0) columns.data[x * columns.w + reach + y] = sum;
    }
  }
  return columns;
}

// The brightest pixel of blurred ink. A blur is smooth: at a distance d from
// its summit it has lost (d / sigma) ** 2 / 2 of it at most. So it is enough
// to look at the middle of squares, and to quarter those that may hold it.
function brightestSoft(ink, bell, sigma) {
  const { h, w } = ink;
  const reach = bell.length - 1;
  const { data, w: tall } = blurredRows(ink, bell);
  const value = (y, x) => {
    const at = x * tall + reach + y;
    let sum = bell[0] * data[at];
    for (let k = 1; k <= reach; k++)
      sum += bell[k] * (data[at - k] + data[at + k]);
    return sum;
  };
  const full =
    ink.data.reduce((a, b) => Math.max(a, b), 0) * (2 * total(bell) - 1) ** 2; // nothing can become brighter than that
  let most = 0;
  let side = 2 ** Math.max(Math.floor(Math.log2(sigma)), 0);
  let squares = []; // where each one begins
  for (let y = 0; y < h; y += side)
    for (let x = 0; x < w; x += side) squares.push(y * w + x);
  for (;;) {
    const half = side >> 1;
    const values = squares.map((k) =>
      value(
        Math.min(Math.floor(k / w) + half, h - 1),
        Math.min((k % w) + half, w - 1),
      ),
    );
    for (const one of values) most = Math.max(most, one);
    if (side === 1 || most > (1 - 1e-9) * full) return most;
    const least = most * (1 - (side / sigma) ** 2 / 4);
    squares = squares
      .filter((_, n) => values[n] > least)
      .flatMap((k) => {
        const two = (k % w) + half < w ? [k, k + half] : [k];
        return k + half * w < h * w
          ? [...two, ...two.map((one) => one + half * w)]
          : two;
      });
    side = half;
  }
}

export function soften(ink) {
  // blurred, and scaled to 20 pixels
  const side = Math.max(ink.h, ink.w);
  const sigma = side / 40;
  const [h, w] = [ink.h, ink.w].map((n) =>
    Math.max(1, round((n * 20) / side)),
  );
  const bell = bellOf(sigma);
  const across = softShares(ink.w, w, bell);
  const down = softShares(ink.h, h, bell);
  for (
    let k = across.length - 2;
    k >= 0;
    k-- // of this pixel and the rest
  )
    if ((k + 1) % ink.w) across[k] += across[k + 1];
  const lines = new Float64Array(ink.h * w);
  for (let y = 0; y < ink.h; y++)
    for (let x = 0; x < ink.w; x++) {
      const before = x > 0 ? ink.data[y * ink.w + x - 1] : 0;
      const jump = ink.data[y * ink.w + x] - before;
      if (jump)
        for (let k = 0; k < w; k++)
          lines[y * w + k] += jump * across[k * ink.w + x];
    }
  const most = brightestSoft(ink, bell, sigma);
  const small = image(h, w);
  for (let i = 0; i < h; i++)
    for (let y = 0; y < ink.h; y++) {
      const share = down[i * ink.h + y] / most;
      if (share)
        for (let k = 0; k < w; k++)
          small.data[i * w + k] += share * lines[y * w + k];
    }
  return small;
}

export function toMnist(ink) {
  // 28 x 28 from 0 to 1; all 0 without ink
  const box = cropInk(ink);
  return box.w ? centre(boxed(soften(box))) : image(28, 28);
}

// A photo: the rest of lesson 5's prepare

export function invert(grey) {
  const negative = bytes(grey.h, grey.w);
  for (let k = 0; k < negative.data.length; k++)
    negative.data[k] = 255 - grey.data[k];
  return negative;
}

// Means of windows, not rounded; beyond an edge its pixels go on.
export function means(from, reach) {
  const sums = ({ h, w, data }) => {
    // along the rows; they become columns
    const turned = image(w, h);
    for (let y = 0; y < h; y++) {
      const [start, end] = [y * w, y * w + w - 1];
      let sum = reach * data[start];
      for (let x = 0; x < reach; x++) sum += data[Math.min(start + x, end)];
      for (let x = 0; x < w; x++) {
        sum += data[Math.min(start + x + reach, end)];
        turned.data[x * h + y] = sum;
        sum -= data[Math.max(start + x - reach, start)];
      }
    }
    return turned;
  };
  const all = sums(sums(from));
  const size = (2 * reach + 1) ** 2;
  return { ...all, data: all.data.map((sum) => sum / size) };
}

export function makeBright(grey) {
  // inverted if its ink is dark
  const around = means(grey, 70).data;
  let cubes = 0;
  for (let k = 0; k < around.length; k++)
    cubes += (grey.data[k] - round(around[k])) ** 3;
  return cubes < 0 ? invert(grey) : grey;
}

// The brightest of a line's `n` bytes within `reach` of each one. In blocks
// as long as a window, `rising` has the brightest since a block's start and
// `falling` until its end: each window is the end of one block and the start
// of the next. (This is by van Herk, 1992.) The line begins and ends with
// `reach` bytes more.
function brightestInLine(line, n, reach, rising, falling) {
  const size = 2 * reach + 1;
  for (let start = 0; start < line.length; start += size) {
    const last = Math.min(start + size, line.length) - 1;
    rising[start] = line[start];
    for (let k = start + 1; k <= last; k++)
      rising[k] = Math.max(rising[k - 1], line[k]);
    falling[last] = line[last];
    for (let k = last - 1; k >= start; k--)
      falling[k] = Math.max(falling[k + 1], line[k]);
  }
  for (let k = 0; k < n; k++)
    line[k] = Math.max(falling[k], rising[k + 2 * reach]);
}

// The brightest pixel within `reach` along the rows. outside: what is there.
export function brightestInRows({ h, w, data }, reach, outside = 0) {
  const bright = bytes(h, w);
  const [line, rising, falling] = [0, 0, 0].map(
    () => new Uint8Array(w + 2 * reach),
  );
  for (let y = 0; y < h; y++) {
    line.fill(outside);
    line.set(data.subarray(y * w, y * w + w), reach);
    brightestInLine(line, w, reach, rising, falling);
    bright.data.set(line.subarray(0, w), y * w);
  }
  return bright;
}

export function flipped({ h, w, data }) {
  // rows become columns
  const turned = bytes(w, h);
  for (let y = 0; y < h; y++)
    for (let x = 0; x < w; x++) turned.data[x * h + y] = data[y * w + x];
  return turned;
}

export function brightest(from, reach, outside = 0) {
  // in a square
  const along = brightestInRows(from, reach, outside);
  return flipped(brightestInRows(flipped(along), reach, outside));
}

export function darkestInRows(from, reach, outside = 255) {
  return invert(brightestInRows(invert(from), reach, 255 - outside));
}

export function darkest(from, reach, outside = 255) {
  return invert(brightest(invert(from), reach, 255 - outside));
}

export function removePaper(bright) {
  // a top-hat of 71 x 71
  const paper = brightest(darkest(bright, 35, 0), 35, 0).data;
  return { ...bright, data: bright.data.map((value, k) => value - paper[k]) };
}

export function otsu({ data }) {
  // the level with the least variance within
  const counts = new Float64Array(256);
  for (const value of data) counts[value]++;
  const part = 1 / data.length;
  const mean = total(counts.map((count, level) => count * level)) * part;
  let [share, below, best, most] = [0, 0, 0, 0];
  counts.forEach((count, level) => {
    const p = count * part;
    below *= share;
    share += p;
    if (Math.min(share, 1 - share) < 2 ** -23) return; // all is on one side
    below = (below + level * p) / share;
    const above = (mean - share * below) / (1 - share);
    const variance = share * (1 - share) * (below - above) ** 2;
    if (variance > most) [best, most] = [level, variance];
  });
  return best;
}

// The pieces of a mask that hang together, corners too: a label for each
// pixel, 0 where there is none, and each piece's label, area and box. They
// are in OpenCV's order, which looks at 2 x 2 pixels at a time.
export function components({ h, w, data }) {
  const labels = new Int32Array(h * w);
  const pieces = [];
  for (let upper = 0; upper < h; upper += 2)
    for (let x = 0; x < w; x++)
      for (let y = upper; y < Math.min(upper + 2, h); y++) {
        const start = y * w + x;
        if (!data[start] || labels[start]) continue;
        const label = pieces.length + 1;
        pieces.push({ label, ...fill({ h, w, data }, labels, start, label) });
      }
  return { labels, pieces };
}

// Label all that hangs together with the pixel `start`: its area and box.
function fill({ h, w, data }, labels, start, label) {
  const found = [start];
  labels[start] = label;
  let [left, right, upper, lower] = [w, -1, h, -1];
  for (let n = 0; n < found.length; n++) {
    // it grows meanwhile
    const [y, x] = [Math.floor(found[n] / w), found[n] % w];
    left = Math.min(left, x);
    right = Math.max(right, x);
    upper = Math.min(upper, y);
    lower = Math.max(lower, y);
    for (let i = Math.max(y - 1, 0); i <= Math.min(y + 1, h - 1); i++)
      for (let j = Math.max(x - 1, 0); j <= Math.min(x + 1, w - 1); j++)
        if (data[i * w + j] && !labels[i * w + j]) {
          labels[i * w + j] = label;
          found.push(i * w + j);
        }
  }
  return {
    area: found.length,
    x: left,
    y: upper,
    w: right - left + 1,
    h: lower - upper + 1,
  };
}

export function jumps(from) {
  // brightest minus darkest neighbour
  const low = darkest(from, 1).data;
  return brightest(from, 1).data.map((value, k) => value - low[k]);
}

export function findDigit(flat) {
  // its mask, 0 or 1
  const { h, w, data } = flat;
  const limit = otsu(flat);
  const ink = { h, w, data: data.map((value) => Number(value > limit)) };
  const { labels, pieces } = components(ink);
  const largest = (list) => list.reduce((a, { area }) => Math.max(a, area), 0);
  const inside = pieces.filter(
    (p) => p.x > 0 && p.y > 0 && p.x + p.w < w && p.y + p.h < h,
  );
  const some = largest(inside) > 150 ? inside : pieces; // more than a dot
  const least = 0.15 * largest(some);
  const kept = new Uint8Array(pieces.length + 1);
  for (const { label, area } of some) kept[label] = Number(area > least);
  const digit = { h, w, data: ink.data.map((_, k) => kept[labels[k]]) };
  const jump = jumps(flat);
  const outline = jumps(digit);
  const edge = jump.filter((_, k) => outline[k]);
  const n = jump.length;
  const sorted = jump.slice().sort(); // as numbers
  const usual = (sorted[(n - 1) >> 1] + sorted[n >> 1]) / 2 + 1;
  return total(edge) / edge.length > 1.5 * usual ? digit : bytes(h, w);
}

export function inkOf(grey) {
  // the mask of a photo's digit
  return findDigit(removePaper(makeBright(scale(grey, 280, true))));
}

export function prepare(grey) {
  return toMnist(inkOf(grey));
}
