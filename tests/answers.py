"""Answers to the exercises, given where a learner would give them.

Each exercise is a test of its own behind its check, in the lesson's kernel.
What learners answer, and what they must be told, is in tests/exercises/. Where
that says `long`, answers train networks: slow, unless it is on the sample. Of
a lesson without such a table, the solutions are given, and strange answers.
"""

import ast
import re
import tomllib
from pathlib import Path

import pytest

TABLES = Path(__file__).parent / "exercises"
STRANGE = [
    *["'text'", "np.zeros((3, 5, 2))", "float('nan')", "[[1], [2, 3]]"],
    *["{}", "1j", "True", "object()", "tf.constant([[1.0]])", "[None]"],
    "lambda: 1 / 0",
]
RAISES = "raise ValueError('first line\\nsecond line')"


def table_of(path):
    """Return the answers to a lesson's exercises: {number: a dict}."""
    table = TABLES / f"{path.name[:2]}.toml"
    return tomllib.loads(table.read_text("utf-8")) if table.exists() else {}


def exercises(cells):
    """Return {number: (stub, check, solution)} of a lesson."""
    found = {}
    for i, cell in enumerate(cells):
        if "exercise" in cell.metadata.get("tags", []):
            text, stub, check, solution = cells[i - 1 : i + 3]
            number = re.search(r"Exercise (\d+\.\d+):", text.source)[1]
            code = re.search(r"```python\n(.+?)\n```", solution.source, re.S)
            found[number] = stub.source, check.source, code[1]
    return found


def strange_answers(stub):
    """Yield stubs that assign, or return, what nobody expects."""
    node = ast.parse(stub).body[-1]
    if isinstance(node, ast.FunctionDef):
        name = node.name
        head = f"def {name}(*_): "
        yield from (head + f"return {value}" for value in STRANGE)
        yield head + RAISES
    else:
        name = node.targets[0].id
        yield from (f"{name} = {value}" for value in STRANGE)
        yield f"def {name}():\n    {RAISES}"
        yield f"del {name}"


def answers_well(run, stub, check, solution, table):
    """Try all answers to one exercise, and leave it as it was.

    run: runs code in the lesson's kernel and returns what it prints; the
    code must fail if `fails` is true. table: empty, or "wrong", pairs of code
    and words that its answer must have, and "also_right", code.
    """
    assert run(stub + "\n\n" + check).startswith("○ Not yet")
    said, wrong = {}, table.get("wrong", [])
    for code, words in wrong:
        said[code] = run(code + "\n\n" + check)
        assert words in said[code], (code, said[code])
    for code in strange_answers(stub):
        answer = run(code + "\n\n" + check)
        assert 1 <= answer.count("\n") <= 2, (code, answer)
        begins = "○ Not yet: there is no" if code[:4] == "del " else "✘ "
        assert answer.startswith(begins), (code, answer)
    assert all(answer.startswith("✘ ") for answer in said.values()), said
    assert len(set(said.values())) == len(wrong) >= (3 if table else 0), said
    for code in [solution, *filter(None, [table.get("also_right")])]:
        run(code)
        answer = run(check)
        assert re.match(r"✔ Correct\. \w", answer), (code, answer)
    first = stub.splitlines()[0]  # NAME = None
    for failing in ["1 / 0", "does not compile"]:
        run(f"{first.split()[0]} = 'an earlier answer'")
        run(f"{first}\n{failing}", fails=True)
        assert run(check).startswith("○ Not yet"), failing
    run(stub)


class Exercise(pytest.Item):
    """A test that answers one exercise in the kernel of its lesson."""

    def __init__(self, *, exercise, table, **kwargs):
        super().__init__(**kwargs)
        self.exercise, self.table = exercise, table
        if self.config.option.nbval and table:  # on all images
            table["wrong"] += table.get("wrong_on_all_images", [])
            if table.get("long"):
                self.add_marker("slow")

    def runtest(self):
        answers_well(self.run_code, *self.exercise, self.table)

    def run_code(self, source, fails=False):
        seen = []
        reply = self.parent.kernel.kc.execute_interactive(
            source, allow_stdin=False, output_hook=seen.append, timeout=600
        )
        wanted = "error" if fails else "ok"
        assert reply["content"]["status"] == wanted, (source, reply["content"])
        streams = [m["content"] for m in seen if m["msg_type"] == "stream"]
        assert not [s for s in streams if s["name"] == "stderr"], source
        return "".join(stream["text"] for stream in streams)


def with_exercises(items):
    """Yield the tests, and behind each cell with a check its exercise."""
    left = {}
    for item in items:
        yield item
        cell = getattr(item, "cell", None)
        if cell is None or "check" not in cell.metadata.get("tags", []):
            continue
        file = item.parent
        if file not in left:
            left[file] = list(exercises(file.nb.cells).items())
        number, exercise = left[file].pop(0)
        yield Exercise.from_parent(
            file,
            name=f"Exercise {number}",
            exercise=exercise,
            table=table_of(file.path).get(number, {}),
        )
