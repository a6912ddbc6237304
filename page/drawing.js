// The drawing: strokes, each a list of points [x, y] in a field of 420 x 280.

import { image } from "./preparation.js";

export const W = 420;
export const H = 280;
export const PEN = 10; // the width of a line, in units of the field
const BEND = 6; // units before and after a point, where the line may bend
export const FINE = 2; // pixels that a unit of the field becomes when it is read

// From a towards b: half of the way, but no further than BEND.
function towards([ax, ay], [bx, by]) {
  const part = Math.min(0.5, BEND / (Math.hypot(bx - ax, by - ay) || 1));
  return [ax + part * (bx - ax), ay + part * (by - ay)];
}

// A stroke's points as the bends of a smooth line. At each point the line
// leaves its straight way, is pulled to the point, and comes back: [where it
// leaves, the point, where it is back].
export function bends(points) {
  return points.map((point, k) => [
    towards(point, points[k - 1] ?? point),
    point,
    towards(point, points[k + 1] ?? point),
  ]);
}

// The same line as many short straight ones: a list of points.
export function smooth(points) {
  return bends(points).flatMap(([[ax, ay], [bx, by], [cx, cy]]) => {
    const long = Math.hypot(bx - ax, by - ay) + Math.hypot(cx - bx, cy - by);
    const steps = Math.max(Math.ceil(long / 3), 1);
    return Array.from({ length: steps + 1 }, (_, k) => {
      const t = k / steps;
      const [a, b, c] = [(1 - t) ** 2, 2 * t * (1 - t), t ** 2];
      return [a * ax + b * bx + c * cx, a * ay + b * by + c * cy];
    });
  });
}

// Put a line from a to b, with round ends, into an image.
function addLine(ink, [ax, ay], [bx, by], radius) {
  const [dx, dy] = [bx - ax, by - ay];
  const square = dx * dx + dy * dy || 1;
  const reach = radius + 1;
  const top = Math.max(Math.floor(Math.min(ay, by) - reach), 0);
  const left = Math.max(Math.floor(Math.min(ax, bx) - reach), 0);
  const bottom = Math.min(Math.ceil(Math.max(ay, by) + reach), ink.h);
  const right = Math.min(Math.ceil(Math.max(ax, bx) + reach), ink.w);
  for (let y = top; y < bottom; y++)
    for (let x = left; x < right; x++) {
      const [px, py] = [x + 0.5 - ax, y + 0.5 - ay];
      const t = Math.min(Math.max((px * dx + py * dy) / square, 0), 1);
      const away = Math.hypot(px - t * dx, py - t * dy);
      const covered = Math.min(Math.max(radius + 0.5 - away, 0), 1);
      const k = y * ink.w + x;
      if (covered > ink.data[k]) ink.data[k] = covered;
    }
}

// Strokes -> how much of each pixel is covered by ink, from 0 to 1: an image
// of 840 x 560.
export function rasterize(strokes) {
  const ink = image(FINE * H, FINE * W);
  for (const stroke of strokes) {
    const line = smooth(stroke).map(([x, y]) => [FINE * x, FINE * y]);
    for (let k = 1; k < line.length; k++)
      addLine(ink, line[k - 1], line[k], (FINE * PEN) / 2);
  }
  return ink;
}

// A box in pixels of such an image -> the same box in units of the field.
export function inField({ x, y, w, h }) {
  return { x: x / FINE, y: y / FINE, w: w / FINE, h: h / FINE };
}

// How the digits of the first drawing are written, in a square of 100 x 100.
const GLYPHS = {
  1: [
    [
      [38, 28],
      [54, 14],
      [52, 50],
      [50, 88],
    ],
  ],
  8: [
    [
      [66, 24],
      [50, 10],
      [32, 26],
      [46, 44],
      [68, 64],
      [54, 90],
      [30, 74],
      [44, 50],
      [66, 32],
      [66, 22],
    ],
  ],
  9: [
    [
      [66, 26],
      [50, 10],
      [32, 28],
      [44, 50],
      [64, 40],
      [68, 24],
      [66, 56],
      [58, 90],
    ],
  ],
};

// A line with its corners cut off, again and again: it becomes a curve.
function curved(points, times = 3) {
  if (!times || points.length < 3) return points;
  const between = points.slice(1).flatMap(([bx, by], k) => {
    const [ax, ay] = points[k];
    return [
      [0.75 * ax + 0.25 * bx, 0.75 * ay + 0.25 * by],
      [0.25 * ax + 0.75 * bx, 0.25 * ay + 0.75 * by],
    ];
  });
  return curved(
    [points[0], ...between.slice(1, -1), points.at(-1)],
    times - 1,
  );
}

// The strokes of a number, side by side in the middle of the field.
export function written(number) {
  const side = Math.min(0.8 * H, (1.5 * W) / number.length);
  const step = Math.min((0.86 * W) / number.length, 0.6 * side);
  const left = (W - step * number.length) / 2 + (step - side) / 2;
  return [...number].flatMap((digit, k) =>
    GLYPHS[digit].map((stroke) =>
      curved(stroke).map(([x, y]) => [
        left + k * step + (side * x) / 100,
        (H - side) / 2 + (side * y) / 100,
      ]),
    ),
  );
}

// Whether something that was stored is a drawing.
export function isDrawing(value) {
  const isPoint = (point) =>
    Array.isArray(point) && point.length === 2 && point.every(Number.isFinite);
  return (
    Array.isArray(value) &&
    value.every((stroke) => Array.isArray(stroke) && stroke.length > 0) &&
    value.flat().every(isPoint)
  );
}

// What was, and what was taken back: states of any kind.
export function makeHistory(first) {
  let [now, past, future] = [first, [], []];
  const move = (from, to) => {
    if (!from.length) return now;
    to.push(now);
    now = from.pop();
    return now;
  };
  return {
    now: () => now,
    change: (next) => {
      past.push(now);
      future = [];
      now = next;
    },
    undo: () => move(past, future),
    redo: () => move(future, past),
    canUndo: () => past.length > 0,
    canRedo: () => future.length > 0,
    restart: (next) => {
      [now, past, future] = [next, [], []];
    },
  };
}
