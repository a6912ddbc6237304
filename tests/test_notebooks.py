"""The form of a lesson. What its cells do is nbval's part."""

import json
import re
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).parents[1]
PATHS = sorted((ROOT / "notebooks").glob("*.ipynb"))
TAGS = {"setup", "checkpoint", "nbval-ignore-output"}
TAGS |= {
    "reader",
    "network",
    "autodiff",
    "cnn",
    "page",
    "packed",
}  # cells that tests take code from
MACHINE = re.compile(r"/(home|root|work|tmp|Users|content)/|[A-Z]:\\\\")


@pytest.fixture(scope="module", params=PATHS, ids=lambda path: path.stem)
def path(request):
    return request.param


@pytest.fixture(scope="module")
def notebook(path):
    return nbformat.read(path, as_version=4)


def code(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def texts(notebook):
    return [c.source for c in notebook.cells if c.cell_type == "markdown"]


def tagged(notebook, tag):
    return [c for c in code(notebook) if tag in c.metadata.get("tags", [])]


def has_figure(cell):
    return any("image/png" in out.get("data", {}) for out in cell.outputs)


def test_lessons_are_numbered_without_a_gap():
    numbers = [int(path.name[:2]) for path in PATHS]
    assert numbers == list(range(1, len(PATHS) + 1)) and len(PATHS) >= 5


def test_folder_holds_nothing_but_lessons():
    ours = [p for p in (ROOT / "notebooks").iterdir() if p.name[0] != "."]
    assert {path.suffix for path in ours} == {".ipynb"}


def test_setup_is_the_same_text_everywhere():
    setups = [tagged(nbformat.read(p, 4), "setup") for p in PATHS]
    assert [len(cells) for cells in setups] == [1] * len(PATHS)
    assert len({cells[0].source for cells in setups}) == 1


def test_setup_comes_first(notebook):
    assert code(notebook)[0] == tagged(notebook, "setup")[0]


def test_valid_and_small(path, notebook):
    nbformat.validate(notebook)
    assert path.stat().st_size < 1_000_000


def test_executed_top_to_bottom(notebook):
    counts = [cell.execution_count for cell in code(notebook)]
    assert counts == list(range(1, len(counts) + 1))


def test_outputs_are_stored(notebook):
    for cell in code(notebook):
        if "plt.show()" in cell.source and not cell.source.startswith("def "):
            assert has_figure(cell), cell.source
        if re.search(r"^print\(", cell.source, re.MULTILINE):
            assert cell.outputs, cell.source


def test_outputs_hold_no_error_warning_or_machine_path(notebook):
    for cell in code(notebook):
        for output in cell.outputs:
            assert output.output_type != "error", cell.source
            assert output.get("name") != "stderr", cell.source
            data = {**output.get("data", {}), "text": output.get("text")}
            data.pop("image/png", None)  # letters that mean nothing
            assert not MACHINE.search(json.dumps(data)), cell.source


def test_cells_are_short(notebook):
    for cell in code(notebook):
        lines = [line for line in cell.source.splitlines() if line.strip()]
        packed = "packed" in cell.metadata.get("tags", [])  # a file in text
        assert 1 <= len(lines) <= (99 if packed else 25), cell.source
        assert max(map(len, lines)) <= 79, cell.source


def test_tags_are_known(notebook):
    for cell in notebook.cells:
        assert set(cell.metadata.get("tags", [])) <= TAGS, cell.source


def test_headings_nest(notebook):
    headings = re.findall(r"^(#+) ", "\n".join(texts(notebook)), re.MULTILINE)
    levels = [len(heading) for heading in headings]
    assert levels[0] == 1 and levels.count(1) == 1
    for above, below in zip(levels, levels[1:], strict=False):
        assert below <= above + 1


def test_opening_and_closing(notebook):
    first, *_, last = notebook.cells
    assert first.cell_type == last.cell_type == "markdown"
    assert "**You will**" in first.source and "minute" in first.source
    assert last.source.startswith("## You can now")


def test_ends_with_a_checkpoint(notebook):
    (checkpoint,) = tagged(notebook, "checkpoint")
    assert checkpoint is code(notebook)[-1]
    asserts = re.findall(r"^ *assert\b", checkpoint.source, re.MULTILINE)
    assert len(asserts) >= 3
    assert checkpoint.outputs[0].text.startswith("Checkpoint passed")
    assert "nbval-ignore-output" not in checkpoint.metadata.tags


def test_most_code_is_introduced_by_prose(notebook):
    pairs = zip(notebook.cells, notebook.cells[1:], strict=False)
    bare = [b for a, b in pairs if a.cell_type == b.cell_type == "code"]
    assert len(bare) <= len(code(notebook)) / 4


def test_every_figure_is_told_in_words(notebook):
    for cell, after in zip(notebook.cells, notebook.cells[1:], strict=False):
        if cell.cell_type == "code" and has_figure(cell):
            assert after.cell_type == "markdown", cell.source
            assert after.source.startswith("**Figure.** "), cell.source


def test_images_have_alt_text_and_links_lead_somewhere(path, notebook):
    text = "\n".join(texts(notebook))
    assert not re.search(r"!\[\s*\]|<img(?![^>]*alt=)", text)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if not target.startswith(("https://", "#")):
            assert (path.parent / target.split("#")[0]).exists(), target
