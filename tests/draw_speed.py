"""How fast the page of lesson 9 follows a pen: `make speed`.

Not a test of `make test`: its figures depend on how busy the machine is. It
draws numbers of three digits on the built page, in Chromium, by mouse and by
finger: 61 points a stroke in 0.35 s, sent without waiting for the page. The
page's main thread is slowed down to a quarter (its worker isn't: DevTools
slows down the main thread alone). It ends with an error if

- a number is not read right,
- a point that the browser delivered is missing in its stroke (a browser may
  deliver fewer than it was sent: it drops a finger's first small moves),
- while a pointer is down, script takes 16 ms or more of a frame: the longest
  frame and the 95th percentile of those with any script are checked,
- a fresh digit's reading takes more than 100 ms after its last pointer event,
  in the median of the first digits of all numbers.

Script is what Chromium's own trace says of the main thread: listeners, frame
callbacks, messages from the worker, and also the microtasks after them, where
most of an answer is shown, and which wrapped functions would miss. Collecting
garbage counts; style, layout and paint do not. It is the thread's own time on
the processor, so that other programs count for little. A frame's script is
all from one "Commit", which ends a frame's work, to the next. The reading is
there with the last change of what the page says it has read, after the
pointer's last event came: changes by older drawings are not the last.
"""

import asyncio
import json
import sys

import numpy as np
from conftest import launch
from playwright.async_api import async_playwright
from test_page import DIGITS, FIRST, PAGE

MOUSE = "274", "350", "896", "617"
TOUCH = "482", "953", "706", "135"
POINTS, SECONDS, PAUSE = 61, 0.35, 0.2  # of a stroke; between strokes
SLOWER, LONGEST, LATEST = 4, 16, 100  # times; ms; ms
SCRIPT = {
    "EventDispatch", "EvaluateScript", "FireAnimationFrame", "FunctionCall",
    "HandlePostMessage", "MajorGC", "MinorGC", "RunMicrotasks", "TimerFire",
}  # fmt: skip
COMMIT = "Commit", "X"  # a frame's last work of the main thread
CATEGORIES = ["devtools.timeline", "devtools.timeline.frame", "v8"]
CATEGORIES += ["disabled-by-default-devtools.timeline", "v8.execute"]
WATCH = """
globalThis.watched = { delivered: [], up: 0, changed: 0 };
const add = (event) => watched.delivered.push(
  watched.delivered.pop() + (event.getCoalescedEvents().length || 1));
addEventListener("pointerdown", ({ target }) => {
  if (target.id === "drawing") watched.delivered.push(1);
}, true);
addEventListener("pointermove", (event) => {
  if (event.buttons) add(event);
}, true);
addEventListener("pointerup", ({ timeStamp }) => {
  watched.up = timeStamp;
}, true);
addEventListener("DOMContentLoaded", () => {
  new MutationObserver(() => {
    watched.changed = performance.now();
  }).observe(document.body, { attributeFilter: ["data-reading"] });
});
"""


def even(stroke):
    """So many points on the way of a stroke, at the same distances."""
    stroke = np.array(stroke, float)
    way = np.hypot(*np.diff(stroke, axis=0).T).cumsum()
    way, at = np.r_[0, way], np.linspace(0, way[-1], POINTS)
    return np.transpose([np.interp(at, way, axis) for axis in stroke.T])


def strokes_of(number, field, size):
    """Strokes of each digit in pixels of the page, side by side."""
    side, step = size * field["height"], 0.3 * field["width"]
    corner = [
        field["x"] + (field["width"] - side) / 2 - step,
        field["y"] + (field["height"] - side) / 2,
    ]
    return [
        [
            even(stroke) * side / 100 + corner + [k * step, 0]
            for stroke in DIGITS[int(digit)]
        ]
        for k, digit in enumerate(number)
    ]


async def draw(session, stroke, touches):
    """Send all of a stroke in time, however long the page takes."""

    def send(kind, x, y):
        if touches:
            kind = "touch" + {"Down": "Start", "Up": "End"}.get(kind, kind)
            points = [] if kind == "touchEnd" else [{"x": x, "y": y}]
            event = {"type": kind, "touchPoints": points}
            return session.send("Input.dispatchTouchEvent", event)
        kind = "mouse" + {"Down": "Pressed", "Up": "Released"}.get(
            kind, "Moved"
        )
        event = {"type": kind, "x": x, "y": y, "button": "left"}
        event |= {"buttons": int(kind != "mouseReleased"), "clickCount": 1}
        return session.send("Input.dispatchMouseEvent", event)

    loop, sent = asyncio.get_running_loop(), []
    begin = loop.time()
    for k, (x, y) in enumerate(stroke):
        await asyncio.sleep(begin + k * SECONDS / POINTS - loop.time())
        point = float(x), float(y)
        sent.append(
            asyncio.ensure_future(send("Move" if k else "Down", *point))
        )
    sent.append(asyncio.ensure_future(send("Up", *point)))
    await asyncio.gather(*sent)


async def write(page, session, number, size, touches):
    """Draw a number; return delay, strokes' points and those delivered."""
    await page.locator("#clear").click()
    await page.evaluate("() => { watched.delivered = []; }")
    await asyncio.sleep(0.3)
    field = await page.locator("#drawing").bounding_box()
    delay = None
    for digit in strokes_of(number, field, size):
        for stroke in digit:
            await draw(session, stroke, touches)
            await asyncio.sleep(PAUSE)
        if delay is None:
            await asyncio.sleep(0.8)  # nothing else is to be read
            delay = await page.evaluate("() => watched.changed - watched.up")
    await asyncio.sleep(0.8)
    read = await page.evaluate("() => document.body.dataset.reading")
    delivered = await page.evaluate("() => watched.delivered")
    stored = await page.evaluate(
        "() => Object.values(sessionStorage).find(text => text[0] === '[')"
    )
    kept = [len(stroke) for stroke in json.loads(stored)]
    return read, delay, kept, delivered


def frames(trace):
    """Script time of each frame in ms: with a pointer down, and without."""
    events = [e for e in trace["traceEvents"] if e["ph"] == "X"]
    downs = [e for e in events if kind_of(e) == "pointerdown"]
    main = {(e["pid"], e["tid"]) for e in downs}
    assert len(main) == 1, "events of the pointer on several threads"
    events = [e for e in trace["traceEvents"] if (e["pid"], e["tid"]) in main]
    events.sort(key=lambda event: event["ts"])
    ends = [
        e["ts"] + e["dur"] for e in events if (e["name"], e["ph"]) == COMMIT
    ]
    spent = np.zeros(len(ends) + 1)
    drawn = np.zeros(len(ends) + 1, bool)
    last, down, begun = 0, False, 0
    for event in events:
        frame = np.searchsorted(ends, event["ts"], "right")
        if kind_of(event) in ("pointerdown", "pointerup"):
            drawn[frame] = True
            if down:
                drawn[begun:frame] = True
            down, begun = kind_of(event) == "pointerdown", frame
        whole = event["ph"] == "X" and event["name"] in SCRIPT
        if whole and event["ts"] >= last:  # not within another
            last = event["ts"] + event["dur"]
            spent[frame] += event.get("tdur", event["dur"]) / 1000
    some = spent > 0
    return spent[some & drawn], spent[some & ~drawn]


def kind_of(event):
    if event["name"] != "EventDispatch":
        return None
    return event.get("args", {}).get("data", {}).get("type")


def told(what, times):
    part = np.percentile(times, 95)
    print(
        f"{what}: {len(times)} frames with script, longest {max(times):.1f} "
        f"ms, 95th percentile {part:.1f} ms, median {np.median(times):.1f} ms"
    )
    return max(times), part


async def measured(browser, numbers, touches):
    """Draw numbers on a page of their own; return delays and faults."""
    context = await browser.new_context(has_touch=touches)
    await context.add_init_script(WATCH)
    page = await context.new_page()
    await page.goto(PAGE.as_uri())
    own = "text => document.body.dataset.reading === text"
    await page.wait_for_function(own, arg=FIRST, timeout=50_000)
    await page.locator("#detail").wait_for()  # it is written to its end
    session = await context.new_cdp_session(page)
    await session.send("Emulation.setCPUThrottlingRate", {"rate": SLOWER})
    await asyncio.sleep(1)
    await browser.start_tracing(page=page, categories=CATEGORIES)
    delays, faults, counts = [], [], []
    for k, number in enumerate(numbers):
        size = 0.7 - 0.02 * k  # so that no digit was read before
        read, delay, kept, delivered = await write(
            page, session, number, size, touches
        )
        delays.append(delay)
        counts += kept
        if read != number:
            faults.append(f"{number} is read as {read or 'nothing'}.")
        if kept != delivered:
            faults.append(f"{number}: {kept} points of {delivered}.")
    trace = json.loads(await browser.stop_tracing())
    await context.close()
    name = "finger" if touches else "mouse"
    drawing, resting = frames(trace)
    most = told(f"{name}, pointer down", drawing)
    if len(resting):
        told(f"{name}, pointer up", resting)
    for what, time in zip(("longest", "95th percentile"), most, strict=True):
        if time >= LONGEST:
            faults.append(f"{name}: the {what} frame has {time:.1f} ms.")
    print(
        f"{name}, points of {POINTS} in a stroke: {min(counts)} to "
        f"{max(counts)}"
    )
    return delays, faults


async def main():
    delays, faults = [], []
    async with async_playwright() as playwright:
        browser = await launch(playwright.chromium)
        for numbers, touches in ((MOUSE, False), (TOUCH, True)):
            late, wrong = await measured(browser, numbers, touches)
            delays += late
            faults += wrong
        await browser.close()
    late = np.median(delays)
    print(
        f"a digit's reading, after its last pointer event: {late:.0f} ms "
        f"({min(delays):.0f} to {max(delays):.0f} ms)"
    )
    if late > LATEST:
        faults.append(f"A digit is read after {late:.0f} ms.")
    sys.exit("\n".join(faults) or None)


if __name__ == "__main__":
    asyncio.run(main())
