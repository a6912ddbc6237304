"""The web book that `make book` builds, in a real browser, without a network.

Nothing but the site's own files is in reach: whatever a page asks for
elsewhere, or says on the console as an error, fails the test.
"""

import filecmp
import functools
import http.server
import re
import shutil
import subprocess
import threading

import badges
import nbformat
import pytest
from axe_playwright_python.sync_playwright import Axe
from conftest import DATA, draw_a_one, missing

ROOT = DATA.parent
BOOK = ROOT / "build" / "book"
LESSONS = sorted((ROOT / "notebooks").glob("*.ipynb"))
PAGES = ["index", "glossary", "teaching", *(path.stem for path in LESSONS)]
QUICK = "index", "00_whole_game"
RARE = [
    pytest.param(n, marks=pytest.mark.slow) for n in PAGES if n not in QUICK
]
pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def address():
    if not BOOK.exists():
        missing("`make book`")

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *args):
            pass

    handler = functools.partial(Handler, directory=BOOK)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,)).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def page(browser, address):
    context = browser.new_context(base_url=address)
    page, asked, errors = context.new_page(), [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on(
        "console",
        lambda message: (
            errors.append(message.text) if message.type == "error" else None
        ),
    )
    yield page
    own = address, "data:", "about:srcdoc", "blob:"  # the reader's worker
    assert [url for url in asked if not url.startswith(own)] == []
    assert errors == []
    context.close()


@pytest.mark.parametrize("name", [*QUICK, *RARE])
def test_page_opens_for_everybody(page, name):
    axe = Axe()
    only = {"preload": False, "resultTypes": ["violations"]}
    for scheme, width in [("light", 1280), ("dark", 320)]:
        page.emulate_media(color_scheme=scheme)
        page.set_viewport_size({"width": width, "height": 800})
        page.goto(f"/{name}.html")
        page.locator(f"html[data-theme={scheme}]").wait_for()
        wide = "document.documentElement.scrollWidth"
        assert page.evaluate(wide) <= width
        found = axe.run(page, options=only)
        serious = [
            violation
            for violation in found.response["violations"]
            if violation["impact"] in ("serious", "critical")
        ]
        assert serious == [], found.generate_report()
    blank = "[...document.images].filter(image => !image.naturalWidth).length"
    assert page.evaluate(blank) == 0


@pytest.mark.slow
@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_lesson_is_the_notebook(page, path):
    copy = BOOK / "_sources" / path.name
    assert filecmp.cmp(path, copy, shallow=False), "make book again"
    cells = nbformat.read(path, as_version=4).cells
    page.goto(f"/{path.stem}.html")
    title = cells[0].source.splitlines()[0].removeprefix("# ")
    assert page.locator("article h1").text_content().startswith(title)
    figures = str(cells).count("'image/png': ")
    assert page.locator(".cell_output img").count() == figures
    tags = [tag for cell in cells for tag in cell.metadata.get("tags", [])]
    folds = tags.count("hide-input") + tags.count("hide-output")
    assert page.locator("details.hide").count() == folds > 2
    assert page.locator("details[open]").count() == 0
    code = [cell for cell in cells if cell.cell_type == "code"]
    assert page.locator(".cell").count() == len(code)


@pytest.mark.slow
def test_lessons_lead_to_one_another(page):
    page.goto("/index.html")
    cards = page.locator(".sd-card a")
    assert [card.get_attribute("href") for card in cards.all()] == [
        f"{path.stem}.html" for path in LESSONS
    ]
    for path in LESSONS:
        page.locator(".right-next").click()
        page.wait_for_url(f"**/{path.stem}.html")
    page.locator(".left-prev").click()
    page.wait_for_url(f"**/{LESSONS[-2].stem}.html")


def test_search_finds_a_word_of_lesson_7(page):
    page.goto("/search.html?q=Glorot")
    page.locator("#search-results a[href^='07_numpy']").wait_for()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_reader_on_the_first_page_reads_a_drawn_digit(page, scheme):
    page.emulate_media(color_scheme=scheme)
    page.goto("/index.html")
    inside = page.frame_locator("iframe")
    draw_a_one(page, inside.locator("#drawing"))
    inside.locator("body[data-reading='1']").wait_for()


def test_page_in_lesson_9_reads_a_drawn_digit(page):
    page.goto("/09_ship_it.html")
    inside = page.frame_locator("iframe")
    draw_a_one(page, inside.locator("#drawing"))
    inside.locator("body[data-reading='1']").wait_for()


def test_reader_takes_the_theme_that_is_chosen(page):
    page.emulate_media(color_scheme="null")  # or else frames cannot differ
    page.goto("/index.html")
    inside = page.frame_locator("iframe").locator("body")
    ground = "body => getComputedStyle(body).backgroundColor"
    light = inside.evaluate(ground)
    page.get_by_role("button", name="Color mode").click()
    page.get_by_text("Dark", exact=True).click()
    page.locator("html[data-theme=dark]").wait_for()
    assert inside.evaluate(ground) != light


def test_folds_open_by_keyboard(page):
    page.goto("/01_explore_data.html")
    for fold in page.locator("details").all()[:6]:
        fold.locator("summary").focus()
        page.keyboard.press("Enter")
        assert fold.evaluate("fold => fold.open")
        page.keyboard.press("Enter")
        assert not fold.evaluate("fold => fold.open")


def test_glossary_leads_from_each_term_to_its_lesson(page):
    page.goto("/glossary.html")
    terms, lessons = page.locator("dl.glossary dt"), {p.stem for p in LESSONS}
    assert terms.count() > 100
    for term in terms.all():
        link = term.locator("xpath=following-sibling::dd[1]").locator("a").last
        assert link.get_attribute("href").removesuffix(".html") in lessons


@pytest.mark.slow
def test_address_gives_buttons(page, tmp_path):
    venv = ROOT / ".venv-book"
    if not venv.exists():
        missing("`make book`")
    for name in ("book", "notebooks", "page", "tools"):
        shutil.copytree(ROOT / name, tmp_path / name)
    for name in ("Makefile", "README.md", "CITATION.cff"):
        shutil.copy(ROOT / name, tmp_path)
    badges.write_badges(tmp_path, "ada/digits", "trunk")
    make = ["make", "book", f"VENV={venv}"]
    subprocess.run(make, cwd=tmp_path, check=True, capture_output=True)
    lesson = "03_train_model"
    text = (tmp_path / f"build/book/{lesson}.html").read_text("utf-8")
    urls = set(re.findall(r'href="(https://[^"]+)"', text))
    place = f"ada/digits/blob/trunk/notebooks/{lesson}.ipynb"
    assert f"https://colab.research.google.com/github/{place}" in urls
    assert any(url.startswith("https://codespaces.new/ada/") for url in urls)
    assert "badge" not in text
    text = (BOOK / f"{lesson}.html").read_text("utf-8")
    assert "colab.research" not in text and "codespaces" not in text
