"""Every link leads to a file that is there, or to a secure address.

Whether an address answers is asked by the job `links` of book.yml.
"""

import re
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).parents[1]
PATHS = [*ROOT.glob("*.md"), *ROOT.glob("[!.]*/*.md")]
PATHS += (ROOT / "notebooks").glob("*.ipynb")
PATHS.remove(ROOT / "book/index.md")  # its reader comes with the build
NAMES = sorted(path.relative_to(ROOT).as_posix() for path in PATHS)


def links(text):
    """Return the targets of Markdown's links and images, and bare URLs."""
    text = re.sub(r"(`+).+?\1", "", text, flags=re.DOTALL)  # no code
    urls = re.findall(r"https?://[^\s\"'`<>)\]]+", text)
    targets = re.findall(r"\]\(<?([^)>\s]+)", text)
    return {*urls, *targets, *re.findall(r"(?:src|href)=\"([^\"]+)\"", text)}


@pytest.mark.parametrize("name", NAMES)
def test_links_lead_somewhere(name):
    path = ROOT / name
    text = path.read_text("utf-8")
    if path.suffix == ".ipynb":
        cells = nbformat.reads(text, as_version=4).cells
        prose = [c.source for c in cells if c.cell_type == "markdown"]
        text = "\n\n".join(prose)
    for link in links(text):
        if "://" in link:
            assert link.startswith("https://"), link
        elif not link.startswith(("#", "data:", "attachment:")):
            assert (path.parent / link.split("#")[0]).exists(), link


def test_links_are_found():
    text = "[a](b.md#c), ![d](e.png), <http://f.g/>, `x[i](j)` https://k.l/m"
    assert links(text) == {"b.md#c", "e.png", "http://f.g/", "https://k.l/m"}


def test_list_of_tests_is_complete():
    text = (ROOT / "tests/README.md").read_text("utf-8")
    files = {path.name for path in ROOT.glob("tests/test_*.py")}
    assert files == set(re.findall(r"^\| `(test_\w+\.py)`", text, re.M))
