"""The lessons, where learners meet them: JupyterLab in a real browser.

`make lab` starts it, on a copy of what a learner has and on the sample.
These tests take some minutes: `make test-all` runs them, `make test` does not.
"""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import draw_digits
import nbformat
import numpy as np
import pytest
from conftest import draw_a_one, launch, missing
from PIL import Image

ROOT = Path(__file__).parents[1]
LESSONS = {p.stem[:2]: p for p in sorted(ROOT.glob("notebooks/*.ipynb"))}
STEP, LIMIT = 120, 1200  # seconds, for a step and a lesson: it may be busy
SHOWN = ".jp-NotebookPanel:not(.lm-mod-hidden) "
READ = (  # what the canvas of lesson 5 is read as, as text
    "print(model(prepare(np.asarray(canvas.get_pil().convert('L')))[None])"
    ".numpy().argmax())"
)

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def wait_until(ready, seconds=STEP):
    """Return what ready() finds; it is asked each second."""
    for _ in range(seconds):
        if found := ready():
            return found
        time.sleep(1)
    raise TimeoutError(f"nothing in {seconds} seconds")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A learner's checkout: JupyterLab saves what it runs."""
    folder = tmp_path_factory.mktemp("checkout")
    left_out = "mnist.npz*", "*.keras", ".ipynb_checkpoints"
    left_out = shutil.ignore_patterns(*left_out)
    for name in ("notebooks", "data", "tools"):
        shutil.copytree(ROOT / name, folder / name, ignore=left_out)
    for name in ("Makefile", "requirements.lock"):
        shutil.copy(ROOT / name, folder)
    return folder


@pytest.fixture(scope="module")
def address(folder, browser):
    """The address that `make lab` prints, as long as it runs."""
    make = shutil.which("make") or missing("make")
    if not Path(sys.prefix, "installed").exists():
        missing("the environment that `make` makes")
    outer = {"MAKEFLAGS", "MFLAGS", "MAKELEVEL"}  # of a `make test-all`
    env = {k: v for k, v in os.environ.items() if k not in outer}
    env |= {"BROWSER": "true", "JUPYTER_CONFIG_DIR": str(folder / "config")}
    log = folder / "lab.log"
    with log.open("w") as file:
        lab = subprocess.Popen(
            [make, "lab", "SAMPLE=1", f"VENV={sys.prefix}"],
            **{"cwd": folder, "env": env, "start_new_session": True},
            **{"stdout": file, "stderr": subprocess.STDOUT},
        )
    address = r"http://127\S+token=\w+"
    try:
        yield wait_until(lambda: re.search(address, log.read_text()))[0]
    finally:
        print(log.read_text())
        with contextlib.suppress(ProcessLookupError):
            os.killpg(lab.pid, signal.SIGTERM)  # JupyterLab ends its kernels
        lab.wait()


CAMERAS = """window.tracks = [];  // of each camera that was started
const media = navigator.mediaDevices, start = media.getUserMedia.bind(media);
media.getUserMedia = async (wanted) => {
    const stream = await start(wanted);
    window.tracks.push(...stream.getTracks());
    return stream;
};"""


@pytest.fixture
def camera(browser, tmp_path):
    """A browser whose camera sees a 3 on a sheet of paper on a dark table."""
    ink = draw_digits.written("3", 200, 14, np.random.default_rng(3))
    paper = draw_digits.on_paper(ink, np.random.default_rng(3))
    film = Image.new("RGB", (640, 480), "dimgrey")
    film.paste(Image.fromarray(paper), (120, 20))
    path = tmp_path / "film.mjpeg"
    for _ in range(3):
        with path.open("ab") as file:
            film.save(file, format="jpeg")
    browser = launch(
        browser.browser_type,
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-video-capture={path}",
    )
    yield browser
    browser.close()


@pytest.fixture
def page(request, address):
    """JupyterLab as `make lab` opens it; at the end its kernels are ended.

    Where the test fails, build/ holds a picture of what was on the screen.
    """
    with_camera = "camera" in request.fixturenames
    browser = request.getfixturevalue("camera" if with_camera else "browser")
    context = browser.new_context(viewport={"width": 1300, "height": 950})
    context.set_default_timeout(1000 * STEP)
    page, failed = context.new_page(), request.session.testsfailed
    page.address = address
    page.add_init_script(CAMERAS)
    page.goto(address + "&reset")
    page.locator(SHOWN + ".jp-Cell").first.wait_for()
    yield page
    if request.session.testsfailed > failed:
        name = re.sub(r"\W+", "_", request.node.name)
        page.screenshot(path=ROOT / "build" / f"{name}.png")
    for kernel in ask(page, "get", "kernels").json():
        assert ask(page, "delete", f"kernels/{kernel['id']}").ok
    context.close()


def ask(page, method, what):
    """Ask the Jupyter server, which has given this page its address."""
    server, token = re.match(r"(.+?)/lab/.+(\?.+)", page.address).groups()
    return page.request.fetch(f"{server}/api/{what}{token}", method=method)


def wait_for_kernel(page, path):
    def ready():
        for session in ask(page, "get", "sessions").json():
            kernel = session["kernel"]
            if session["name"] == path.name and kernel["connections"]:
                return kernel["execution_state"] == "idle"

    wait_until(ready)


def choose(page, menu, item):
    page.locator(f".lm-MenuBar-itemLabel:text-is('{menu}')").click()
    page.locator(f".lm-Menu-itemLabel:text-is('{item}')").click()


def prompts(page):
    """What stands beside the code cells: [3]: or [*]:, nothing if folded."""
    return page.locator(SHOWN + ".jp-CodeCell .jp-InputPrompt")


def wait_for_run(page):
    """Wait until no cell is running or waits for its turn."""
    busy = prompts(page).filter(has_text="*")
    at_work = re.compile('"execution_state": ?"(busy|starting)"')

    def done():
        kernels = ask(page, "get", "kernels").text()
        return not busy.count() and not at_work.search(kernels)

    wait_until(done, LIMIT)


def open_lesson(page, path):
    """Open a lesson from the list of files."""
    page.locator(".jp-DirListing-itemName", has_text=path.name).dblclick()
    tab = page.locator(".lm-DockPanel-tabBar .lm-mod-current")
    tab.filter(has_text=path.name).wait_for()
    wait_for_kernel(page, path)


def start(page, path):
    """Open a lesson and choose Run All Cells."""
    open_lesson(page, path)
    choose(page, "Run", "Run All Cells")
    prompts(page).filter(has_text="*").first.wait_for(state="attached")


def runs_as_stored(page, path):
    """Wait for the end: all cells have run, in order, and show figures."""
    cells = nbformat.read(path, as_version=4).cells
    code = [cell for cell in cells if cell.cell_type == "code"]
    drawn = [cell for cell in code if "if FULL:" not in cell.source]
    outputs = [output for cell in drawn for output in cell.outputs]
    figures = sum("image/png" in out.get("data", {}) for out in outputs)
    wait_for_run(page)
    error = "[data-mime-type='application/vnd.jupyter.error']"
    assert page.locator(SHOWN + error).all_text_contents() == []
    folded = ["hide-input" in c.metadata.get("tags", []) for c in code]
    numbers = [f"[{n}]:" * (not f) for n, f in enumerate(folded, start=1)]
    assert prompts(page).all_text_contents() == numbers
    assert page.locator(SHOWN + ".jp-OutputPlaceholder").count() == 0
    shown = page.locator(SHOWN + ".jp-RenderedImage img")
    wait_until(lambda: shown.count() == figures)  # drawn one by one
    loaded = "all => all.every(img => img.complete && img.naturalWidth > 100)"
    wait_until(lambda: shown.evaluate_all(loaded))


def test_nothing_is_in_the_way_at_the_start(page):
    wait_for_kernel(page, LESSONS["00"])
    page.wait_for_timeout(5000)  # time enough for the news to pop up
    assert page.locator(".jp-Dialog, .Toastify__toast").count() == 0
    assert page.title().startswith("00_whole")


def is_folded(cell, part):
    """Tell whether a cell's "Input" or "Output" is folded."""
    cell.scroll_into_view_if_needed()  # only then it is drawn
    ways = cell.locator(f".jp-{part}Placeholder, .jp-{part}Area")
    ways.first.wait_for(state="attached")
    return cell.locator(f".jp-{part}Placeholder").count() == ways.count() == 1


@pytest.mark.parametrize("path", LESSONS.values(), ids=lambda p: p.stem)
def test_setup_checks_and_what_was_to_be_predicted_are_folded(page, path):
    open_lesson(page, path)
    for place, stored in enumerate(nbformat.read(path, as_version=4).cells):
        tags = stored.metadata.get("tags", [])
        if stored.cell_type == "code":
            folded = is_folded(cell(page, place), "Input")
            assert folded == ("hide-input" in tags), stored.source
        if stored.get("outputs"):
            folded = is_folded(cell(page, place), "Output")
            assert folded == ("hide-output" in tags), stored.source


@pytest.mark.parametrize("path", LESSONS.values(), ids=lambda p: p.stem)
def test_lesson_runs_from_top_to_bottom(page, path):
    start(page, path)
    runs_as_stored(page, path)


def find(path, text):
    """Place of the first cell of a lesson that holds a text."""
    sources = [c.source for c in nbformat.read(path, as_version=4).cells]
    return next(place for place, s in enumerate(sources) if text in s)


def cell(page, place):
    return page.locator(SHOWN + ".jp-Cell").nth(place)


def run(page, cell, source=None):
    """Run a cell, with another source if given; return what it shows."""
    if is_folded(cell, "Input"):  # a click on it would unfold it
        cell.locator(".jp-OutputArea-output").first.click()
    else:
        cell.locator(".cm-content").click()
    if source:
        page.keyboard.press("Control+a")
        page.keyboard.type(source)
    page.keyboard.press("Control+Enter")
    page.wait_for_timeout(1000)
    wait_for_run(page)
    shown = cell.locator(".jp-OutputArea-output").all_text_contents()
    return "\n".join(shown).strip()


AT_REST = """canvas => new Promise(done => {
    const image = new Image();  // loaded after the one that it is loading
    image.onload = () => setTimeout(done);
    image.src = canvas.toDataURL();
})"""


def draw(page, place, strokes):
    """Draw strokes on a canvas, points (x, y) between 0 and 1."""
    canvas = place.locator("canvas")
    canvas.hover()  # waits until it stands still
    box = canvas.bounding_box()
    for stroke in strokes:
        canvas.evaluate(AT_REST)  # it redraws itself after each stroke
        for i, (x, y) in enumerate(stroke):
            x, y = box["x"] + x * box["width"], box["y"] + y * box["height"]
            page.mouse.move(x, y, steps=12)
            if i == 0:
                page.mouse.down()
        page.mouse.up()
    canvas.evaluate(AT_REST)


def test_check_answers_what_is_typed_and_solution_unfolds(page):
    path = LESSONS["01"]
    start(page, path)
    wait_for_run(page)
    table = ROOT / "tests/exercises/01.toml"
    answers = tomllib.loads(table.read_text(encoding="utf-8"))["1.1"]
    place = find(path, "darkest_row = None")
    stub, check, solution = (cell(page, place + n) for n in range(3))
    assert run(page, check).startswith("○ Not yet")
    wrong, words = answers["wrong"][0]
    run(page, stub, wrong)
    assert words in run(page, check)
    assert is_folded(check, "Input")
    run(page, stub, answers["also_right"])
    assert run(page, check).startswith("✔ Correct.")
    passed = cell(page, find(path, 'list_checks("'))
    assert "Exercise 1.1: ✔ passed" in run(page, passed)
    run(page, stub, "darkest_row = None\ndarkest_row = digit sum")
    assert run(page, check).startswith("○ Not yet")
    assert "Exercise 1.1: ○ not yet" in run(page, passed)
    code = solution.locator("pre")
    assert not code.is_visible()
    solution.locator("summary").click()
    assert code.is_visible() and "darkest_row" in code.text_content()
    solution.locator("summary").click()
    assert not code.is_visible()


def test_lesson_5_reads_what_is_uploaded_and_drawn(page):
    path = LESSONS["05"]
    page.on("filechooser", lambda chooser: None)  # see test_page.py
    start(page, path)
    wait_for_run(page)
    assert page.evaluate("tracks") == []  # no camera without a click

    upload = cell(page, find(path, "upload_here(say"))
    with page.expect_file_chooser() as chooser:
        upload.locator("button").filter(has_text="Upload").click()
    chooser.value.set_files(ROOT / "data/digits/turned_7.jpg")
    upload.get_by_text(re.compile("turned_7.jpg: 7, .+ confident")).wait_for()

    upload.get_by_role("button", name="Take a photo").click()
    sentence = re.compile("No camera here .+ choose its file instead")
    upload.get_by_text(sentence).wait_for()
    upload.get_by_role("button", name="Take a photo").wait_for()

    place = find(path, "canvas = draw_here(prepare)")
    output = cell(page, place).locator(".jp-OutputArea-output").last
    output.get_by_alt_text("nothing is drawn yet").wait_for()
    draw(page, output, [[(0.3, 0.25), (0.7, 0.25), (0.45, 0.85)]])
    seven = re.compile("predicted: 7, .+ confident")
    output.get_by_alt_text(seven).wait_for()
    output.get_by_title("Clear").click()
    output.get_by_alt_text("nothing is drawn yet").wait_for()
    output.get_by_title("Undo").click()
    output.get_by_alt_text(seven).wait_for()

    inside = "output => output.contains(document.activeElement)"
    output.locator("button").first.click()
    assert output.evaluate(inside)
    for _ in range(20):
        page.keyboard.press("Tab")
    assert not output.evaluate(inside), "the canvas holds the keyboard"

    cell(page, place).locator(".cm-content").click()
    page.keyboard.press("Escape")
    page.keyboard.press("b")
    assert run(page, cell(page, place + 1), READ) == "7"


def test_lesson_5_reads_what_the_camera_sees(camera, page):
    path = LESSONS["05"]
    start(page, path)
    wait_for_run(page)
    upload = cell(page, find(path, "upload_here(say"))
    upload.scroll_into_view_if_needed()
    assert page.evaluate("tracks") == []  # no camera without a click
    for shots in (1, 2):
        upload.get_by_role("button", name="Take a photo").click()
        upload.get_by_text("Preview ready").wait_for()
        page.wait_for_function("document.querySelector('video').currentTime")
        upload.get_by_role("button", name="Capture").click()
        read = rf"(camera.png: 3, \d+% confident\s*){{{shots}}}"
        upload.get_by_text(re.compile(read)).wait_for()
        upload.get_by_role("button", name="Stop the camera").click()
        upload.locator("video").wait_for(state="detached")
        page.wait_for_function("tracks.every(t => t.readyState == 'ended')")
        assert page.evaluate("tracks.length") == shots

    upload.get_by_role("button", name="Take a photo").click()
    upload.get_by_text("Preview ready").wait_for()
    run(page, upload)  # what it showed is gone, and with it the camera
    page.wait_for_function("tracks.every(t => t.readyState == 'ended')")
    assert page.evaluate("tracks.length") == 3


NEEDED = {"setup", "reader", "maker", "load_model", "pictures", "read-page"}
NEEDED |= {"chooser"}  # of lesson 10's cells, for its button; and these:
TEXTS = "model = load_model(", "def upload_page(", "upload_page(UPLOAD)"


@pytest.fixture
def button_of_lesson_10(folder):
    """A notebook of no more than lesson 10's button needs, and the network."""
    book = nbformat.read(LESSONS["10"], as_version=4)
    book.cells = [
        cell
        for cell in book.cells
        if NEEDED & set(cell.metadata.get("tags", []))
        or any(text in cell.source for text in TEXTS)
    ]
    path, model = folder / "notebooks/10_button.ipynb", "digit_reader.keras"
    nbformat.write(book, path)
    if (ROOT / "data" / model).exists():  # else one is trained
        shutil.copy(ROOT / "data" / model, folder / "data")
    yield path
    path.unlink()
    (folder / "data" / model).unlink(missing_ok=True)


def test_lesson_10_reads_an_uploaded_page(button_of_lesson_10, page, tmp_path):
    path = button_of_lesson_10
    page.on("filechooser", lambda chooser: None)  # see test_page.py
    start(page, path)
    wait_for_run(page)
    assert page.evaluate("tracks") == []  # no camera without a click
    shown = cell(page, find(path, "upload_page(UPLOAD)"))
    shown.scroll_into_view_if_needed()
    shown.get_by_text("Choose a photo of a page, or take one.").wait_for()
    figure = shown.locator(".jp-RenderedImage img")
    assert figure.count() == 0

    def upload(file):
        with page.expect_file_chooser() as chooser:
            shown.locator("button").filter(has_text="Upload").click()
        chooser.value.set_files(file)

    (tmp_path / "note.txt").write_text("no picture")
    upload(tmp_path / "note.txt")
    advice = "note.txt: this is text, not a picture. Take a screenshot of it"
    shown.get_by_text(advice).wait_for()
    assert figure.count() == 0
    upload(ROOT / "data/digits/number_0522_1859.jpg")
    shown.get_by_text("number_0522_1859.jpg:").wait_for()
    figure.wait_for()
    assert figure.evaluate("img => img.naturalWidth") > 400


def test_lesson_5_scores_ten_digits(page, tmp_path):
    path = LESSONS["05"]
    page.on("filechooser", lambda chooser: None)  # see test_page.py
    start(page, path)
    wait_for_run(page)
    shown = cell(page, find(path, "score_here(prepare, UPLOAD)"))
    shown.scroll_into_view_if_needed()
    go_on = shown.get_by_role("button", name="Next")
    score = re.compile(r"(\d+) of 10 are right")

    shown.get_by_text("Draw a 0.").wait_for()
    go_on.click()
    shown.get_by_text("Nothing is drawn yet.").wait_for()
    for digit in range(10):
        shown.get_by_text(f"Draw a {digit}.").wait_for()
        strokes = map(np.array, draw_digits.PATHS[str(digit)])
        strokes = [draw_digits.smooth(s)[::4] / 2 + 0.2 for s in strokes]
        draw(page, shown, strokes)
        go_on.click()
    shown.get_by_text("All ten are drawn.").wait_for()
    text = shown.get_by_text(score)
    assert int(score.search(text.text_content())[1]) >= 8
    assert shown.locator(".jp-RenderedImage img").count() == 1
    assert go_on.is_disabled()

    shown.get_by_role("button", name="Start again").click()
    shown.get_by_text("Draw a 0.").wait_for()
    text.wait_for(state="detached")
    assert shown.get_by_title("Undo").is_disabled()

    rng = np.random.default_rng(5)
    for row in ("012345", "0123456789"):
        ink = draw_digits.written(row, 100, 8, rng)
        image = Image.fromarray(draw_digits.on_paper(ink, rng))
        image.save(tmp_path / f"{row}.png")
        with page.expect_file_chooser() as chooser:
            shown.locator("button").filter(has_text="Upload").click()
        chooser.value.set_files(tmp_path / f"{row}.png")
        if row == "012345":
            shown.get_by_text("I found 6 pieces of ink, not ten.").wait_for()
    text.wait_for()
    assert int(score.search(text.text_content())[1]) >= 8


def test_running_a_cell_unfolds_its_output(page):
    path = LESSONS["01"]
    open_lesson(page, path)
    shown = cell(page, find(path, "Pixels that never hold ink:"))
    assert is_folded(shown, "Output")
    shown.locator(".cm-content").click()
    choose(page, "Run", "Run All Above Selected Cell")
    wait_for_run(page)
    assert "of 784" in run(page, shown)
    assert not is_folded(shown, "Output")


def test_after_a_restart_half_way(page):
    path = LESSONS["02"]
    start(page, path)
    wait_for_run(page)
    choose(page, "Kernel", "Restart Kernel…")
    page.locator(".jp-Dialog .jp-mod-accept").click()
    page.locator(".jp-Dialog").wait_for(state="detached")
    wait_for_kernel(page, path)
    checkpoint = cell(page, find(path, 'print("Checkpoint passed'))
    assert "NameError" in run(page, checkpoint)
    choose(page, "Run", "Run All Above Selected Cell")
    page.wait_for_timeout(1000)
    wait_for_run(page)
    assert run(page, checkpoint).startswith("Checkpoint passed")


def test_two_lessons_at_once(page, folder):
    (folder / "data/digit_mlp.keras").unlink(missing_ok=True)
    both = [LESSONS["04"], LESSONS["09"]]  # each trains it where it is not
    for path in both:
        start(page, path)
    for path in both:
        tab = page.locator(".lm-DockPanel-tabBar .lm-TabBar-tab")
        tab.filter(has_text=path.name).click()
        runs_as_stored(page, path)


def test_page_in_lesson_9_reads_what_is_drawn(page):
    path = LESSONS["09"]
    open_lesson(page, path)
    shown = cell(page, find(path, "srcdoc="))
    shown.locator(".cm-content").click()
    choose(page, "Run", "Run All Above Selected Cell")
    wait_for_run(page)
    run(page, shown)
    inside = shown.frame_locator("iframe")
    draw_a_one(page, inside.locator("#drawing"))
    inside.locator("body[data-reading='1']").wait_for()
