// A photo: opened, made grey, and the part of it that is shown.

import { H, W } from "./drawing.js";
import { image } from "./preparation.js";

const SIDE = 1000; // pixels: the longer side, as lesson 10 has it

function canvasOf(w, h) {
  return Object.assign(document.createElement("canvas"), {
    width: w,
    height: h,
  });
}

// A file -> {picture: a canvas, grey: an image from 0 to 255}. Rejected if it
// is no picture.
export async function openPhoto(blob) {
  const bitmap = await createImageBitmap(blob, {
    colorSpaceConversion: "none",
  });
  const zoom = Math.min(1, SIDE / Math.max(bitmap.width, bitmap.height));
  const [w, h] = [bitmap.width, bitmap.height].map((n) =>
    Math.max(1, Math.round(n * zoom)),
  );
  const picture = canvasOf(w, h);
  const context = picture.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.fillStyle = "grey"; // under what is transparent
  context.fillRect(0, 0, w, h);
  context.drawImage(bitmap, 0, 0, w, h);
  const { data } = context.getImageData(0, 0, w, h);
  const grey = image(h, w, (y, x) => {
    const k = 4 * (y * w + x);
    const [r, g, b] = [data[k], data[k + 1], data[k + 2]];
    return (19595 * r + 38470 * g + 7471 * b + 32768) >> 16;
  });
  return { picture, grey };
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
