// The page's camera, with a browser's camera that is told what to do: when
// its light goes out, and which answer is steady.

import assert from "node:assert/strict";
import test from "node:test";
import { makeCamera, makeSteady } from "../../page/camera.js";
import { withoutCamera } from "../../page/words.js";

function track() {
  const listeners = [];
  return {
    lit: true,
    stop() {
      this.lit = false;
    },
    addEventListener: (_, listener) => listeners.push(listener),
    unplug: () => {
      for (const listener of listeners) listener();
    },
  };
}

function streamOf(...tracks) {
  return { getTracks: () => tracks };
}

// Each request waits in `asked` until it is given a stream, or refused.
function setUp() {
  const asked = [];
  const getUserMedia = (wanted) =>
    new Promise((give, refuse) => asked.push({ wanted, give, refuse }));
  const video = { srcObject: null, play: async () => {} };
  const ends = [];
  const camera = makeCamera({ getUserMedia }, video, () => ends.push("ended"));
  return { asked, video, ends, camera };
}

test("it asks for pictures alone, and shows them until it is stopped", async () => {
  const { asked, video, ends, camera } = setUp();
  assert.equal(camera.isWished(), false);
  const started = camera.start();
  assert.equal(camera.isWished(), true);
  assert.equal(asked[0].wanted.audio, false);
  assert.equal(asked[0].wanted.video.facingMode, "environment");
  const tracks = [track(), track()];
  const stream = streamOf(...tracks);
  asked[0].give(stream);
  assert.equal(await started, true);
  assert.equal(video.srcObject, stream);
  camera.stop();
  assert.deepEqual(
    tracks.map(({ lit }) => lit),
    [false, false],
  );
  assert.equal(video.srcObject, null);
  assert.equal(camera.isWished(), false);
  assert.deepEqual(ends, []);
});

test("a stream that comes too late is put out at once", async () => {
  const { asked, video, camera } = setUp();
  const started = camera.start();
  camera.stop();
  const late = track();
  asked[0].give(streamOf(late));
  assert.equal(await started, false);
  assert.equal(late.lit, false);
  assert.equal(video.srcObject, null);
});

test("of two wishes, the later one is granted", async () => {
  const { asked, video, camera } = setUp();
  const [first, second] = [camera.start(), camera.start()];
  const [one, two] = [track(), track()];
  const stream = streamOf(two);
  asked[1].give(stream);
  asked[0].give(streamOf(one));
  assert.deepEqual(await Promise.all([first, second]), [false, true]);
  assert.deepEqual([one.lit, two.lit], [false, true]);
  assert.equal(video.srcObject, stream);
});

test("a refusal is passed on, but not to someone who went on", async () => {
  const { asked, camera } = setUp();
  const refused = camera.start();
  asked[0].refuse(new DOMException("", "NotAllowedError"));
  await assert.rejects(refused, { name: "NotAllowedError" });
  assert.equal(camera.isWished(), false);
  const late = camera.start();
  camera.stop();
  asked[1].refuse(new DOMException("", "NotAllowedError"));
  assert.equal(await late, false);
});

test("a camera whose picture can't be played is put out", async () => {
  const { asked, video, camera } = setUp();
  video.play = () => Promise.reject(new DOMException("", "NotSupportedError"));
  const started = camera.start();
  const lit = track();
  asked[0].give(streamOf(lit));
  await assert.rejects(started, { name: "NotSupportedError" });
  assert.equal(lit.lit, false);
  assert.equal(video.srcObject, null);
});

test("it is put out if it is stopped before its first picture", async () => {
  const { asked, video, camera } = setUp();
  let play;
  video.play = () =>
    new Promise((done) => {
      play = done;
    });
  const started = camera.start();
  const lit = track();
  asked[0].give(streamOf(lit));
  await null;
  await null;
  camera.stop();
  play();
  assert.equal(await started, false);
  assert.equal(lit.lit, false);
});

test("it says when it ends by itself, while it is wished for", async () => {
  const { asked, ends, camera } = setUp();
  const started = camera.start();
  const lit = track();
  asked[0].give(streamOf(lit));
  await started;
  lit.unplug();
  assert.deepEqual(ends, ["ended"]);
  camera.stop();
  lit.unplug();
  assert.deepEqual(ends, ["ended"]);
});

test("without a secure page there is nothing to ask", async () => {
  const camera = makeCamera(undefined, { srcObject: null }, () => {});
  await assert.rejects(camera.start(), { name: "TypeError" });
  assert.equal(camera.isWished(), false);
});

// The steady rule

function shown(...texts) {
  return texts.map(makeSteady());
}

test("an answer is shown when it was read twice in a row", () => {
  assert.deepEqual(shown("12", "12", "12"), ["", "12", "12"]);
  assert.deepEqual(shown("12", "13", "12", "13"), ["", "", "", ""]);
});

test("it stays for one reading that is another, not for two", () => {
  assert.deepEqual(shown("7", "7", "1", "7", "1"), ["", "7", "7", "7", "7"]);
  assert.deepEqual(shown("7", "7", "1", "2", "1"), ["", "7", "7", "", ""]);
  assert.deepEqual(shown("7", "7", "1", "1", "7"), ["", "7", "7", "1", "1"]);
});

test("nothing in view is an answer, too", () => {
  assert.deepEqual(shown("7", "7", "", "7"), ["", "7", "7", "7"]);
  assert.deepEqual(shown("7", "7", "", "", "7"), ["", "7", "7", "", ""]);
});

// What the page says

const WHERE = { secure: true, framed: false };

test("each fault has a sentence of its own, and says what works", () => {
  const said = [
    "NotAllowedError",
    "NotFoundError",
    "NotReadableError",
    "WhateverError",
  ].map((name) => withoutCamera(name, WHERE));
  said.push(withoutCamera("TypeError", { secure: false, framed: false }));
  said.push(withoutCamera("NotAllowedError", { secure: true, framed: true }));
  assert.equal(new Set(said).size, 6);
  for (const text of said) assert.match(text, /Photo/);
  const [refused, absent, busy, unknown, insecure, framed] = said;
  assert.match(refused, /browser's settings/);
  assert.match(absent, /can't find a camera/);
  assert.match(busy, /Another program/);
  assert.match(unknown, /don't know why/);
  assert.match(insecure, /https or localhost, or download/);
  assert.match(framed, /Open me on my own/);
});

test("other names of the same faults", () => {
  for (const [name, other] of [
    ["SecurityError", "NotAllowedError"],
    ["OverconstrainedError", "NotFoundError"],
    ["AbortError", "NotReadableError"],
  ])
    assert.equal(withoutCamera(name, WHERE), withoutCamera(other, WHERE));
});

test("in a frame that may use it, other faults keep their sentences", () => {
  const framed = { secure: true, framed: true };
  const name = "NotFoundError";
  assert.equal(withoutCamera(name, framed), withoutCamera(name, WHERE));
});
