// A photo, or a frame of a video: opened, made grey, and the part of it that
// is shown.

import { H, W } from "./drawing.js";
import { bytes } from "./preparation.js";

const SIDE = 1000; // pixels: the longer side, as lesson 10 has it

function canvasOf(w, h) {
  return Object.assign(document.createElement("canvas"), {
    width: w,
    height: h,
  });
}

function greyOf(context, w, h) {
  const { data } = context.getImageData(0, 0, w, h);
  const grey = bytes(h, w);
  for (let k = 0; k < grey.data.length; k++) {
    const [r, g, b] = [data[4 * k], data[4 * k + 1], data[4 * k + 2]];
    grey.data[k] = (19595 * r + 38470 * g + 7471 * b + 32768) >> 16;
  }
  return grey;
}

// A part of a picture or of a video, its longer side of so many pixels or
// less -> {picture: a canvas, grey: an image of bytes}.
function copy(source, part, side) {
  const zoom = Math.min(1, side / Math.max(part.w, part.h));
  const [w, h] = [part.w, part.h].map((n) =>
    Math.max(1, Math.round(n * zoom)),
  );
  const picture = canvasOf(w, h);
  const context = picture.getContext("2d", { willReadFrequently: true });
  context.imageSmoothingQuality = "high";
  context.fillStyle = "grey"; // under what is transparent
  context.fillRect(0, 0, w, h);
  context.drawImage(source, part.x, part.y, part.w, part.h, 0, 0, w, h);
  return { picture, grey: greyOf(context, w, h) };
}

// A file, in the same form. Rejected if it is no picture.
export async function openPhoto(blob) {
  const bitmap = await createImageBitmap(blob, {
    colorSpaceConversion: "none",
  });
  const { width: w, height: h } = bitmap;
  return copy(bitmap, { x: 0, y: 0, w, h }, SIDE);
}

// The present frame of a video, in the same form: as much of its middle as
// the field shows.
export function grab(video, side = SIDE) {
  const { videoWidth: width, videoHeight: height } = video;
  const zoom = Math.min(width / W, height / H);
  const [w, h] = [W * zoom, H * zoom];
  const part = { x: (width - w) / 2, y: (height - h) / 2, w, h };
  return copy(video, part, side);
}

// The same, turned by so many quarters against the clock.
function turn(picture, quarters) {
  const { width: w, height: h } = picture;
  const turned = quarters % 2 ? canvasOf(h, w) : canvasOf(w, h);
  const context = turned.getContext("2d");
  context.translate(turned.width / 2, turned.height / 2);
  context.rotate((-quarters * Math.PI) / 2);
  context.drawImage(picture, -w / 2, -h / 2);
  return turned;
}

// What of a photo is shown: all that was read and some paper around it, as
// large as the field allows. Boxes are in pixels of a longer side of SIDE.
export function frame({ picture, grey }, quarters, boxes) {
  const turned = turn(picture, quarters);
  const { width, height } = turned;
  const unit = Math.max(width, height) / SIDE; // of a box, in pixels
  let [x, y, right, bottom] = [0, 0, width, height];
  if (boxes.length) {
    const edge = unit * Math.max(...boxes.map(({ h }) => h), SIDE / 20);
    const most = (ends) => unit * Math.max(...ends);
    x = Math.max(unit * Math.min(...boxes.map((b) => b.x)) - edge, 0);
    y = Math.max(unit * Math.min(...boxes.map((b) => b.y)) - edge, 0);
    right = Math.min(most(boxes.map((b) => b.x + b.w)) + edge, width);
    bottom = Math.min(most(boxes.map((b) => b.y + b.h)) + edge, height);
  }
  const [w, h] = [right - x, bottom - y];
  const view = { x, y, w, h, zoom: Math.min(W / w, H / h), unit };
  return { picture, grey, turned, view };
}

// A box of such a photo in units of the field.
export function inView({ x, y, w, h, zoom, unit }, box) {
  return {
    ...box,
    x: (box.x * unit - x) * zoom + (W - w * zoom) / 2,
    y: (box.y * unit - y) * zoom + (H - h * zoom) / 2,
    w: box.w * unit * zoom,
    h: box.h * unit * zoom,
  };
}
