"""The page of lesson 9, driven in a real browser.

The page is made by the lesson's own cells, those tagged `page`.
"""

import json

import cv2
import keras
import matplotlib.pyplot as plt
import nbformat
import numpy as np
import pytest
from conftest import DATA
from lessons import names_of

ROOT = DATA.parent
LESSON = ROOT / "notebooks" / "09_ship_it.ipynb"
LESSON_5 = ROOT / "notebooks" / "05_predict_own_digits.ipynb"
NOTHING = "I don't see a digit."


@pytest.fixture(scope="module")
def lesson():
    return names_of("09", "page", np=np, keras=keras, DATA=DATA)


@pytest.fixture(scope="module")
def digits():
    """A thousand test digits (n, 28, 28) in [0, 1] and their labels."""
    for name in ("mnist.npz", "mnist-sample.npz"):
        if (DATA / name).exists():
            with np.load(DATA / name, allow_pickle=False) as file:
                x, y = file["x_test"][:1000], file["y_test"][:1000]
            return x / np.float32(255), y
    pytest.skip("needs MNIST: python data/get_mnist.py")


@pytest.fixture(scope="module")
def model():
    """Lesson 3's network."""
    path = DATA / "digit_mlp.keras"
    if not path.exists():
        pytest.skip("needs data/digit_mlp.keras: run lesson 3")
    return keras.models.load_model(path)


@pytest.fixture(scope="module")
def path(lesson, model, tmp_path_factory):
    """The finished page, as the lesson makes it."""
    layers = lesson["to_layers"](model)
    text = lesson["make_page"](lesson["template"], layers, "<Test> & so")
    path = tmp_path_factory.mktemp("page") / "digit_reader.html"
    path.write_bytes(text.encode("utf-8"))
    return path


# The file


def test_page_is_small_and_complete(path):
    text = path.read_text(encoding="utf-8")
    assert path.stat().st_size < 300_000
    assert "{{" not in text
    assert "&lt;Test&gt; &amp; so" in text
    assert "http:" not in text and "https:" not in text


def test_lesson_shows_lesson_5s_lines():
    shown = nbformat.read(LESSON, as_version=4).cells
    shown = [c for c in shown if "solution" not in c.metadata.get("tags", [])]
    fences = [c.source.split("```python\n")[1:] for c in shown]
    (fence,) = [part.split("```")[0] for parts in fences for part in parts]
    sources = [c.source for c in nbformat.read(LESSON_5, as_version=4).cells]
    assert any(fence.strip() in source for source in sources)


# The browser


@pytest.fixture(params=["desktop"])
def page(request, browser, path):
    """The page, opened from the file; it must neither fetch nor complain."""
    phone = {"viewport": {"width": 360, "height": 740}, "has_touch": True}
    options = phone if request.param == "phone" else {}
    context = browser.new_context(**options)
    page, requests, errors = context.new_page(), [], []
    page.on("request", lambda request: requests.append(request.url))
    page.on("console", lambda message: errors.append(message.text))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(path.as_uri())
    yield page
    assert requests == [path.as_uri()] and errors == []
    context.close()


def curve(*corners):
    """Points on a smooth line through the corners (x, y), in 0-100."""
    corners = np.array(corners, float)
    before = 2 * corners[0] - corners[1]
    after = 2 * corners[-1] - corners[-2]
    p = np.vstack([before, corners, after])
    t = np.linspace(0, 1, 4, endpoint=False)[:, None]
    points = []
    for a, b, c, d in zip(p, p[1:], p[2:], p[3:], strict=False):
        bend = (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2
        points.extend(b + (bend + (3 * b - a - 3 * c + d) * t**3) / 2)
    return [*points, corners[-1]]


# The strokes of each digit, as a person would draw them
DIGITS = {
    0: [curve((52, 15), (32, 30), (30, 60), (48, 85), (68, 70), (70, 35),
              (52, 15))],
    1: [[(54, 15), (48, 85)]],
    2: [[*curve((30, 32), (45, 16), (66, 24), (64, 45), (46, 64), (28, 82)),
         (72, 82)]],
    3: [[*curve((32, 22), (52, 15), (66, 28), (46, 47)),
         *curve((46, 47), (68, 60), (62, 80), (46, 86), (28, 77))]],
    4: [[(40, 15), (28, 54), (72, 54)], [(62, 32), (58, 86)]],
    5: [[(66, 17), (38, 17), (34, 45),
         *curve((34, 45), (56, 42), (68, 58), (58, 80), (30, 82))]],
    6: [curve((62, 14), (42, 34), (32, 62), (44, 85), (64, 76), (60, 56),
              (36, 62))],
    7: [[(28, 18), (70, 18), (48, 86)]],
    8: [curve((64, 24), (48, 14), (34, 28), (48, 46), (66, 66), (52, 86),
              (32, 70), (48, 48), (66, 26))],
    9: [[*curve((66, 30), (48, 15), (34, 32), (48, 48), (66, 30)),
         *curve((66, 30), (64, 55), (58, 86))]],
}  # fmt: skip


def draw(page, strokes):
    """Draw with the mouse; points from 0 to 100 across the field."""
    box = page.locator("#drawing").bounding_box()
    for stroke in strokes:
        points = [
            (
                box["x"] + x / 100 * box["width"],
                box["y"] + y / 100 * box["height"],
            )
            for x, y in stroke
        ]
        page.mouse.move(*points[0])
        page.mouse.down()
        for point in points:
            page.mouse.move(*point)
        page.mouse.up()


def touch(page, strokes):
    """Draw with a finger: real touch events, not mouse events."""
    session = page.context.new_cdp_session(page)
    box = page.locator("#drawing").bounding_box()

    def send(kind, *points):
        points = [
            {"x": box["x"] + x / 100 * box["width"],
             "y": box["y"] + y / 100 * box["height"]}
            for x, y in points
        ]  # fmt: skip
        event = {"type": kind, "touchPoints": points}
        session.send("Input.dispatchTouchEvent", event)

    for stroke in strokes:
        send("touchStart", stroke[0])
        for point in stroke:
            send("touchMove", point)
        send("touchEnd")


def said(page):
    return page.locator("#said").text_content()


def read_as(digit):
    return f"I read {'an' if digit == 8 else 'a'} {digit}, sure to "


def says(page, text):
    """Wait until the page says it: a tap takes its time."""
    page.locator("#said", has_text=text).wait_for(timeout=5000)


def ink_of(page):
    """The field as an array (280, 280), and what the page makes of it."""
    text = page.evaluate(
        "() => JSON.stringify([Array.from(digitReader.readInk().data),"
        "       Array.from(digitReader.toMnist(digitReader.readInk()).data)])"
    )
    ink, seen = json.loads(text)
    return np.reshape(ink, (280, 280)), np.reshape(seen, (28, 28))


@pytest.mark.browser
@pytest.mark.parametrize("digit", DIGITS)
def test_reads_what_the_mouse_draws(page, lesson, model, digit):
    draw(page, DIGITS[digit])
    _, seen = ink_of(page)
    answer = lesson["predict"](lesson["to_layers"](model), seen[None])[0]
    assert said(page).startswith(read_as(digit)), said(page)
    assert f"{100 * answer[digit]:.0f} %" in said(page)
    shares = [
        float(text.split()[0])
        for text in page.locator("li span").all_text_contents()
    ]
    assert np.allclose(shares, 100 * answer, atol=0.06)
    assert page.locator("li.answer b").text_content() == str(digit)


@pytest.mark.browser
@pytest.mark.parametrize("page", ["phone"], indirect=True)
def test_reads_what_a_finger_draws(page):
    for digit, strokes in DIGITS.items():
        touch(page, strokes)
        says(page, read_as(digit))
        for _ in range(10):  # a browser may take a hasty tap for a swipe
            page.wait_for_timeout(300)
            page.locator("#clear").tap()
            page.wait_for_timeout(100)
            if said(page) == NOTHING:
                break
        says(page, NOTHING)
    assert page.evaluate("scrollY") == 0  # drawing did not move the page
    wide = page.evaluate("document.documentElement.scrollWidth")
    assert wide <= 360


@pytest.mark.browser
def test_empty_undo_and_clear(page):
    assert said(page) == NOTHING
    draw(page, DIGITS[4][:1])
    first, _ = ink_of(page)
    draw(page, DIGITS[4][1:])
    assert said(page).startswith("I read a 4")
    page.locator("#undo").click()
    assert np.array_equal(ink_of(page)[0], first)
    page.keyboard.press("Control+z")
    assert said(page) == NOTHING and not ink_of(page)[0].any()
    page.keyboard.press("Control+z")  # nothing left to take back
    assert said(page) == NOTHING
    draw(page, DIGITS[7])
    page.locator("#clear").click()
    assert said(page) == NOTHING
    assert set(page.locator("li span").all_text_contents()) == {"–"}
    page.locator("#undo").click()  # a slip of the finger is no loss
    assert said(page).startswith("I read a 7")


@pytest.mark.browser
def test_keyboard_reaches_everything_and_draws(page):
    focus = "document.activeElement.id"
    reached = []
    for _ in range(3):
        page.keyboard.press("Tab")
        reached.append(page.evaluate(focus))
    assert reached == ["drawing", "undo", "clear"]
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Shift+Tab")
    page.keyboard.press("Space")
    for _ in range(15):
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Space")
    assert said(page).startswith("I read a 1")
    page.keyboard.press("Tab")  # leaves the field
    page.keyboard.press("Enter")
    assert said(page) == NOTHING and page.evaluate(focus) == "undo"


@pytest.mark.browser
def test_screen_readers_are_told(page):
    spoken = page.locator("#spoken")
    assert spoken.get_attribute("aria-live") == "polite"
    assert spoken.text_content() == NOTHING
    draw(page, DIGITS[3])
    assert spoken.text_content().startswith(read_as(3))
    for control in ("#drawing", "#seen"):
        assert page.locator(control).get_attribute("aria-label")
    assert page.locator("html").get_attribute("lang") == "en"
    buttons = page.get_by_role("button").all_text_contents()
    assert buttons == ["Undo", "Clear"]


@pytest.mark.browser
def test_follows_the_colour_scheme(page):
    ground = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(ground)
    draw(page, DIGITS[2])
    before, _ = ink_of(page)
    page.emulate_media(color_scheme="dark")
    assert page.evaluate(ground) != light
    assert np.array_equal(ink_of(page)[0], before)
    assert said(page).startswith("I read a 2")


@pytest.mark.browser
def test_equals_keras_on_a_thousand_digits(page, model, digits):
    images = digits[0].reshape(-1, 784)
    text = page.evaluate(
        "text => JSON.stringify(JSON.parse(text).map("
        "x => Array.from(digitReader.predict(x))))",
        json.dumps(images.tolist()),
    )
    by_page = np.array(json.loads(text))
    by_keras = model.predict(digits[0], batch_size=1000, verbose=0)
    same = by_keras.argmax(1) == by_page.argmax(1)
    apart = np.abs(by_keras - by_page).max(axis=1)
    print(f"same digit {same.mean():.1%}, at most {apart.max():.4f} apart,")
    print(f"half of them at most {np.median(apart):.6f}")
    assert same.mean() >= 0.999
    assert np.median(apart) < 0.001 and apart.max() < 0.1


def prepare(page, ink):
    h, w = ink.shape
    text = json.dumps({"h": h, "w": w, "data": ink.ravel().tolist()})
    seen = page.evaluate(
        "text => JSON.stringify("
        "Array.from(digitReader.toMnist(JSON.parse(text)).data))",
        text,
    )
    return np.reshape(json.loads(seen), (28, 28))


@pytest.mark.browser
def test_prepares_as_lesson_5_does(page, digits):
    names = {"cv2": cv2, "np": np, "plt": plt}
    to_mnist = names_of("05", "read-digits", **names)["to_mnist"]
    inks = [np.zeros((280, 280))]
    for strokes in DIGITS.values():
        draw(page, strokes)
        inks.append(ink_of(page)[0])
        assert np.allclose(ink_of(page)[1], prepare(page, inks[-1]))
        page.locator("#clear").click()
    for width in (1, 20, 21, 100):  # upright strokes: their middle may be .5
        inks.append(np.zeros((280, 280), np.float32))
        inks[-1][40:240, 50 : 50 + width] = 1
    rng = np.random.default_rng(0)
    for image in digits[0][:60]:  # any size, stretch, place, thickness
        h, w = (int(n) for n in rng.integers(5, 260, 2))
        ink = np.zeros((280, 280), np.float32)
        y, x = rng.integers(0, 281 - h), rng.integers(0, 281 - w)
        ink[y : y + h, x : x + w] = cv2.resize(image, (w, h)) ** rng.choice(
            [0.5, 1, 4]
        )
        inks.append(ink)
    apart = [np.abs(prepare(page, ink) - to_mnist(ink)).max() for ink in inks]
    print(f"drawn: {max(apart[:11]):.1e}, made: {max(apart):.1e}")
    assert max(apart) < 1e-4
