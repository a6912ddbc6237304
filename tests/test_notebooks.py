"""The form of a lesson. What its cells do is nbval's part."""

import ast
import json
import re
from copy import deepcopy
from pathlib import Path

import nbformat
import pytest
from form import CLEARED, FOLDED, STUB, WIDGET, give_form

ROOT = Path(__file__).parents[1]
PATHS = sorted((ROOT / "notebooks").glob("*.ipynb"))
TAGS = {*FOLDED, "exercise", "solution", "checkpoint", "cover"}
TAGS |= {"nbval-ignore-output", "hide-input", "hide-output"}
# tests and benchmarks run these
TAGS |= {"read-digits", "choose-pictures", "recipe", "cnn", "make-reader"}
TAGS |= {"network", "autodiff", "scale", "page", "pages", "read-page"}
TAGS |= {"file"}  # a program, which the cell writes into a file
DEFINITIONS = ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef
DETAILS = r"<details><summary>{}</summary>\n\n(.+)\n\n</details>"
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


def has_tag(cell, tag):
    return tag in cell.metadata.get("tags", [])


def tagged(notebook, tag):
    return [c for c in code(notebook) if has_tag(c, tag)]


def has_figure(cell):
    return any("image/png" in out.get("data", {}) for out in cell.outputs)


def test_lessons_are_numbered_without_a_gap():
    assert [int(path.name[:2]) for path in PATHS] == [*range(len(PATHS))]


def test_folder_holds_nothing_but_lessons():
    ours = [p for p in (ROOT / "notebooks").iterdir() if p.name[0] != "."]
    assert {path.suffix for path in ours} == {".ipynb"}


def test_make_form_would_change_nothing(path, notebook):
    formed = deepcopy(notebook)
    give_form(formed, int(path.name[:2]))
    assert nbformat.writes(formed) == path.read_text("utf-8").strip(), (
        "run `make form`"
    )


def test_one_short_folded_setup_cell_comes_first(notebook):
    """GitHub does not fold: this is what a visitor sees first."""
    (setup,) = tagged(notebook, "setup")
    assert notebook.cells[1] is setup
    assert setup.source.startswith("# @title Setup: ")
    assert len(setup.source.splitlines()) <= 40
    assert notebook.cells[2].cell_type == "markdown"


def test_only_needed_cells_are_written_into_a_lesson(notebook):
    """What they define is used further down."""
    for i, cell in enumerate(notebook.cells):
        names = re.findall(r"^def (\w+)", cell.source, re.M)
        below = "\n".join(c.source for c in notebook.cells[i + 1 :])
        for tag in ("load_model", "save_model", "pictures", "writers"):
            if has_tag(cell, tag):
                assert any(f"{name}(" in below for name in names), tag


def test_what_is_folded_has_a_tag_and_a_title(notebook):
    for cell in code(notebook):
        folded = any(has_tag(cell, tag) for tag in FOLDED)
        hidden = cell.metadata.get("jupyter", {}).get("source_hidden", False)
        assert hidden == folded == (cell.metadata.get("cellView") == "form")
        assert hidden == cell.source.startswith("# @title ")


def test_folded_text_stands_in_a_paragraph_of_its_own(notebook):
    """Else Markdown shows its tags, or doesn't fold it."""
    whole = r"(?:^|\n\n)<details[^>\n]*><summary>.+</summary>\n\n"
    for text in texts(notebook):
        text = re.sub(r"```.*?```", "", text, flags=re.S)
        assert len(re.findall(whole, text)) == text.count("<details"), text
        ends = len(re.findall(r"\n\n</details>(?:\n\n|$)", text))
        assert ends == text.count("<details"), text


def test_valid_and_small(path, notebook):
    nbformat.validate(notebook)
    assert path.stat().st_size < 1_000_000


def test_executed_top_to_bottom(notebook):
    for count, cell in enumerate(code(notebook), start=1):
        cleared = any(has_tag(cell, tag) for tag in CLEARED)
        assert cell.execution_count == (None if cleared else count)


def test_what_checks_said_is_not_stored(notebook):
    for tag in CLEARED:
        assert not any(cell.outputs for cell in tagged(notebook, tag))


def test_outputs_are_stored(notebook):
    for cell in code(notebook):
        if re.search(r"^plt\.show\(\)", cell.source, re.MULTILINE):
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
            assert WIDGET not in data, cell.source
            assert " object at 0x" not in json.dumps(data), cell.source


def test_cells_are_short(notebook):
    for cell in code(notebook):
        if not has_tag(cell, "hide-input"):
            lines = [line for line in cell.source.splitlines() if line.strip()]
            longest = 65 if has_tag(cell, "file") else 25
            assert 1 <= len(lines) <= longest, cell.source
            assert lines[0].startswith("%%file ") == has_tag(cell, "file")


def bound(node):
    """Yield each name that a cell binds, and whether by `def` or `class`.

    Left out is what only a function, a class or a comprehension knows.
    """
    for child in ast.iter_child_nodes(node):
        if isinstance(node, ast.comprehension) and child is node.target:
            continue
        if isinstance(child, ast.Name) and isinstance(child.ctx, ast.Store):
            yield child.id, False
        elif isinstance(child, ast.alias):
            yield child.asname or child.name.split(".")[0], False
        if isinstance(child, DEFINITIONS):
            yield child.name, True
        elif not isinstance(child, ast.Lambda):
            yield from bound(child)


def test_variables_do_not_take_the_names_of_functions(notebook):
    """Else a cell further up may fail when it's run again."""
    names = {True: set(), False: set()}
    for cell in code(notebook):
        if has_tag(cell, "file"):
            continue
        for name, defined in bound(ast.parse(STUB.sub("", cell.source))):
            names[defined].add(name)
    taken = names[True] & names[False]
    assert not taken, f"rename the variable: a function is called {taken}"


def test_tags_are_known(notebook):
    for cell in notebook.cells:
        assert set(cell.metadata.get("tags", [])) <= TAGS, cell.source


def test_headings_nest(notebook):
    text = re.sub(r"```.+?```", "", "\n".join(texts(notebook)), flags=re.S)
    headings = re.findall(r"^(#+) ", text, re.MULTILINE)
    levels = [len(heading) for heading in headings]
    assert levels[0] == 1 and levels.count(1) == 1
    for above, below in zip(levels, levels[1:], strict=False):
        assert below <= above + 1


def test_code_blocks_in_texts_are_fenced(notebook):
    """A fence stands alone in its line, else it's shown as running text."""
    for text in texts(notebook):
        fences = [line for line in text.splitlines() if "```" in line]
        assert all(map(re.compile(r"```\w*").fullmatch, fences)), text
        assert len(fences) % 2 == 0, text


def test_opening_and_closing(notebook):
    first, *_, last = notebook.cells
    assert first.cell_type == last.cell_type == "markdown"
    assert "**You will**" in first.source and "minute" in first.source
    assert last.source.startswith("## You can now")


def test_ends_with_a_checkpoint(notebook):
    (checkpoint,), (passed,) = (
        tagged(notebook, tag) for tag in ("checkpoint", "passed")
    )
    assert code(notebook)[-2:] == [checkpoint, passed]
    asserts = re.findall(r"^ *assert\b", checkpoint.source, re.MULTILINE)
    assert len(asserts) >= 3
    assert checkpoint.outputs[0].text.startswith("Checkpoint passed")
    assert "nbval-ignore-output" not in checkpoint.metadata.tags


def test_most_code_is_introduced_by_prose(notebook):
    pairs = zip(notebook.cells, notebook.cells[1:], strict=False)
    bare = [b for a, b in pairs if a.cell_type == b.cell_type == "code"]
    bare = [b for b in bare if not has_tag(b, "hide-input")]  # has a title
    assert len(bare) <= len(code(notebook)) / 4


def test_every_figure_is_told_in_words(notebook):
    for cell, after in zip(notebook.cells, notebook.cells[1:], strict=False):
        if cell.cell_type == "code" and has_figure(cell):
            assert after.cell_type == "markdown", cell.source
            assert after.source.startswith("**Figure.** "), cell.source


def test_images_have_alt_text_and_are_there(notebook):
    text = "\n".join(texts(notebook))
    assert not re.search(r"!\[\s*\]|<img(?![^>]*alt=)", text)
    for cell in notebook.cells:  # a lesson alone has no files beside it
        for target in re.findall(r"!\[[^]]+\]\(([^)]+)\)", cell.source):
            assert target.startswith("attachment:"), target
            assert target.split(":")[1] in cell.attachments


def test_exercises_have_stub_check_and_solution(path, notebook):
    cells, lesson = notebook.cells, path.stem[:2]
    stubs = [i for i, cell in enumerate(cells) if has_tag(cell, "exercise")]
    assert 2 <= len(stubs) <= 5
    assert len(stubs) == len(tagged(notebook, "check"))
    first = cells[stubs[0] - 3 : stubs[0] - 1]
    assert [
        has_tag(*pair)
        for pair in zip(first, ["how_to", "answers"], strict=True)
    ] == [True, True]
    for number, i in enumerate(stubs, 1):
        text, stub, check, solution = cells[i - 1 : i + 3]
        title = rf"###+ Exercise {int(lesson)}\.{number}: \w.+\n\n\w"
        assert re.match(title, text.source), text.source
        name = STUB.match(stub.source)[1]
        assert re.search(rf"\b{name}\b", check.source) and not stub.outputs
        title = f"# @title Check {int(lesson)}.{number}\n"
        assert has_tag(check, "check"), check.source
        assert check.source.startswith(title), check.source
        assert solution.metadata.tags == ["solution"], solution.source
        fence = re.fullmatch(DETAILS.format("Solution"), solution.source, re.S)
        answer = re.fullmatch(r"```python\n(.+)\n```", fence[1], re.S)[1]
        assert ast.parse(answer) and max(map(len, answer.splitlines())) <= 79


def test_predictions_come_before_the_cell_that_shows_them(path, notebook):
    cells = notebook.cells
    asked = [
        i
        for i, cell in enumerate(cells)
        if cell.source.startswith("**Predict first.** ")
    ]
    assert 2 <= len(asked) <= 3 or path.stem == "00_whole_game"
    for i in asked:
        question, answer, shown = cells[i : i + 3]
        assert has_tag(shown, "hide-output"), shown.source
        assert "?" in question.source and shown.cell_type == "code"
        assert re.fullmatch(DETAILS.format("Answer"), answer.source, re.S)
        assert answer.metadata.tags == ["solution"]
    folded = [cell for cell in cells if has_tag(cell, "solution")]
    assert len(folded) == len(asked) + len(tagged(notebook, "exercise"))


def test_folded_outputs_give_nothing_away_and_hold_something(notebook):
    """JupyterLab shows the first line of a folded text."""
    folded = tagged(notebook, "hide-output")
    assert all(cell.metadata.jupyter.outputs_hidden for cell in folded)
    for text in (o.text for c in folded for o in c.outputs if "text" in o):
        first, *rest = text.splitlines()
        assert first[-1] in ":?" and not re.search(r"\d", first), first
        assert rest, text
