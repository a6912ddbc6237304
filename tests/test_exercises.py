"""The exercises answer: not yet, correct, or what is wrong, and never fail.

Each lesson runs on the sample in a kernel of its own, cell by cell. What
learners answer, and what they must be told, is in tests/exercises/.
"""

import ast
import re
import shutil
import tomllib
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).parents[1]
TABLES = sorted((ROOT / "tests/exercises").glob("*.toml"))
STRANGE = [
    *["'text'", "np.zeros((3, 5, 2))", "float('nan')", "[[1], [2, 3]]"],
    *["{}", "1j", "True", "object()", "tf.constant([[1.0]])", "[None]"],
    "lambda: 1 / 0",
]
RAISES = "raise ValueError('first line\\nsecond line')"


class Kernel:
    """A lesson's kernel; run() returns what a piece of code prints."""

    def __init__(self, client):
        self.client = client

    def run(self, source):
        cell = nbformat.v4.new_code_cell(source)
        self.client.execute_cell(cell, 0)
        kinds = {(o.output_type, o.get("name")) for o in cell.outputs}
        assert ("error", None) not in kinds, (source, cell.outputs)
        assert ("stream", "stderr") not in kinds, (source, cell.outputs)
        return "".join(o.get("text", "") for o in cell.outputs)


def exercises(cells):
    """Return {position of the stub: (number, stub, check, solution)}."""
    found = {}
    for i, cell in enumerate(cells):
        if "exercise" in cell.metadata.get("tags", []):
            text, stub, check, solution = cells[i - 1 : i + 3]
            number = re.search(r"Exercise (\d+\.\d+):", text.source)[1]
            code = re.search(r"```python\n(.+?)\n```", solution.source, re.S)
            found[i] = number, stub.source, check.source, code[1]
    return found


def strange_answers(stub):
    """Yield stubs that assign, or return, what nobody expects."""
    (node,) = ast.parse(stub).body
    if isinstance(node, ast.FunctionDef):
        head = f"def {node.name}(*_): "
        yield from (head + f"return {value}" for value in STRANGE)
        yield head + RAISES
    else:
        (target,) = node.targets
        yield from (f"{target.id} = {value}" for value in STRANGE)
        yield f"def {target.id}():\n    {RAISES}"
        yield f"del {target.id}"


def answers_well(kernel, stub, check, solution, table):
    """Try all answers to one exercise, and leave it as it was."""
    assert kernel.run(stub + "\n\n" + check).startswith("Not yet")
    said = {}
    for code, words in table["wrong"]:
        said[code] = kernel.run(code + "\n\n" + check)
        assert words in said[code], (code, said[code])
    for code in strange_answers(stub):
        answer = kernel.run(code + "\n\n" + check)
        assert 1 <= answer.count("\n") <= 2, (code, answer)
        assert not answer.startswith(("Correct", "Not yet")), code
    assert len(set(said.values())) == len(table["wrong"]) >= 3, said
    assert not [s for s in said.values() if s.startswith("Correct")]
    for code in [solution, table["also_right"]]:
        kernel.run(code)
        answer = kernel.run(check)
        assert re.match(r"Correct\. \w", answer), (code, answer)
    kernel.run(stub)


@pytest.mark.parametrize("path", TABLES, ids=lambda path: path.stem)
def test_every_answer_is_answered(path, tmp_path, sample):
    (tmp_path / "notebooks").mkdir()
    (tmp_path / "data").mkdir()
    shutil.copy(ROOT / "data/get_mnist.py", tmp_path / "data")
    shutil.copy(sample, tmp_path / "data")
    (lesson,) = (ROOT / "notebooks").glob(f"{path.stem}_*.ipynb")
    notebook = nbformat.read(lesson, as_version=4)
    tables = tomllib.loads(path.read_text(encoding="utf-8"))

    todo = exercises(notebook.cells)
    assert [number for number, *_ in todo.values()] == list(tables)
    client = NotebookClient(
        notebook,
        timeout=300,
        resources={"metadata": {"path": str(tmp_path / "notebooks")}},
    )
    with client.setup_kernel():
        kernel = Kernel(client)
        for i, cell in enumerate(notebook.cells):
            if i in todo:
                number, *exercise = todo[i]
                answers_well(kernel, *exercise, tables[number])
            elif cell.cell_type == "code":
                kernel.run(cell.source)
