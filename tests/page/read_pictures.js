// Reads pictures by the page's modules, for tests/test_page_reading.py. In
// the folder that it is given are network.json, {shape, weights}, sizes.json,
// a list of [h, w], and pictures.raw, all their bytes. It writes there
// ink.raw, all masks of ink, and readings.json: of each picture the best
// reading, what lesson 5's prepare makes of it, and all that the network is
// given where the picture is read as a single digit.

import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { bytesOf, predict, unpack } from "../../page/network.js";
import { prepare } from "../../page/preparation.js";
import {
  bestReading,
  findInk,
  readSingle,
  spell,
} from "../../page/reading.js";

const file = (name) => join(process.argv[2], name);
const { shape, weights } = JSON.parse(readFileSync(file("network.json")));
const layers = unpack(shape, bytesOf(weights));
const model = (images) => images.map((pixels) => predict(layers, pixels));
const all = new Uint8Array(readFileSync(file("pictures.raw")));
let at = 0;
const masks = [];
const found = JSON.parse(readFileSync(file("sizes.json"))).map(([h, w]) => {
  const grey = { h, w, data: all.subarray(at, at + h * w) };
  at += h * w;
  masks.push(findInk(grey).data);
  const start = performance.now();
  const { rows, ...reading } = bestReading(grey, model);
  const seconds = (performance.now() - start) / 1000;
  const digits = rows
    .flat()
    .map(({ x, y, w, h, p }) => ({ box: [x, y, w, h], p }));
  return {
    ...reading,
    digits,
    seconds,
    text: spell(rows),
    prepared: Array.from(prepare(grey).data),
    single: readSingle(grey, model)
      .rows.flat()
      .map(({ pixels }) => Array.from(pixels)),
  };
});
writeFileSync(file("ink.raw"), Buffer.concat(masks));
writeFileSync(file("readings.json"), JSON.stringify(found));
