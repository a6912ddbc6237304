"""Run lessons again and again and report whether they stay the same.

python tests/repeat.py TIMES [LESSON ...]

Each lesson runs TIMES times, 2 at least, on the MNIST that is in data/: once
on one core (Linux), once with TF_ENABLE_ONEDNN_OPTS=0, else as it is.
build/repeat.md tells how many runs passed, in how many cells without the tag
nbval-ignore-output the text changed, and between which values the numbers of
the others lay.
Ends with status 1 where a run failed or such a cell changed.
"""

import os
import re
import sys
from collections import defaultdict
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

ROOT = Path(__file__).parents[1]
REPORT = ROOT / "build" / "repeat.md"
NUMBER = re.compile(r"(?<![\w.])-?\d[\d,]*(?:\.\d+)?(?: ?%)?")


def text_of(cell):
    """Return what a cell printed or gave back, without its figures."""
    outputs = [o.get("text") or o.get("data", {}) for o in cell.outputs]
    return "".join(
        o if isinstance(o, str) else o.get("text/plain", "") for o in outputs
    )


def run(path):
    """Run the lesson at path; return its code cells, raise if one fails."""
    notebook = nbformat.read(path, as_version=4)
    place = {"metadata": {"path": str(path.parent)}}
    NotebookClient(notebook, timeout=1200, resources=place).execute()
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def ways(times):
    """Yield the name of a way to run, once for each run; set it up."""
    if pinned := hasattr(os, "sched_setaffinity"):  # kernels inherit it; Linux
        cores = os.sched_getaffinity(0)
        os.sched_setaffinity(0, {min(cores)})
        yield "one core"
        os.sched_setaffinity(0, cores)
    os.environ["TF_ENABLE_ONEDNN_OPTS"] = "0"
    yield "no oneDNN"
    del os.environ["TF_ENABLE_ONEDNN_OPTS"]
    for _ in range(times - 1 - pinned):
        yield "as it is"


def repeat(path, times):
    """Run the lesson in all ways; return runs, failures and its texts.

    The texts are a dict: number of a code cell -> the set of its texts, for
    the cells that must not change, and one such dict of lists for the others.
    """
    runs, failures = 0, []
    fixed, trained = defaultdict(set), defaultdict(list)
    for way in ways(times):
        runs += 1
        print(f"{path.stem}: run {runs}, {way}", flush=True)
        try:
            cells = run(path)
        except CellExecutionError as error:
            failures.append(f"{way}: {error.ename}: {error.evalue}")
            continue
        for i, cell in enumerate(cells, start=1):
            if "nbval-ignore-output" in cell.metadata.get("tags", []):
                trained[i].append(text_of(cell))
            else:
                fixed[i].add(text_of(cell))
    return runs, failures, fixed, trained


def spans(texts):
    """Yield "first line: lowest to highest" for each number that varies."""
    numbers = [NUMBER.findall(text) for text in texts]
    if len(set(map(len, numbers))) > 1:
        yield "another count of numbers in some runs"
        return
    for column in zip(*numbers, strict=True):
        values = sorted(
            (float(re.sub("[, %]", "", number)), number) for number in column
        )
        if values[0] != values[-1]:
            yield f"{values[0][1]} to {values[-1][1]}"


def main(times, *numbers):
    rows, details, bad = [], [], False
    head = "| lesson | runs | passed | fixed cells | of them changed |"
    REPORT.parent.mkdir(exist_ok=True)
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        if numbers and path.name[:2] not in numbers:
            continue
        runs, failures, fixed, trained = repeat(path, int(times))
        changed = [i for i, texts in fixed.items() if len(texts) > 1]
        bad |= bool(failures or changed)
        rows.append(
            f"| {path.stem} | {runs} | {runs - len(failures)} "
            f"| {len(fixed)} | {len(changed)} |"
        )
        details += [f"\n## {path.stem}\n"]
        details += [f"- failed, {failure}" for failure in failures]
        details += [f"- cell {i} must not change, but did" for i in changed]
        for i, texts in trained.items():
            if found := list(spans(texts)):
                details.append(f"- cell {i}: {'; '.join(found)}")
        lines = [head, "|---|---|---|---|---|", *rows, *details]
        REPORT.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(f"the table is in {REPORT.relative_to(ROOT)}")
    return bad


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
