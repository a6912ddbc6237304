"""Every link leads to a file that is there or to an address that stays."""

import re
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).parents[1]
PATHS = [ROOT / "README.md", *sorted(ROOT.glob("[!.]*/README.md"))]
PATHS += sorted((ROOT / "notebooks").glob("*.ipynb"))
STABLE = (
    # papers and licences
    *("doi.org/10.", "arxiv.org/abs/", "creativecommons.org/licenses/"),
    # the documentation of what the course uses or speaks of, by its makers
    *("ai.google.dev/edge/", "developer.mozilla.org/", "docs.python.org/3/"),
    *("fastapi.tiangolo.com/", "keras.io/", "nbval.readthedocs.io/"),
    *("numpy.org/", "onnxruntime.ai/docs/", "scikit-learn.org/stable/"),
    *("tljh.jupyter.org/", "www.python.org/", "www.tensorflow.org/"),
    # where a lesson can be opened
    *("colab.research.google.com/", "mybinder.org/"),
    # data that a paper describes, and what stops `fit`, at their authors'
    *("github.com/cleanlab/label-errors", "github.com/keras-team/keras/"),
    "github.com/facebookresearch/qmnist",
    # a hole in a loader, and where a page can be hosted
    *("nvd.nist.gov/vuln/detail/CVE-", "pages.github.com/"),
)


def links(text):
    """Return the targets of Markdown's links and images, and bare URLs."""
    text = re.sub(r"(`+).+?\1", "", text, flags=re.DOTALL)  # no code
    urls = re.findall(r"https?://[^\s\"'`<>)\]]+", text)
    targets = re.findall(r"\]\(<?([^)>\s]+)", text)
    return {*urls, *targets, *re.findall(r"(?:src|href)=\"([^\"]+)\"", text)}


@pytest.mark.parametrize("path", PATHS, ids=lambda path: path.name)
def test_links_lead_somewhere_that_stays(path):
    text = path.read_text("utf-8")
    if path.suffix == ".ipynb":
        cells = nbformat.reads(text, as_version=4).cells
        prose = [c.source for c in cells if c.cell_type == "markdown"]
        text = "\n\n".join(prose)
    for link in links(text):
        if "://" in link:
            assert link.startswith(tuple(f"https://{s}" for s in STABLE)), link
        elif not link.startswith(("#", "data:", "attachment:")):
            assert (path.parent / link.split("#")[0]).exists(), link


def test_links_are_found():
    text = "[a](b.md#c), ![d](e.png), <http://f.g/>, `x[i](j)` https://k.l/m"
    assert links(text) == {"b.md#c", "e.png", "http://f.g/", "https://k.l/m"}


def test_list_of_tests_is_complete():
    text = (ROOT / "tests/README.md").read_text("utf-8")
    files = {path.name for path in ROOT.glob("tests/test_*.py")}
    assert files == set(re.findall(r"^\| `(test_\w+\.py)`", text, re.M))
