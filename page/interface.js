// Pointers, keys and buttons: what happens, and what follows from it.

import { makeCamera, makeSteady } from "./camera.js";
import { H, inField, isDrawing, makeHistory, W, written } from "./drawing.js";
import { MOST, sound } from "./learning.js";
import { NONE } from "./network.js";
import { frame, grab, inView, openPhoto } from "./photo.js";
import { FRAME } from "./reading.js";
import {
  barsOf,
  describe,
  element,
  makePicture,
  paintPhoto,
  paintStrokes,
  pixelButton,
  showBars,
  showBoxes,
  showEvidence,
  showFlow,
  showPixels,
} from "./show.js";
import { makeAsk } from "./thinking.js";
import {
  because,
  CAMERA,
  nameOf,
  ordinal,
  spelt,
  verdict,
  withoutCamera,
} from "./words.js";

const KEY = `digit-reader ${globalThis.location?.pathname}`; // for what it stores
const FIRST = "1998"; // writes itself: the year of MNIST
const DARES = [
  "the letter K",
  "a cat",
  "your signature",
  "a star",
  "the letter M",
  "a house",
  "a fish",
  "a question mark",
  "a smiling face",
  "the letter R",
];

const at = {}; // the parts of the page by their id
const drawings = makeHistory({ strokes: [] }); // or {strokes: [], photo}
const REST = 250; // ms without a stroke, before all is shown
const BREAK = 100; // ms between two frames of the camera
const TAP = 10; // units of the field: a pointer that moves further draws
let ask; // puts a question to the thinker
let count; // classes: eleven
let epoch = 0; // grows with all that makes older answers worthless
let active = false; // whether a pointer is down
let demo = 0; // the frame in which the first number goes on writing itself
let rows = []; // of what was read, its boxes in units of the field
let chosen = null; // the reading looked at; else a doubtful one, or the last
let asked = null; // why this class? {kind, pixels, data}
let taught = [];
let game = null; // {fooled, tried} while it is played
let camera; // the one that Camera starts
let live = false; // whether its moving picture is in the field
let steady; // what to show of a text that was read from it
let notice = ""; // to be said before all else of the present drawing

// --- Reading: at most one question at a time, always about the latest

let again = false; // whether what is drawn has changed meanwhile
let reading = null; // a promise, while a question is open

function read() {
  again = true;
  reading ??= readLatest().finally(() => {
    reading = null;
    if (again) read();
  });
  return reading;
}

async function readLatest() {
  while (again) {
    again = false;
    if (live) {
      await readCamera();
      continue;
    }
    const begun = epoch;
    const { strokes, photo } = drawings.now();
    if (!strokes.length && !photo) continue;
    const found = photo
      ? await ask("readPhoto", photo.grey)
      : { rows: await ask("read", strokes) };
    if (begun !== epoch) continue;
    if (photo) {
      Object.assign(photo, frame(photo, found.turn, found.rows.flat()));
      photo.turn = found.turn;
      paint();
    }
    const toField = photo
      ? (box) => inView(photo.view, box)
      : (box) => ({ ...box, ...inField(box) });
    rows = found.rows.map((row) => row.map(toField));
    if (active || demo) showAnswer(false);
    else show();
  }
}

// The present frame; after a break, the next one.
async function readCamera() {
  const begun = epoch;
  const { grey } = grab(at.video, FRAME);
  const found = await ask("readFrame", grey);
  if (begun === epoch) showFrame(found, W / grey.w);
  await new Promise((over) => setTimeout(over, BREAK));
  again = true;
}

// --- What is shown of it

function selected() {
  const shares = rows.flat().map(({ p, answer }) => p[answer]);
  const last = shares.length - 1;
  const least = shares.indexOf(Math.min(...shares));
  return Math.min(chosen ?? (shares[least] < 0.9 ? least : last), last);
}

function tell(text) {
  at.said.textContent = at.spoken.textContent = text;
}

function showAnswer(aloud) {
  const readings = rows.flat();
  const { photo } = drawings.now();
  const answer = spelt(rows);
  document.body.dataset.reading = answer;
  at.answer.textContent = answer.replaceAll("/", "\n");
  let text = live
    ? CAMERA[answer ? "found" : "empty"]
    : `${notice} ${verdict(readings)}`.trim();
  if (photo?.turn !== undefined) {
    if (!readings.length)
      text =
        "I can't find a number in this photo. I read best when the pen is " +
        "dark, the paper plain and the light even. Try another one.";
    else if (photo.turn) text += " I turned the photo the right way up first.";
  }
  if (drawings.now().demo) text += " That was an example: now write over it.";
  at.said.textContent = text;
  if (aloud)
    at.spoken.textContent = `${describe(readings, answer)} ${text}`.trim();
  const several = readings.length > 1 && !live;
  showBoxes(at.boxes, readings, several ? selected() : -1);
}

// zoom: from pixels of the frame to units of the field.
function showFrame(found, zoom) {
  const before = spelt(rows);
  const text = spelt(found);
  const answer = steady(text);
  if (answer === text)
    rows = found.map((row) =>
      row.map((reading) => ({
        ...reading,
        x: zoom * reading.x,
        y: zoom * reading.y,
        w: zoom * reading.w,
        h: zoom * reading.h,
      })),
    );
  else if (!answer) rows = [];
  showAnswer(answer !== before);
}

let flowing = 0; // the latest flow asked for
let flowed = ""; // the pixels of the one that is shown

async function showInside(reading) {
  const number = ++flowing;
  const seen = await ask("look", reading.pixels);
  if (active || number !== flowing) return; // another one will follow
  const key = reading.pixels.join();
  showFlow(at.flow, seen, reading, key !== flowed);
  flowed = key;
}

let resting = 0; // the timer of what is shown once the pen has rested

function show(aloud = true) {
  showAnswer(aloud);
  if (live) return; // the rest is shown of a picture that is kept
  clearTimeout(resting);
  if (!rows.length) showAll();
  else resting = setTimeout(showAll, REST);
}

function showAll() {
  const readings = rows.flat();
  const reading = readings[selected()];
  for (const part of ["detail", "inside", "wrong"]) at[part].hidden = !reading;
  at.share.disabled = !reading;
  at.chips.hidden = readings.length < 2;
  resting = 0;
  if (!reading) {
    flowing++;
    return;
  }
  at.chips.replaceChildren(
    ...readings.map(({ pixels, answer }, k) => {
      const name = nameOf(answer);
      const chip = pixelButton(
        pixels,
        answer === NONE ? "?" : answer,
        `The ${ordinal(k + 1)}: ${name}`,
      );
      chip.ariaPressed = String(k === selected());
      chip.addEventListener("click", () => choose(k));
      return chip;
    }),
  );
  showDetail(reading);
  showInside(reading);
}

function choose(k) {
  [chosen, asked] = [k, null];
  showAnswer(false);
  showAll();
  at.chips.children[k].focus();
}

function showDetail(reading) {
  const several = rows.flat().length > 1;
  const place = ordinal(selected() + 1);
  at.title.textContent =
    reading.answer === NONE
      ? `I don't think ${several ? `the ${place}` : "this"} is a digit`
      : `I read ${several ? `the ${place} digit` : "this"} as ` +
        nameOf(reading.answer);
  at.wrong.firstElementChild.textContent = several
    ? `Did I get one wrong? Tap it above, then tell me what the ${place} is:`
    : "Did I get it wrong? Tell me what it is, and I'll remember it:";
  at.seen.ariaLabel = "What the network sees: 28 × 28 pixels";
  showPixels(at.seen, reading.pixels);
  const all = at.all.ariaExpanded === "true";
  at.all.textContent = all
    ? "Show only the top three"
    : `Show all ${reading.p.length} answers`;
  at.hint.textContent = "Tap an answer to see why I chose it or rejected it.";
  if (asked?.pixels !== String(reading.pixels)) asked = null; // another digit
  const kinds = barsOf(reading.p, all);
  showBars(at.bars, reading, kinds, asked?.kind, explain);
  if (asked?.data) showWhy(reading);
  else at.why.replaceChildren();
  for (const button of at.wrong.querySelectorAll("button"))
    button.disabled = Number(button.value) === reading.answer;
}

function showWhy({ pixels, answer }) {
  const { kind, data } = asked;
  const [title, ...rest] = because(pixels, data, kind, answer);
  showEvidence(at.seen, data);
  at.why.replaceChildren(
    element("p", title),
    element("p", rest.slice(0, -1).join(" ")),
    element("small", rest.at(-1)),
  );
}

async function explain(kind) {
  const { pixels } = rows.flat()[selected()];
  const question = { kind, pixels: String(pixels) };
  asked = question;
  const { data } = await ask("evidence", pixels, kind);
  if (asked !== question) return; // the next one is asked already
  question.data = data;
  showDetail(rows.flat()[selected()]);
  at.bars.querySelector("[aria-pressed=true]")?.focus();
}

// --- The field

let context; // of the field, to paint on
let colour; // of ink, in the present theme

function paint() {
  const { strokes, photo } = drawings.now();
  const zoom = at.drawing.width / W;
  context.setTransform(zoom, 0, 0, zoom, 0, 0);
  context.clearRect(0, 0, W, H);
  if (photo) paintPhoto(context, photo);
  else paintStrokes(context, strokes, colour);
}

let framed = false; // whether the next frame will be painted

function paintSoon() {
  if (!framed)
    requestAnimationFrame(() => {
      framed = false;
      paint();
    });
  framed = true;
}

function fit() {
  colour = getComputedStyle(at.drawing).color;
  const wide = at.drawing.clientWidth * devicePixelRatio;
  at.drawing.width = Math.round(wide);
  at.drawing.height = Math.round((wide * H) / W);
  paint();
}

// After another drawing has become the present one. why: to be said first.
function renew(why = "") {
  endCamera();
  notice = why;
  epoch++;
  [rows, chosen, asked] = [[], null, null];
  const { strokes, photo } = drawings.now();
  at.undo.disabled = !drawings.canUndo();
  at.redo.disabled = !drawings.canRedo();
  paintSoon();
  if (!active) keepDrawing();
  if (strokes.length || photo) read();
  else show();
}

// For a reload: the strokes, unless they wrote themselves.
function keepDrawing() {
  const { strokes, demo } = drawings.now();
  keep("sessionStorage", "drawing", demo ? [] : strokes);
}

function change(next) {
  endDemo();
  at.thanks.textContent = "";
  drawings.change(next);
  renew();
}

function goBack(move) {
  endDemo();
  active = false;
  at.pen.className = "";
  if (!live) move(); // else the camera is what is taken back
  renew();
}

// --- The first number, which writes itself until somebody touches the field

function startDemo() {
  const whole = written(FIRST);
  const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
  const began = performance.now();
  const go = (now) => {
    let left = calm ? Infinity : Math.round((now - began) / 9);
    const strokes = whole
      .map((stroke) => {
        const part = stroke.slice(0, Math.max(left, 0));
        left -= stroke.length + 20; // the pen goes to the next one
        return part;
      })
      .filter((stroke) => stroke.length);
    drawings.restart({ strokes, demo: true });
    demo = left >= 0 ? 0 : requestAnimationFrame(go);
    paint();
    read();
  };
  demo = requestAnimationFrame(go);
}

function endDemo() {
  cancelAnimationFrame(demo);
  demo = 0;
  if (!drawings.now().demo) return;
  drawings.restart({ strokes: [] });
  renew();
}

// --- What is kept on this device

function storage(name) {
  try {
    return globalThis[name]; // a frame may have none
  } catch {
    return null;
  }
}

function keep(name, what, list) {
  try {
    const key = `${KEY} ${what}`;
    if (list.length) storage(name).setItem(key, JSON.stringify(list));
    else storage(name).removeItem(key);
  } catch {} // none, or full
}

function kept(name, what) {
  try {
    return JSON.parse(storage(name).getItem(`${KEY} ${what}`));
  } catch {
    return null;
  }
}

// --- The camera: its moving picture lies over the drawing, which stays

async function startCamera() {
  endDemo();
  endGame();
  tell(CAMERA.waiting);
  try {
    if (await camera.start()) goLive();
  } catch ({ name }) {
    const allowed = document.featurePolicy?.allowsFeature("camera");
    const secure = Boolean(navigator.mediaDevices);
    const framed = window !== window.top && !allowed;
    tell(withoutCamera(name, { secure, framed }));
  }
}

function goLive() {
  steady = makeSteady();
  epoch++;
  [rows, chosen, asked] = [[], null, null];
  showAll();
  const waits = document.activeElement === at.camera;
  showLive(true);
  if (waits) at.keep.focus();
  at.drawing.scrollIntoView({ block: "nearest" });
  showAnswer(true);
  read();
}

// Also when it is only asked for: what it sends later would come too late.
function endCamera() {
  camera.stop();
  pressed = null;
  if (!live) return;
  const waits = at.live.contains(document.activeElement);
  showLive(false);
  if (waits) at.camera.focus();
}

function showLive(on) {
  live = on;
  at.tools.hidden = on;
  for (const part of [at.video, at.live, at["live-keys"]]) part.hidden = !on;
  at.drawing.parentElement.className = on ? "live" : "";
  at.drawing.ariaLabel = on ? "Picture of the camera" : "Drawing field";
  at.drawing.setAttribute("aria-describedby", on ? "live-keys" : "keys");
}

function keepPicture() {
  showPhoto(grab(at.video));
}

function onLeave() {
  if (camera.isWished()) renew(CAMERA.hidden);
}

// --- Pointers

let place = { x: 0, y: 0, zoom: 1 }; // of the field, while it is drawn on
let pressed = null; // where a pointer went down on the camera's picture

function pointsOf(event) {
  const between = event.getCoalescedEvents?.() ?? [];
  return (between.length ? between : [event]).map(({ clientX, clientY }) => [
    (clientX - place.x) * place.zoom,
    (clientY - place.y) * place.zoom,
  ]);
}

function putDown(point) {
  const { strokes, photo } = drawings.now();
  change({ strokes: photo ? [[point]] : [...strokes, [point]] });
}

function onDown(event) {
  if (!event.isPrimary || event.button !== 0) return;
  at.drawing.setPointerCapture(event.pointerId);
  const { x, y } = at.drawing.getBoundingClientRect();
  const { clientLeft: border, clientWidth: wide } = at.drawing;
  place = { x: x + border, y: y + border, zoom: W / wide };
  const [point] = pointsOf(event);
  if (live) pressed = point;
  else beginStroke(point);
}

function beginStroke(point) {
  clearTimeout(resting);
  at.pen.className = "";
  endDemo();
  active = true;
  putDown(point);
}

function isFar([ax, ay], [bx, by]) {
  return Math.hypot(bx - ax, by - ay) > TAP;
}

function onMove(event) {
  if (!event.isPrimary) return;
  if (pressed && isFar(pressed, pointsOf(event).at(-1))) beginStroke(pressed);
  if (!active) return;
  drawings
    .now()
    .strokes.at(-1)
    .push(...pointsOf(event));
  paintSoon();
  read();
}

function onUp(event) {
  if (!event.isPrimary) return;
  if (pressed && event.type === "pointerup") keepPicture();
  pressed = null;
  if (!active) return;
  active = false;
  chosen = null;
  keepDrawing();
  read();
}

// --- Keys

const ARROWS = {
  ArrowLeft: [-10, 0],
  ArrowRight: [10, 0],
  ArrowUp: [0, -10],
  ArrowDown: [0, 10],
};
const pen = { x: W / 2, y: H / 4 };

function movePen([dx, dy]) {
  pen.x = Math.max(10, Math.min(pen.x + dx, W - 10));
  pen.y = Math.max(10, Math.min(pen.y + dy, H - 10));
  at.pen.style.left = `${(100 * pen.x) / W}%`;
  at.pen.style.top = `${(100 * pen.y) / H}%`;
  if (!at.pen.className) return;
  drawings.now().strokes.at(-1).push([pen.x, pen.y]);
  paintSoon();
  read();
}

function onFieldKey(event) {
  if (live) {
    if (event.key !== " " && event.key !== "Enter") return;
    keepPicture();
  } else if (event.key in ARROWS) movePen(ARROWS[event.key]);
  else if (event.key !== " " || event.repeat) return;
  else if (at.pen.className) {
    [active, at.pen.className] = [false, ""];
    keepDrawing();
    read();
  } else {
    endDemo();
    [active, at.pen.className] = [true, "down"];
    putDown([pen.x, pen.y]);
  }
  event.preventDefault();
}

function onKey(event) {
  if (!event.ctrlKey && !event.metaKey) return;
  const key = event.key.toLowerCase();
  if (key === "y" || (key === "z" && event.shiftKey)) goBack(drawings.redo);
  else if (key === "z") goBack(drawings.undo);
  else return;
  event.preventDefault();
}

// --- A photo: chosen, taken, pasted or dropped

async function readPhoto(files) {
  if (!files.length) return;
  try {
    showPhoto(await openPhoto(files[0]));
  } catch {
    clear();
    tell("I can't open this as a photo. Try a JPEG or a PNG.");
  }
}

function showPhoto(photo) {
  change({ strokes: [], photo: { ...photo, ...frame(photo, 0, []) } });
  tell("I'm reading the photo.");
}

// --- Corrections

async function relearn() {
  keep("localStorage", "taught", taught);
  await ask("learn", taught);
  at.taught.hidden = !taught.length;
  at.taught.querySelector("summary").textContent =
    `What you taught me (${taught.length})`;
  at.lessons.replaceChildren(
    ...taught.map(([kind, ...pixels], k) => {
      const label = `Forget that this is ${nameOf(kind)}`;
      const shares = pixels.map((value) => value / 255);
      const name = kind === NONE ? "no digit" : kind;
      const button = pixelButton(shares, `${name} ×`, label);
      button.addEventListener("click", () => forget([k]));
      const item = element("li");
      item.append(button);
      return item;
    }),
  );
}

function forget(which) {
  taught = taught.filter((_, k) => !which.includes(k));
  at.thanks.textContent = taught.length
    ? "I've forgotten it."
    : "I've forgotten all that you taught me.";
  readAgain();
}

async function readAgain() {
  await relearn();
  epoch++;
  await read();
}

async function teach(kind) {
  const k = selected();
  const { pixels, p } = rows.flat()[k];
  const one = [kind, ...Array.from(pixels, (v) => Math.round(255 * v))];
  taught = [...taught, one].slice(-MOST);
  await readAgain();
  const after = rows.flat()[k]?.p[kind];
  const percent = (share) => `${Math.round(100 * share)}%`;
  if (after !== undefined)
    at.thanks.textContent =
      `Thank you. Before you told me, I'd have put the chance of ` +
      `${nameOf(kind)} at ${percent(p[kind])}. Now I put it at ` +
      `${percent(after)}, but that proves little, because you've just shown ` +
      "me the answer. Write another like it to see whether I've really " +
      "learned.";
}

// --- A game: draw what is no digit

function showGame(text) {
  at.dare.hidden = !game;
  at.dare.textContent = text;
  at.play.textContent = game ? "Done" : "Try to fool me";
}

function dare() {
  return DARES[game.tried % DARES.length];
}

async function play() {
  if (!game) {
    game = { fooled: 0, tried: 0 };
    clear();
    showGame(`Draw ${dare()}. If I think it's a digit, you score a point.`);
    at.drawing.scrollIntoView({ block: "nearest" });
    return;
  }
  if (!drawings.now().strokes.length) return;
  await read();
  const answer = spelt(rows);
  const fooled = /\d/.test(answer);
  game.tried += 1;
  game.fooled += Number(fooled);
  const name =
    answer.length > 1 ? answer.replaceAll("/", " and ") : nameOf(+answer);
  const what = fooled
    ? `You fooled me! I took it for ${name}.`
    : "You didn't fool me: I don't think that's a digit.";
  clear();
  showGame(
    `${what} Score: ${game.fooled} out of ${game.tried}. Now draw ${dare()}.`,
  );
}

function endGame() {
  game = null;
  showGame("");
}

// --- Passing it on

async function share() {
  const answer = spelt(rows);
  const picture = makePicture(at.drawing, rows.flat(), answer);
  const blob = await new Promise((made) => picture.toBlob(made, "image/png"));
  const file = new File([blob], "digits.png", { type: "image/png" });
  const given = { files: [file], title: `Digit reader: ${answer}` };
  if (navigator.canShare?.(given))
    await navigator.share(given).catch(() => {}); // closed without a choice
  else {
    const link = element("a");
    link.href = URL.createObjectURL(blob);
    link.download = file.name;
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
    tell("I've saved the picture in your downloads as digits.png.");
  }
}

// --- From the beginning

function clear() {
  [active, at.pen.className] = [false, ""];
  endDemo();
  const { strokes, photo } = drawings.now();
  if (strokes.length || photo) change({ strokes: [] });
  else renew();
}

function listenToAll() {
  const { drawing } = at;
  drawing.addEventListener("pointerdown", onDown);
  drawing.addEventListener("pointermove", onMove);
  drawing.addEventListener("pointerup", onUp);
  drawing.addEventListener("pointercancel", onUp);
  drawing.addEventListener("keydown", onFieldKey);
  document.addEventListener("keydown", onKey);
  at.undo.addEventListener("click", () => goBack(drawings.undo));
  at.redo.addEventListener("click", () => goBack(drawings.redo));
  at.clear.addEventListener("click", () => {
    clear();
    endGame();
  });
  at.photo.addEventListener("click", () => at.file.click());
  at.file.addEventListener("change", () => {
    readPhoto([...at.file.files]);
    at.file.value = "";
  });
  document.addEventListener("paste", ({ clipboardData }) =>
    readPhoto([...clipboardData.files]),
  );
  document.addEventListener("dragover", (event) => event.preventDefault());
  document.addEventListener("drop", (event) => {
    event.preventDefault();
    readPhoto([...event.dataTransfer.files]);
  });
  at.camera.addEventListener("click", startCamera);
  at.keep.addEventListener("click", keepPicture);
  at.stop.addEventListener("click", () => renew());
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) onLeave();
  });
  addEventListener("pagehide", onLeave);
  at.share.addEventListener("click", share);
  at.play.addEventListener("click", play);
  at.all.addEventListener("click", () => {
    at.all.ariaExpanded = String(at.all.ariaExpanded !== "true");
    showDetail(rows.flat()[selected()]);
  });
  at.forget.addEventListener("click", () => forget([...taught.keys()]));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    fit();
    show(false);
  });
  new ResizeObserver(fit).observe(drawing);
}

export function start() {
  for (const part of document.querySelectorAll("[id]")) at[part.id] = part;
  const network = JSON.parse(at.network.textContent);
  count = network.shape.at(-1)[2];
  const source = document.querySelector("script:not([type])").textContent;
  ask = makeAsk(network, source);
  camera = makeCamera(navigator.mediaDevices, at.video, () =>
    renew(CAMERA.ended),
  );
  for (let kind = 0; kind < count; kind++) {
    const button = element("button", kind === NONE ? "no digit" : kind);
    button.type = "button";
    button.value = kind;
    button.addEventListener("click", () => teach(kind));
    at.wrong.append(button);
  }
  at.frame.hidden = Boolean(storage("localStorage"));
  context = at.drawing.getContext("2d");
  listenToAll();
  fit();
  movePen([0, 0]);
  const before = kept("sessionStorage", "drawing");
  const found = isDrawing(before) && before.length;
  if (found) drawings.restart({ strokes: before });
  renew();
  if (!found) startDemo();
  taught = sound(kept("localStorage", "taught"), count);
  if (taught.length) readAgain();
}
