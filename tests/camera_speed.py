"""How often the page of lesson 9 reads before a camera: `make speed`.

Not a test of `make test`: its figures depend on how busy the machine is. The
camera is Chromium's fake one, and shows a number of four digits. Readings are
counted where the page gets their answers. It ends with an error if

- the number is not read right,
- there are fewer than three readings in a second, or fewer than one where the
  processor is four times as slow.

DevTools slows down the main thread of a page alone, and the reading is done
by its worker. So all processes of the browser, the page's with its worker
among them, are stopped by a signal for three quarters of the time, 15 ms of
20 (not on Windows, which has no such signal). The moving picture is shown by
these processes, too: its frames are counted as well.
"""

import sys
import tempfile
import threading
import time
from pathlib import Path

import psutil
from conftest import launch
from playwright.sync_api import sync_playwright
from test_page import PAGE
from test_page_camera import NUMBER, before_camera, film

SECONDS = 10
SLICE = 0.02  # seconds: one in SLOWER parts of it, the browser runs
SLOWER = 4
LEAST = {1: 3, SLOWER: 1}  # readings a second, by how slow it is
COUNT = """
() => {
  globalThis.readings = 0;
  const plain = ask;
  ask = async (job, ...given) => {
    const answer = await plain(job, ...given);
    readings += Number(job === "readFrame");
    return answer;
  };
}
"""
FRAMES = "() => video.getVideoPlaybackQuality().totalVideoFrames"


def children():
    return psutil.Process().children(recursive=True)


class Slowed:
    """As long as it lasts, these processes run a quarter of the time."""

    def __init__(self, slowed):
        self.slowed, self.over = slowed, threading.Event()
        self.thread = threading.Thread(target=self.run)

    def __enter__(self):
        self.thread.start()

    def __exit__(self, *_):
        self.over.set()
        self.thread.join()

    def run(self):
        while not self.over.is_set():
            for process in self.slowed:
                process.suspend()
            time.sleep(SLICE * (1 - 1 / SLOWER))
            for process in self.slowed:
                process.resume()
            time.sleep(SLICE / SLOWER)


def measure(page):
    """Return seconds to the first answer; readings and frames a second."""
    page.reload()
    page.evaluate(COUNT)
    begun = time.monotonic()
    page.evaluate("() => document.getElementById('camera').click()")
    wait = "text => live && document.body.dataset.reading === text"
    page.wait_for_function(wait, arg=NUMBER, timeout=50_000)
    first = time.monotonic() - begun
    begun, readings = time.monotonic(), page.evaluate("readings")
    frames = page.evaluate(FRAMES)
    time.sleep(SECONDS)
    readings = page.evaluate("readings") - readings
    frames = page.evaluate(FRAMES) - frames
    took = time.monotonic() - begun
    shown = page.evaluate("document.body.dataset.reading")
    if shown != NUMBER:
        sys.exit(f"{NUMBER} is read as {shown or 'nothing'}.")
    return first, readings / took, frames / took


def main():
    faults = []
    with tempfile.TemporaryDirectory() as place, sync_playwright() as driver:
        path = film(Path(place) / "number.mjpeg")
        before = {process.pid for process in children()}
        browser = launch(driver.chromium, *before_camera(path))
        page = browser.new_context(permissions=["camera"]).new_page()
        page.goto(PAGE.as_uri())
        for slower, least in LEAST.items():
            if slower == 1:
                first, rate, frames = measure(page)
            else:
                browsers = [p for p in children() if p.pid not in before]
                with Slowed(browsers):
                    first, rate, frames = measure(page)
            print(
                f"before a camera, {slower} times as slow: first answer after "
                f"{first:.1f} s, {rate:.1f} readings and {frames:.0f} frames "
                "a second"
            )
            if rate < least:
                faults.append(f"{rate:.1f} readings a second, not {least}.")
        browser.close()
    sys.exit("\n".join(faults) or None)


if __name__ == "__main__":
    main()
