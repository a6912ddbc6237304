// A whole page: lesson 10's reader. A piece of ink is {x, y, w, h, mask}: its
// box in pixels and its mask; a recognised one also has {pixels, p}: 28 x 28
// numbers from 0 to 1, and the probabilities of the classes. A model takes a
// list of such pixels, and gives a list of such probabilities.

import { NONE, total } from "./network.js";
import {
  boxOf,
  brightestInRows,
  bytes,
  components,
  darkestInRows,
  flipped,
  inkOf,
  invert,
  means,
  otsu,
  resized,
  scale,
  toMnist,
} from "./preparation.js";

const PAGE = 1000; // pixels: the longer side of the picture
export const FRAME = PAGE / 2; // of a frame of a moving one
const [GAP, LONG] = [11, 125]; // pixels of 500: between dashes, and a line

function argmax(values) {
  return values.indexOf(values.reduce((a, b) => Math.max(a, b), -Infinity));
}

function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const n = sorted.length;
  return (sorted[(n - 1) >> 1] + sorted[n >> 1]) / 2;
}

// 1. From the picture to its ink

// The numbers of a line's n pixels, with three mirrored ones at either end.
function mirrored(n) {
  const there = Math.max(n - 1, 1);
  const back = 2 * there;
  return Int32Array.from({ length: n + 6 }, (_, k) => {
    const i = Math.abs(k - 3) % back;
    return Math.min(i, back - i, n - 1);
  });
}

// A blur by one pixel, in parts of 256: of a pixel, three before, three after.
function blurOf(a, b, c, middle, d, e, f) {
  return a + f + 14 * (b + e) + 62 * (c + d) + 102 * middle;
}

export function lookAt(grey, side = PAGE) {
  // its longer side scaled to that, less grain
  const { h, w, data } = scale(grey, side, true);
  const [rows, columns] = [mirrored(h), mirrored(w)];
  const [line, sums] = [new Uint8Array(w + 6), new Uint16Array(h * w)];
  for (let y = 0; y < h; y++) {
    for (let x = 0; x < w + 6; x++) line[x] = data[y * w + columns[x]];
    for (let x = 0; x < w; x++)
      sums[y * w + x] = blurOf(
        line[x],
        line[x + 1],
        line[x + 2],
        line[x + 3],
        line[x + 4],
        line[x + 5],
        line[x + 6],
      );
  }
  const soft = bytes(h, w);
  for (let y = 0; y < h; y++) {
    const [a, b, c, middle, d, e, f] = rows.slice(y, y + 7).map((k) => k * w);
    for (let x = 0; x < w; x++) {
      const sum = blurOf(
        sums[a + x],
        sums[b + x],
        sums[c + x],
        sums[middle + x],
        sums[d + x],
        sums[e + x],
        sums[f + x],
      );
      soft.data[y * w + x] = (sum + 32768) >> 16; // rounded
    }
  }
  return soft;
}

// Dark ink -> darkness: 0 is the paper around, 255 black, whatever the light.
export function flatten(grey) {
  const reach = ((Math.max(grey.h, grey.w) >> 2) | 1) >> 1;
  const high = brightestInRows(flipped(brightestInRows(grey, reach)), reach);
  const low = darkestInRows(flipped(darkestInRows(high, reach)), reach);
  const paper = low.data; // the brightest around, then the darkest around
  const dark = bytes(grey.h, grey.w);
  for (
    let k = 0;
    k < paper.length;
    k++ // cut off to whole numbers
  )
    dark.data[k] = 255 * (1 - (grey.data[k] + 1) / (paper[k] + 1));
  return dark;
}

// Darkness, and where the flood starts (nowhere darker) -> the flood: it goes
// to all neighbours, corners too, but never gets darker on its way. After a
// pass down and a pass up, a queue has what can still go on. (This is by
// Vincent, 1993.)
export function flood({ h, w, data }, start) {
  const width = w + 2; // with a frame of 0, so that all have neighbours
  const [level, limit] = [start.data, data].map((from) => {
    const framed = new Uint8Array(width * (h + 2));
    for (let y = 0; y < h; y++)
      framed.set(from.subarray(y * w, y * w + w), (y + 1) * width + 1);
    return framed;
  });
  const [first, last] = [width + 1, h * width + w];
  for (let k = first; k <= last; k++)
    level[k] = Math.min(
      limit[k],
      Math.max(
        level[k],
        level[k - 1],
        level[k - width - 1],
        level[k - width],
        level[k - width + 1],
      ),
    );
  const around = [
    -width - 1,
    -width,
    -width + 1,
    -1,
    1,
    width - 1,
    width,
    width + 1,
  ];
  const queue = [];
  const goesOn = (from, to) =>
    level[to] < level[from] && level[to] < limit[to];
  for (let k = last; k >= first; k--) {
    level[k] = Math.min(
      limit[k],
      Math.max(
        level[k],
        level[k + 1],
        level[k + width - 1],
        level[k + width],
        level[k + width + 1],
      ),
    );
    if (
      level[k] &&
      (goesOn(k, k + 1) ||
        goesOn(k, k + width - 1) ||
        goesOn(k, k + width) ||
        goesOn(k, k + width + 1))
    )
      queue.push(k);
  }
  for (
    let n = 0;
    n < queue.length;
    n++ // it grows meanwhile
  )
    for (let side = 0; side < 8; side++) {
      const from = queue[n];
      const to = from + around[side];
      if (!goesOn(from, to)) continue;
      level[to] = Math.min(level[from], limit[to]);
      queue.push(to);
    }
  const flooded = bytes(h, w);
  for (let y = 0; y < h; y++) {
    const line = (y + 1) * width + 1;
    flooded.data.set(level.subarray(line, line + w), y * w);
  }
  return flooded;
}

// How much of a darkness reaches its border. lines: whether the flood also
// starts on straight lines inside.
export function borderFlood(dark, lines = false) {
  const small = scale(dark, PAGE / 2, true);
  const { h, w, data } = small;
  const start = lines ? onLines(small) : bytes(h, w);
  const keep = (k) => {
    start.data[k] = data[k];
  };
  for (let x = 0; x < w; x++) [x, (h - 1) * w + x].forEach(keep);
  for (let y = 0; y < h; y++) [y * w, y * w + w - 1].forEach(keep);
  return resized(flood(small, start), dark.h, dark.w, true);
}

export function dropBorder(dark, lines = false) {
  // without that
  const flooded = borderFlood(dark, lines).data;
  const rest = bytes(dark.h, dark.w);
  for (let k = 0; k < flooded.length; k++)
    rest.data[k] = Math.max(dark.data[k] - flooded[k], 0);
  return rest;
}

export function alongRows(dark) {
  // what of it lies on long level lines
  const thick = flipped(brightestInRows(flipped(dark), 1)); // one may lean
  const closed = darkestInRows(brightestInRows(thick, GAP >> 1), GAP >> 1);
  const long = brightestInRows(darkestInRows(closed, LONG >> 1, 0), LONG >> 1);
  return {
    ...dark,
    data: dark.data.map((value, k) => Math.min(value, long.data[k])),
  };
}

export function onLines(dark) {
  // what of it lies on long straight lines
  const upright = flipped(alongRows(flipped(dark))).data;
  return {
    ...dark,
    data: alongRows(dark).data.map((value, k) => Math.max(value, upright[k])),
  };
}

export function threshold(dark) {
  // darkness -> mask of ink
  const level = otsu(dark);
  const ink = bytes(dark.h, dark.w);
  if (level > 10)
    for (let k = 0; k < ink.data.length; k++)
      if (dark.data[k] > 0.8 * level) ink.data[k] = 1;
  return ink;
}

// How far a few dark places stand out: the mean cube of the differences.
export function thirdMoment(dark) {
  const small = scale(dark, 280, true);
  const around = means(small, 35).data;
  let cubes = 0;
  for (let k = 0; k < around.length; k++)
    cubes += (small.data[k] - around[k]) ** 3;
  return cubes / around.length;
}

export function whichInk(picture) {
  // it, its negative; the likelier first
  const both = [picture, invert(picture)];
  const rest = both.map((grey) => thirdMoment(dropBorder(invert(grey))));
  return rest[0] > rest[1] ? both : both.reverse();
}

export function findInk(grey, side = PAGE) {
  // mask of its ink, the longer side scaled to that
  return threshold(dropBorder(flatten(whichInk(lookAt(grey, side))[0])));
}

// 2. From the ink to its pieces, and to digits

export function findPieces(ink) {
  // the 300 largest
  const { labels, pieces } = components(ink);
  const side = ({ w, h }) => Math.max(w, h);
  pieces.sort((a, b) => side(b) - side(a));
  return pieces
    .slice(0, 300)
    .filter((piece) => side(piece) > 12)
    .map(({ label, x, y, w, h }) => {
      const mask = bytes(h, w);
      for (let i = 0; i < h; i++)
        for (let j = 0; j < w; j++)
          mask.data[i * w + j] = Number(
            labels[(y + i) * ink.w + x + j] === label,
          );
      return { x, y, w, h, mask };
    });
}

// The usual height of pieces; 0 if there are none. Each one votes for the
// heights near its own, a tall one with more weight.
export function usualHeight(pieces) {
  if (!pieces.length) return 0;
  const heights = pieces.map(({ h }) => h);
  const near = heights.map((mine) =>
    heights.filter((other) => mine / other < 1.6 && mine / other >= 1 / 1.6),
  );
  return median(near[argmax(near.map((some) => total(some.map(Math.sqrt))))]);
}

// Whether two pieces belong to one digit. size: the usual height of a digit.
export function together(a, b, size) {
  const [mine, other] = [a.y + a.h, b.y + b.h]; // where they end
  const shared = Math.min(a.x + a.w, b.x + b.w) - Math.max(a.x, b.x);
  const gap = Math.max(a.y, b.y) - Math.min(mine, other);
  const tall = Math.max(mine, other) - Math.min(a.y, b.y);
  return (
    shared > 0.2 * Math.min(a.w, b.w) && gap < 0.25 * size && tall < 1.4 * size
  );
}

export function group(pieces, size) {
  // the pieces of each digit: lists
  const left = new Set(pieces);
  return pieces.flatMap((piece) => {
    if (!left.delete(piece)) return [];
    const found = new Set([piece]);
    for (const one of found) // it grows meanwhile
      for (const other of left)
        if (together(one, other, size)) {
          left.delete(other);
          found.add(other);
        }
    return [pieces.filter((other) => found.has(other))];
  });
}

export function join(pieces) {
  // one piece that holds them all
  const x = Math.min(...pieces.map((piece) => piece.x));
  const y = Math.min(...pieces.map((piece) => piece.y));
  const w = Math.max(...pieces.map((piece) => piece.x + piece.w)) - x;
  const h = Math.max(...pieces.map((piece) => piece.y + piece.h)) - y;
  const mask = bytes(h, w);
  for (const piece of pieces)
    for (let i = 0; i < piece.h; i++)
      for (let j = 0; j < piece.w; j++)
        mask.data[(piece.y - y + i) * w + piece.x - x + j] |=
          piece.mask.data[i * piece.w + j];
  return { x, y, w, h, mask };
}

export function recognise(pieces, model) {
  // each with its pixels and p
  if (!pieces.length) return [];
  const pixels = pieces.map(({ mask }) => toMnist(mask).data);
  const p = model(pixels);
  return pieces.map(({ x, y, w, h, mask }, k) => ({
    x,
    y,
    w,
    h,
    mask,
    pixels: pixels[k],
    p: p[k],
  }));
}

export function findDigits(ink, model) {
  // and their usual height
  const all = findPieces(ink);
  const size = usualHeight(all);
  const pieces = all.filter(
    ({ w, h }) => Math.max(w, h) > 0.2 * size && h < 2.2 * size,
  );
  const tall = group(pieces, size)
    .map(join)
    .filter(({ h }) => h > 0.5 * size);
  return { digits: recognise(tall, model), size };
}

// 3. The judge: what speaks for a digit, from -4 to 4

export function digitOf(p) {
  // the most probable one
  return argmax(Array.from(p).slice(0, 10));
}

export function evidence(p) {
  const digit = digitOf(p);
  const ratio = (p[digit] + 1e-9) / ((p[NONE] ?? 0) + 1e-9);
  return Math.min(Math.max(Math.log(ratio), -4), digit === 1 ? 2 : 4);
}

export function weight({ w, h }) {
  // of a piece: the square root of its area
  return Math.sqrt(w * h);
}

export function meanEvidence(pieces) {
  // larger ones count more
  const sum = total(pieces.map((piece) => weight(piece) * evidence(piece.p)));
  return sum / total(pieces.map(weight));
}

// 4. Digits that touch

// value: what each step from i to j is worth, value[i][j]; cost: of each
// step after the first. The best way from 0 to the end, a list of places.
export function bestPath(value, cost) {
  const [best, path] = [[0], [[0]]];
  for (let j = 1; j < value.length; j++) {
    const sums = best.map((sum, i) => sum + value[i][j] - (i > 0 ? cost : 0));
    const from = argmax(sums);
    best.push(sums[from]);
    path.push([...path[from], j]);
  }
  return path.at(-1);
}

export function part(piece, start, end) {
  // its columns, cut to their ink
  const columns = bytes(piece.h, end - start);
  for (let i = 0; i < piece.h; i++)
    for (let j = start; j < end; j++)
      columns.data[i * (end - start) + j - start] =
        piece.mask.data[i * piece.w + j];
  const { x, y, w, h } = boxOf(columns);
  const mask = bytes(h, w);
  for (let i = 0; i < h; i++)
    for (let j = 0; j < w; j++)
      mask.data[i * w + j] = columns.data[(y + i) * columns.w + x + j];
  return { x: piece.x + start + x, y: piece.y + y, w, h, mask };
}

// Where a wide piece may be cut: at columns with little ink, at both ends.
function placesToCut({ w, h, mask }, size) {
  const n = Math.min(Math.floor((10 * w) / Math.floor(size)), 40);
  const places = [0];
  for (let k = 1; k < n; k++) {
    const place = Math.floor(k * (w / n));
    let ink = 0;
    for (let y = 0; y < h; y++) ink += mask.data[y * w + place];
    if (ink < 0.4 * size) places.push(place);
  }
  return [...places, w];
}

// A wide piece is cut if that is worth more; each cut costs 3 x size. As long
// as no network was asked about a part, the most is hoped for it, which is an
// evidence of 4: so only parts are asked about that may be on the best path.
export function split(piece, size, model) {
  const { w, p } = piece;
  if (w < size) return [piece];
  const at = placesToCut(piece, size);
  const last = at.length - 1;
  const value = at.map((start) =>
    at.map((end) => {
      const wide = end - start;
      return wide > 0.1 * size && wide < 1.6 * size ? 4 * wide : -Infinity;
    }),
  );
  const cut = at.map(() => []);
  value[0][last] = Math.max(evidence(p), 0) * w;
  cut[0][last] = piece;
  for (;;) {
    const path = bestPath(value, 3 * size);
    const steps = path.slice(1).map((end, k) => [path[k], end]);
    const open = steps.filter(([i, j]) => !cut[i][j]);
    if (!open.length) return steps.map(([i, j]) => cut[i][j]);
    for (const [i, j] of open) {
      const one = part(piece, at[i], at[j]);
      value[i][j] = -Infinity;
      if (one.h <= 0.5 * size) continue;
      [cut[i][j]] = recognise([one], model);
      value[i][j] = evidence(cut[i][j].p) * (at[j] - at[i]);
    }
  }
}

export function cutDigits(ink, model) {
  // as findDigits, but these are cut
  const { digits, size } = findDigits(ink, model);
  return { digits: digits.flatMap((d) => split(d, size, model)), size };
}

// 5. Rows and words

export function overlap(a, b) {
  // in height, as a share of the shorter one
  const shared = Math.min(a.y + a.h, b.y + b.h) - Math.max(a.y, b.y);
  return shared / Math.min(a.h, b.h);
}

export function intoRows(boxes) {
  // rows, each from left to right
  const rows = [];
  for (const box of [...boxes].sort((a, b) => a.x - b.x)) {
    const shared = rows.map((row) => overlap(row.at(-1), box));
    const most = argmax(shared);
    if (shared[most] > 0.3) rows[most].push(box);
    else rows.push([box]);
  }
  const middle = (row) => total(row.map(({ y, h }) => y + h / 2)) / row.length;
  return rows.sort((a, b) => middle(a) - middle(b));
}

// A row, split where a gap is wider than half the usual height.
export function words(row, size) {
  const found = [row.slice(0, 1)];
  row.slice(1).forEach((digit, k) => {
    if (digit.x - row[k].x - row[k].w > 0.5 * size) found.push([]);
    found.at(-1).push(digit);
  });
  return found;
}

export function isNumber(word) {
  // does more speak for it than against?
  return meanEvidence(word) > (word.length > 1 ? 0 : -3);
}

// 6. Readings

// What a reading is worth: the rows that it kept, of the digits found.
export function valueOfRows(rows, digits) {
  const kept = rows.flat();
  if (!kept.length) return 0;
  const share = total(kept.map(weight)) / total(digits.map(weight));
  return (meanEvidence(kept) * share * kept.length) / (kept.length + 0.5);
}

export function readInk(ink, model) {
  // rows of digits, and their value
  const { digits, size } = cutDigits(ink, model);
  const rows = intoRows(digits)
    .map((row) => words(row, size).filter(isNumber).flat())
    .filter((row) => row.length);
  return { rows, value: valueOfRows(rows, digits) };
}

// One digit by lesson 5, and its value. Its box is that of its ink.
export function readSingle(grey, model) {
  const ink = inkOf(grey);
  const { x, y, w, h } = boxOf(ink);
  if (!w) return { rows: [], value: 0 };
  const zoom = PAGE / Math.max(ink.h, ink.w);
  const [left, right, upper, lower] = [x, x + w, y, y + h].map((n) =>
    Math.round(n * zoom),
  );
  const box = { x: left, y: upper, w: right - left, h: lower - upper };
  const rows = [recognise([{ ...box, mask: ink }], model)];
  return { rows, value: valueOfRows(rows, rows[0]) };
}

function turned({ h, w, data }, quarters) {
  // to the left
  if (!quarters) return { h, w, data };
  const ink = bytes(w, h);
  for (let y = 0; y < w; y++)
    for (let x = 0; x < h; x++) ink.data[y * h + x] = data[x * w + w - 1 - y];
  return turned(ink, quarters - 1);
}

// Each reading: what it assumes, its quarter turns, its rows and its value.
export function* readings(grey, model) {
  const [likely, other] = whichInk(lookAt(grey));
  const dark = flatten(likely);
  const ink = threshold(dropBorder(dark));
  yield { assumed: "as it is", turn: 0, ...readInk(ink, model) };
  const withoutLines = threshold(dropBorder(dark, true));
  yield { assumed: "without lines", turn: 0, ...readInk(withoutLines, model) };
  yield { assumed: "a single digit", turn: 0, ...readSingle(grey, model) };
  const { rows, value } = readInk(
    threshold(dropBorder(flatten(other))),
    model,
  );
  yield { assumed: "the other ink", turn: 0, rows, value: value - 0.7 };
  for (const turn of [1, 2, 3]) {
    const { rows, value } = readInk(turned(ink, turn), model);
    yield {
      assumed: `turned by ${90 * turn} degrees`,
      turn,
      rows,
      value: value - 0.7,
    };
  }
}

export function bestReading(grey, model) {
  // the one with the largest value
  let best = {
    assumed: "nothing is worth more than 0",
    turn: 0,
    rows: [],
    value: 0,
  };
  for (const reading of readings(grey, model)) {
    if (reading.value > best.value) best = reading;
    if (reading.assumed === "a single digit" && best.value > 3) break;
  }
  return best; // after a single digit that is sure, the rest is rare
}

// A frame of a moving picture, while the next one waits: its rows as it is,
// of the likelier ink, in a quarter of the pixels.
export function readFrame(grey, model) {
  const { rows, value } = readInk(findInk(grey, FRAME), model);
  return value > 0 ? rows : [];
}

export function spell(rows) {
  // a string for each row
  return rows.map((row) => row.map(({ p }) => digitOf(p)).join(""));
}
