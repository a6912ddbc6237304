// How things look: from what is known to what stands in the page.

import { bends, H, PEN, W } from "./drawing.js";
import { NONE } from "./network.js";
import { nameOf, ranked } from "./words.js";

const AIR = 2; // units of the field between a digit and its box

export function element(name, text = "", kind = "") {
  const made = document.createElement(name);
  made.textContent = text;
  if (kind) made.className = kind;
  return made;
}

// --- The field

export function paintStrokes(context, strokes, colour) {
  context.strokeStyle = colour;
  context.lineWidth = PEN;
  context.lineCap = context.lineJoin = "round";
  for (const stroke of strokes) {
    context.beginPath();
    context.moveTo(...stroke[0]);
    for (const [leaves, pull, [x, y]] of bends(stroke)) {
      context.lineTo(...leaves);
      context.quadraticCurveTo(...pull, x + 0.01, y); // a point, too, is seen
    }
    context.stroke();
  }
}

// A canvas, and which part of it is seen (see photo.js).
export function paintPhoto(context, { turned, view }) {
  const [w, h] = [view.w * view.zoom, view.h * view.zoom];
  context.imageSmoothingQuality = "high";
  context.drawImage(
    turned,
    view.x,
    view.y,
    view.w,
    view.h,
    (W - w) / 2,
    (H - h) / 2,
    w,
    h,
  );
}

export function showBoxes(place, readings, chosen) {
  place.replaceChildren(
    ...readings.map(({ x, y, w, h, answer }, k) => {
      const box = element("b", "", k === chosen ? "chosen" : "");
      box.append(element("span", answer === NONE ? "?" : answer));
      box.style.left = `${(100 * (x - AIR)) / W}%`;
      box.style.top = `${(100 * (y - AIR)) / H}%`;
      box.style.width = `${(100 * (w + 2 * AIR)) / W}%`;
      box.style.height = `${(100 * (h + 2 * AIR)) / H}%`;
      return box;
    }),
  );
}

// --- One digit

// 784 pixels into a canvas of any size, in the colour of its text.
export function showPixels(canvas, pixels) {
  const context = canvas.getContext("2d");
  const step = canvas.width / 28;
  context.clearRect(0, 0, canvas.width, canvas.height);
  context.fillStyle = getComputedStyle(canvas).color;
  pixels.forEach((value, k) => {
    context.globalAlpha = Math.min(value, 1);
    context.fillRect(step * (k % 28), step * Math.floor(k / 28), step, step);
  });
  context.globalAlpha = 1;
}

// Over them, 14 x 14 marks: a square for, a cross against.
export function showEvidence(canvas, data) {
  const style = getComputedStyle(canvas);
  const most = data.reduce((a, b) => Math.max(a, Math.abs(b)), 1e-9);
  const context = canvas.getContext("2d");
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
}

// The bars of some classes; a click on one calls tell(class).
export function showBars(list, { p, answer }, kinds, asked, tell) {
  list.replaceChildren(
    ...kinds.map((kind) => {
      const bar = element("button");
      bar.type = "button";
      const share = `${(100 * p[kind]).toFixed(1)}%`;
      bar.style.setProperty("--share", share);
      bar.append(
        element("b", kind === NONE ? "no digit" : kind),
        element("i"),
        element("span", share),
      );
      bar.className = kind === answer ? "best" : "";
      bar.ariaLabel = `${kind === NONE ? "no digit" : kind}: ${share}`;
      bar.ariaPressed = String(kind === asked);
      bar.addEventListener("click", () => tell(kind));
      const row = element("li");
      row.append(bar);
      return row;
    }),
  );
}

// A button with a digit's pixels and what it is read as.
export function pixelButton(pixels, text, label) {
  const button = element("button");
  const canvas = element("canvas", "", "small");
  canvas.width = canvas.height = 28;
  button.type = "button";
  button.ariaLabel = label;
  button.append(canvas, element("span", text));
  requestAnimationFrame(() => showPixels(canvas, pixels)); // once it is there
  return button;
}

// --- The network as a flow

function mapsOf({ h, w, c, data }) {
  const columns = h > 1 ? 8 : 32;
  const canvas = element("canvas");
  canvas.width = columns * (w + 1) - 1;
  canvas.height = Math.ceil(c / columns) * (h + 1) - 1;
  canvas.ariaHidden = "true";
  requestAnimationFrame(() => {
    const context = canvas.getContext("2d");
    const most = data.reduce((a, b) => Math.max(a, b), 1e-9);
    context.fillStyle = getComputedStyle(canvas).color;
    data.forEach((value, k) => {
      const [map, place] = [k % c, Math.floor(k / c)];
      context.globalAlpha = value / most;
      context.fillRect(
        (map % columns) * (w + 1) + (place % w),
        Math.floor(map / columns) * (h + 1) + Math.floor(place / w),
        1,
        1,
      );
    });
  });
  return canvas;
}

function inWords({ h, c }, k, seen) {
  if (h === 1) return `${c} neurons: each looks at all ${seen[k - 1].c} maps`;
  return k
    ? `${c} maps: each shows where certain patterns occur together`
    : `${c} maps: each shows where I found one small pattern of ink`;
}

function outputsOf({ p, answer }) {
  const outputs = element("div");
  outputs.id = "outputs";
  p.forEach((share, kind) => {
    const output = element("b", kind === NONE ? "?" : kind);
    output.style.setProperty("--share", `${Math.round(100 * share)}%`);
    if (kind === answer) output.className = "best";
    outputs.append(output);
  });
  return outputs;
}

// Pixels, then what each layer makes of them, then the answers. It lights up
// stage by stage when `move` is true.
export function showFlow(list, seen, reading, move) {
  const pixels = element("canvas");
  pixels.width = pixels.height = 28;
  pixels.ariaHidden = "true";
  requestAnimationFrame(() => showPixels(pixels, reading.pixels));
  const count = reading.p.length;
  const stages = [
    ["Your digit in 28 × 28 pixels", pixels],
    ...seen
      .slice(0, -1)
      .map((maps, k) => [inWords(maps, k, seen), mapsOf(maps)]),
    [
      `${count} answers${count > NONE ? ", ? for no digit" : ""}`,
      outputsOf(reading),
    ],
  ];
  list.replaceChildren(
    ...stages.map(([text, what], k) => {
      const stage = element("li");
      stage.style.setProperty("--stage", k);
      stage.append(element("small", text), what);
      return stage;
    }),
  );
  list.className = move ? "running" : "";
}

// The three most probable classes, or all in their order.
export function barsOf(p, all) {
  return all ? p.map((_, kind) => kind) : ranked(p).slice(0, 3);
}

// --- A picture of it all, to be passed on

export function makePicture(source, readings, answer) {
  const canvas = element("canvas");
  [canvas.width, canvas.height] = [1200, 630];
  const context = canvas.getContext("2d");
  const style = getComputedStyle(source);
  const [paper, text, bar] = ["--paper", "--ink", "--bar"].map((name) =>
    style.getPropertyValue(name),
  );
  context.fillStyle = paper;
  context.fillRect(0, 0, 1200, 630);
  context.drawImage(source, 30, 75, 720, 480);
  context.strokeStyle = bar;
  context.lineWidth = 3;
  context.strokeRect(30, 75, 720, 480);
  for (const { x, y, w, h } of readings)
    context.strokeRect(
      30 + (720 * x) / W,
      75 + (480 * y) / H,
      (720 * w) / W,
      (480 * h) / H,
    );
  context.fillStyle = text;
  context.font = "32px system-ui, sans-serif";
  context.fillText("A neural network reads", 790, 220);
  const lines = answer.split("/");
  const longest = Math.max(...lines.map((line) => line.length));
  const size = Math.min(150, 600 / Math.max(longest, 1), 240 / lines.length);
  context.font = `bold ${size}px system-ui, sans-serif`;
  lines.forEach((line, k) => {
    context.fillText(line, 790, 250 + size * (k + 1));
  });
  return canvas;
}

export function describe(readings, answer) {
  if (!readings.length) return "";
  if (readings.length === 1) return `I see ${nameOf(readings[0].answer)}.`;
  return answer === "?" ? "I see no digit." : `I read ${answer}.`;
}
