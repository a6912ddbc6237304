"""The page of lesson 9 before a camera, in a real browser.

The camera is Chromium's own, a fake one. It shows a number that is held
before it: written here, on paper in uneven light, and never quite at rest.
"""

import html
import http.server
import re
import threading

import cv2
import numpy as np
import pytest
from axe_playwright_python.sync_playwright import Axe
from conftest import DATA, launch
from test_page import DIGITS, PAGE, draw, numbers, reads, served

ROOT = DATA.parent
NUMBER = "5270"
HEIGHT, WIDTH = 480, 640
FILE = PAGE.as_uri()
pytestmark = pytest.mark.browser


def place(points, sway=0):
    """Points of the drawing's square -> pixels of the film."""
    return np.array(points) * 4.2 + (110 + sway, 30)


def film(path):
    """Write a film of the number, a Motion JPEG; return the path."""
    rng, frames = np.random.default_rng(0), []
    light = np.linspace(1, 0.7, WIDTH) * np.linspace(1, 0.9, HEIGHT)[:, None]
    for turn in np.linspace(0, 2 * np.pi, 20, endpoint=False):
        paper = np.full((HEIGHT, WIDTH), 215, np.uint8)
        for stroke in numbers(NUMBER):
            points = np.int32(place(stroke, 4 * np.sin(turn)))
            cv2.polylines(paper, [points], False, 40, 9, cv2.LINE_AA)
        grain = rng.normal(0, 4, paper.shape)
        frame = cv2.GaussianBlur(paper, (0, 0), 0.8) * light + grain
        frame = np.uint8(frame.clip(0, 255))
        frames.append(cv2.imencode(".jpg", frame)[1].tobytes())
    path.write_bytes(b"".join(frames))
    return path


def before_camera(path):
    """Return the options of a Chromium whose camera shows a film."""
    yield "--use-fake-device-for-media-stream"
    yield f"--use-file-for-fake-video-capture={path}"
    # an address that isn't this machine's, so it isn't secure
    yield "--host-resolver-rules=MAP elsewhere.test 127.0.0.1"


WATCH = """
globalThis.given = []; // the streams that the page got
const devices = navigator.mediaDevices;
const plain = devices?.getUserMedia.bind(devices);
if (devices) devices.getUserMedia = async (wanted) => {
  given.push(await plain(wanted));
  return given.at(-1);
};
"""


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    from playwright.sync_api import sync_playwright

    path = film(tmp_path_factory.mktemp("film") / "number.mjpeg")
    with sync_playwright() as playwright:
        browser = launch(playwright.chromium, *before_camera(path))
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser):
    """A function that opens an address; the camera is allowed or isn't.

    The page must ask for nothing more, and must not complain.
    """
    contexts, asked, errors, addresses = [], [], [], []

    def opened(address=FILE, allowed=True, script="", **options):
        permissions = ["camera"] if allowed else []
        context = browser.new_context(permissions=permissions, **options)
        context.add_init_script(WATCH + script)
        contexts.append(context)
        page = context.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.on("console", lambda message: errors.append(message.text))
        page.on("pageerror", lambda error: errors.append(str(error)))
        addresses.append(address)
        page.goto(address)
        return page

    yield opened
    known = (*addresses, "data:", "blob:", "about:srcdoc")
    assert [url for url in asked if not url.startswith(known)] == []
    assert errors == []
    for context in contexts:
        context.close()


def sees(page, text):
    """Wait until this is read, of a camera or not."""
    wait = "text => document.body.dataset.reading === text"
    page.wait_for_function(wait, arg=text, timeout=50_000)


def start(page):
    page.locator("#camera").click()
    page.locator("#video").wait_for(timeout=50_000)


def assert_out(page, why=None):
    """The camera's light is out, and the page is as without a camera."""
    tracks = "given.flatMap(s => s.getTracks()).map(t => t.readyState)"
    states = page.evaluate(tracks)
    assert states and set(states) == {"ended"}, why
    assert page.evaluate("video.srcObject") is None
    assert page.locator("#video").is_hidden()
    assert page.locator("#live").is_hidden()
    assert page.locator("#tools").is_visible()


def boxes(page):
    """Left, top, right and bottom of each box in pixels of the film."""
    found = page.evaluate(
        """() => {
          const { x, y, width } = video.getBoundingClientRect();
          const zoom = 640 / (width - 4); // without its border
          return [...document.querySelectorAll("#boxes b")].map((box) => {
            const b = box.getBoundingClientRect();
            return [b.left - x - 2, b.top - y - 2, b.right - x - 2,
              b.bottom - y - 2].map((n) => n * zoom);
          });
        }"""
    )
    return np.array(found) + np.tile([0, (HEIGHT - WIDTH / 1.5) / 2], 2)


def written_boxes():
    """The same of what was written."""
    strokes = iter([place(stroke) for stroke in numbers(NUMBER)])
    for digit in NUMBER:
        points = np.vstack([next(strokes) for _ in DIGITS[int(digit)]])
        yield [*points.min(0) - 5, *points.max(0) + 5]  # with half a pen


def assert_in_place(page):
    found, wanted = boxes(page), np.array([*written_boxes()])
    assert found.shape == wanted.shape
    low = np.maximum(found, wanted)[:, :2]
    high = np.minimum(found, wanted)[:, 2:]

    def area(corners):
        return np.prod(corners[:, 2:] - corners[:, :2], axis=1)

    both = np.prod((high - low).clip(0), axis=1)
    shares = both / (area(found) + area(wanted) - both)
    assert shares.min() > 0.6, shares


# Reading


@pytest.mark.parametrize("size", [(1280, 800), (320, 568)])
def test_reads_what_is_held_before_it(open_page, size):
    page = open_page(viewport={"width": size[0], "height": size[1]})
    start(page)
    sees(page, NUMBER)
    assert page.locator("#answer").text_content() == NUMBER
    assert page.locator("#boxes b").all_text_contents() == list(NUMBER)
    assert_in_place(page)
    said = page.locator("#said").text_content()
    assert said == "Keep this picture, and I'll show you why."
    assert page.locator("#spoken").text_content() == f"I read {NUMBER}. {said}"
    wide = page.evaluate("document.documentElement.scrollWidth")
    assert wide <= size[0]
    page.locator("#stop").click()
    assert_out(page)


def test_leaves_nothing_behind(open_page):
    with served() as address:
        page = open_page(f"{address}/{PAGE.name}")
        start(page)
        sees(page, NUMBER)
        page.locator("#keep").click()
        reads(page, NUMBER)
        for storage in ("localStorage", "sessionStorage"):
            assert page.evaluate(f"{storage}.length") == 0
        assert page.evaluate("indexedDB.databases()") == []
        assert page.evaluate("caches.keys()") == []
        assert_out(page)


class Framing(http.server.BaseHTTPRequestHandler):
    """The book's first page, as far as its frame goes, and the reader."""

    def do_GET(self):
        book = (ROOT / "book/index.md").read_text(encoding="utf-8")
        frame = re.search(r"<iframe.+?</iframe>", book, re.S)[0]
        page = PAGE.read_bytes()
        text = page if self.path.endswith(PAGE.name) else frame.encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        pass


@pytest.fixture
def framing():
    """The port of a server of such a page."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Framing)
    threading.Thread(target=server.serve_forever, args=[0.01]).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


def test_reads_in_the_frame_of_the_book(open_page, framing):
    page = open_page(f"http://localhost:{framing}/")
    frame = page.frames[-1]
    start(frame)
    sees(frame, NUMBER)
    frame.locator("#stop").click()
    assert_out(frame)


def test_says_nothing_twice(open_page):
    """A screen reader hears of an answer once, not several times a second."""
    page = open_page()
    page.evaluate(
        """() => {
          globalThis.spoken = [];
          new MutationObserver(() => {
            spoken.push(document.querySelector("#spoken").textContent);
          }).observe(document.querySelector("#spoken"), { childList: true });
          const plain = ask;
          globalThis.frames_ = 0;
          ask = (job, ...given) => {
            if (job === "readFrame") frames_++;
            return plain(job, ...given);
          };
        }"""
    )
    start(page)
    sees(page, NUMBER)
    seen = page.evaluate("frames_")
    wait = "least => frames_ > least"
    page.wait_for_function(wait, arg=seen + 10, timeout=50_000)
    spoken = page.evaluate("globalThis.spoken")
    assert spoken[-2:] == [
        "Hold a number before the camera.",
        f"I read {NUMBER}. Keep this picture, and I'll show you why.",
    ]
    assert "waiting for the camera" in spoken[-3]


def test_asks_for_one_frame_at_a_time(open_page):
    page = open_page()
    page.evaluate(
        """() => {
          const plain = ask;
          [globalThis.open_, globalThis.most, globalThis.all] = [0, 0, 0];
          ask = async (job, ...given) => {
            if (job !== "readFrame") return plain(job, ...given);
            most = Math.max(most, ++open_);
            const answer = await plain(job, ...given);
            await new Promise(done => setTimeout(done, 300));
            open_--;
            all++;
            return answer;
          };
        }"""
    )
    start(page)
    page.wait_for_function("() => all > 4", timeout=50_000)
    assert page.evaluate("most") == 1


# Keeping a picture

KEEP = {
    "button": lambda page: page.locator("#keep").click(),
    "tap": lambda page: page.locator("#drawing").click(),
    "Space": lambda page: page.locator("#drawing").press("Space"),
    "Enter": lambda page: page.locator("#drawing").press("Enter"),
}


@pytest.mark.parametrize("way", KEEP)
def test_a_kept_picture_is_a_photo(open_page, way):
    page = open_page()
    start(page)
    sees(page, NUMBER)
    KEEP[way](page)
    reads(page, NUMBER)
    assert_out(page)
    assert page.locator("#boxes b").all_text_contents() == list(NUMBER)
    page.locator("#chips button").nth(3).click()
    page.locator("#bars button").first.click()
    page.locator("#why").filter(has_text="Why a 0?").wait_for()
    page.locator("#wrong button[value='6']").click()
    page.locator("#thanks").filter(has_text="Thank you").wait_for()
    reads(page, "5276")
    page.locator("#undo").click()
    reads(page, "")
    page.locator("#redo").click()
    reads(page, "5276")


# What ends it

ENDS = {
    "stop": lambda page: page.locator("#stop").click(),
    "undo": lambda page: page.keyboard.press("Control+z"),
    "hidden": lambda page: page.evaluate(
        """() => {
          Object.defineProperty(document, "hidden", { value: true });
          document.dispatchEvent(new Event("visibilitychange"));
        }"""
    ),
    "left": lambda page: page.evaluate(
        "() => dispatchEvent(new Event('pagehide'))"
    ),
    "unplugged": lambda page: page.evaluate(
        """() => {
          const [track] = given[0].getTracks();
          track.stop(); // which makes no event, so here is one
          track.dispatchEvent(new Event("ended"));
        }"""
    ),
}


@pytest.mark.parametrize("end", ENDS)
def test_the_drawing_is_back_when_it_ends(open_page, end):
    page = open_page()
    draw(page, DIGITS[7])
    reads(page, "7")
    start(page)
    sees(page, NUMBER)
    ENDS[end](page)
    reads(page, "7")
    assert_out(page)
    said = page.locator("#said").text_content()
    assert ("Press Camera to start it again." in said) == (
        end in ("hidden", "left")
    )
    assert ("stopped sending pictures" in said) == (end == "unplugged")
    start(page)  # it can be started again
    page.evaluate("() => delete document.hidden")
    sees(page, NUMBER)
    page.locator("#stop").click()
    reads(page, "7")
    page.locator("#undo").click()
    reads(page, "")


def test_drawing_ends_it(open_page):
    page = open_page()
    start(page)
    sees(page, NUMBER)
    draw(page, DIGITS[7])
    reads(page, "7")
    assert_out(page)
    page.locator("#undo").click()
    reads(page, "")


def test_a_photo_ends_it(open_page):
    page = open_page()
    start(page)
    sees(page, NUMBER)
    page.locator("#file").set_input_files(DATA / "digits" / "photo_3.jpg")
    reads(page, "3")
    assert_out(page)
    start(page)
    sees(page, NUMBER)
    page.locator("#file").set_input_files(ROOT / "README.md")
    page.locator("#said").filter(has_text="Try a JPEG").wait_for()
    assert_out(page)


def test_it_ends_the_demo_and_the_game(open_page):
    page = open_page()
    start(page)
    page.locator("#stop").click()
    assert_out(page)
    assert page.evaluate("drawings.now().strokes.length") == 0
    page.locator("#play").click()
    assert page.locator("#dare").is_visible()
    start(page)
    assert page.locator("#dare").is_hidden()


def test_its_light_is_out_when_the_page_is_left(open_page):
    with served() as address:
        page = open_page(f"{address}/{PAGE.name}")
        start(page)
        page.evaluate(
            """() => addEventListener("pagehide", () => {
              const states = given[0].getTracks().map((t) => t.readyState);
              sessionStorage.setItem("states", states);
            })"""
        )
        page.reload()
        assert page.evaluate("sessionStorage.getItem('states')") == "ended"


def test_a_stream_that_comes_too_late_is_stopped(open_page):
    late = """
    const give = devices.getUserMedia;
    devices.getUserMedia = async (wanted) => {
      await new Promise((done) => { globalThis.answer = done; });
      return give(wanted);
    };
    """
    page = open_page(script=late)
    page.locator("#camera").click()
    said = page.locator("#said")
    said.filter(has_text="I'm waiting for the camera.").wait_for()
    draw(page, DIGITS[7])
    page.evaluate("() => answer()")
    ended = "() => given[0]?.getTracks()[0].readyState === 'ended'"
    page.wait_for_function(ended, timeout=50_000)
    reads(page, "7")
    assert_out(page)


# Where there is no camera


def said_instead(page):
    """What the page says after a press of the button."""
    page.locator("#camera").click()
    said = page.locator("#said").filter(has_text=re.compile("Photo"))
    said.wait_for(timeout=50_000)
    assert page.locator("#video").is_hidden()
    assert page.locator("#spoken").text_content() == said.text_content()
    return said.text_content()


def test_it_says_so_if_it_is_refused(open_page):
    page = open_page(allowed=False)
    assert "I'm not allowed to use the camera." in said_instead(page)
    draw(page, DIGITS[7])  # all else goes on
    reads(page, "7")


FAULTS = {
    "NotFoundError": "can't find a camera",
    "NotReadableError": "Another program",
    "StrangeError": "I don't know why",
}


@pytest.mark.parametrize("name", FAULTS)
def test_it_says_why_it_does_not_start(open_page, name):
    script = "devices.getUserMedia = async () => {"
    script += f"throw new DOMException('', '{name}'); }};"
    assert FAULTS[name] in said_instead(open_page(script=script))


def test_it_says_so_if_the_page_is_not_secure(open_page, framing):
    address = f"http://elsewhere.test:{framing}/{PAGE.name}"
    page = open_page(address, allowed=False)
    assert page.evaluate("typeof navigator.mediaDevices") == "undefined"
    assert "begins with https or localhost" in said_instead(page)


def test_it_says_so_if_the_page_around_it_forbids_it(browser):
    page = browser.new_page()  # whose console says so, too
    page.goto(FILE)
    text = html.escape(PAGE.read_text(encoding="utf-8"))
    page.set_content(
        f"<iframe allow=\"camera 'none'\" width=400 height=700 "
        f"srcdoc='{text}'></iframe>"
    )
    assert "Open me on my own" in said_instead(page.frames[-1])
    page.close()


# For everybody


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_before_the_camera(open_page, scheme):
    axe = Axe()
    phone = {"viewport": {"width": 320, "height": 568}}
    page = open_page(color_scheme=scheme, **phone)
    start(page)
    sees(page, NUMBER)
    found = axe.run(page)
    assert found.violations_count == 0, found.generate_report()
    for button in page.locator("#live button").all():
        assert button.bounding_box()["height"] >= 44
    page.locator("#stop").click()
    found = axe.run(page)
    assert found.violations_count == 0, found.generate_report()


def test_keyboard_starts_keeps_and_stops(open_page):
    page = open_page()
    focus = "document.activeElement.id"
    page.locator("#camera").press("Enter")
    page.locator("#video").wait_for()
    assert page.evaluate(focus) == "keep"
    page.keyboard.press("Tab")
    assert page.evaluate(focus) == "stop"
    page.keyboard.press("Enter")
    assert_out(page)
    assert page.evaluate(focus) == "camera"
    page.keyboard.press("Enter")
    page.locator("#video").wait_for()
    sees(page, NUMBER)
    page.keyboard.press("Shift+Tab")
    assert page.evaluate(focus) == "drawing"
    assert page.locator("#live-keys").is_visible()
    assert page.locator("#keys").is_hidden()
    page.keyboard.press("Space")
    reads(page, NUMBER)
    assert_out(page)
