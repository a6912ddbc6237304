"""Give every lesson its form: `make form`, after a change of what it reads.

It writes into the cell tagged
- setup, how_to, answers, load_model, save_model, pictures or writers: the
  file of that name in tools/cells/, the same text in every lesson;
- reader: lesson 5's cells tagged read-digits, for lessons 6, 9 and 10;
- chooser: lesson 5's cell tagged choose-pictures, for lesson 10;
- maker: lesson 6's cells tagged make-reader, for lessons 9 and 10;
- template: tools/bundle.py's function and, for a lesson alone, what it makes
  of the folder page, packed;
- check: the title "Check 3.2", that number and the answer's name in its call
  of `check`;
- passed: which checks the lesson has;
numbers the exercises, folds the inputs of these, of cells tagged "folded"
(what a lesson needs and does not teach), and the outputs that answer "Predict
first", joins pieces of printed text, clears what checks said and widgets,
which are nothing without their kernel, and drops what an execution or
jupytext leaves in the metadata.
"""

import base64
import inspect
import re
import sys
import zlib
from contextlib import suppress
from pathlib import Path

import nbformat
from bundle import bundle
from nbconvert.preprocessors import CoalesceStreamsPreprocessor

ROOT = Path(__file__).parents[1]
LESSON_5 = ROOT / "notebooks/05_predict_own_digits.ipynb"
LESSON_6 = ROOT / "notebooks/06_convolutional_network.ipynb"
LESSON_9 = ROOT / "notebooks/09_ship_it.ipynb"
TEMPLATE = """# @title The page's template, from the folder page: run me.
import base64
import re
import zlib
from pathlib import Path


{}

# What it makes of that folder, packed: for a lesson that has none.
PACKED = "{}"  # noqa: E501
if Path("../page/main.js").exists():
    template = bundle(Path("../page"))
else:
    template = zlib.decompress(base64.b85decode(PACKED)).decode()"""
FIRST_LINE = "NAME = None  # keep this line: it clears your last answer"
STUB = re.compile(FIRST_LINE.replace("NAME", r"(\w+)") + "\n")
WIDGET = "application/vnd.jupyter.widget-view+json"


def gathered(path, tag, title):
    """Return one cell's text: a title, and a lesson's cells with this tag."""
    parts = [
        re.sub(r"^# @title .*\n", "", cell.source)
        for cell in nbformat.read(path, as_version=4).cells
        if tag in cell.metadata.get("tags", [])
    ]
    return "\n\n\n".join([f"# @title {title}: run me.", *parts])


def packed(text):
    """Return the text, packed, as letters.

    Where lesson 9 has letters that hold it, these: another zlib may pack it
    otherwise.
    """
    for cell in nbformat.read(LESSON_9, as_version=4).cells:
        if found := re.search(r'^PACKED = "(.+)"', cell.source, re.M):
            with suppress(ValueError, zlib.error):
                content = zlib.decompress(base64.b85decode(found[1]))
                if content == text.encode():
                    return found[1]
    return base64.b85encode(zlib.compress(text.encode(), 9)).decode()


def written():
    """Return the text of each tag whose cells are written by this tool."""
    texts = {
        path.stem: path.read_text(encoding="utf-8").strip()
        for path in (ROOT / "tools/cells").iterdir()
        if path.suffix in (".py", ".md")
    }
    title = "Lesson 5's reader of single digits"
    texts["reader"] = gathered(LESSON_5, "read-digits", title)
    title = "Lesson 5's buttons that choose files or take photos"
    texts["chooser"] = gathered(LESSON_5, "choose-pictures", title)
    title = "Lesson 6's network, and the digits that it draws"
    texts["maker"] = gathered(LESSON_6, "make-reader", title)
    template = packed(bundle(ROOT / "page"))
    texts["template"] = TEMPLATE.format(inspect.getsource(bundle), template)
    return texts


WRITTEN = written()
FOLDED = {*WRITTEN, "check", "passed", "folded"}
CLEARED = {"check", "passed"}
METADATA = {
    "kernelspec": {
        "display_name": "Python 3 (ipykernel)",
        "language": "python",
        "name": "python3",
    },
    "language_info": {"name": "python"},
}


def fold(cell, part):
    """Fold a cell's "source" or "outputs" in JupyterLab, Colab and a book."""
    cell.metadata.setdefault("jupyter", {})[f"{part}_hidden"] = True
    tag = {"source": "hide-input", "outputs": "hide-output"}[part]
    tags = cell.metadata.setdefault("tags", [])
    if tag not in tags:
        tags.append(tag)
    if part == "source":
        cell.metadata.cellView = "form"


def give_form(notebook, lesson):
    """Change a notebook in place; lesson: its number."""
    notebook.metadata = nbformat.from_dict(METADATA)
    join, exercises, guessed = CoalesceStreamsPreprocessor(), [], False
    for cell in notebook.cells:
        join.preprocess_cell(cell, {}, 0)
        cell.metadata.pop("lines_to_next_cell", None)
        tags = set(cell.metadata.get("tags", []))
        for tag in tags & WRITTEN.keys():
            cell.source = WRITTEN[tag]
        if cell.cell_type == "markdown":
            number = f"{lesson}.{len(exercises) + 1}"
            cell.source, found = re.subn(
                r"^(#+ Exercise) [\d.]+:",
                rf"\1 {number}:",
                cell.source,
                flags=re.M,
            )
            if found:
                exercises.append(number)
            if "solution" not in tags:
                guessed = cell.source.startswith("**Predict first.**")
            continue
        if "exercise" in tags:
            stub = STUB.match(cell.source)
            if not stub:
                which = f"Exercise {exercises[-1]}"
                sys.exit(f"{which}: begin its cell with {FIRST_LINE}")
            name = stub[1]
        if "check" in tags:
            body = re.sub(r"^# @title .*\n", "", cell.source)
            body = re.sub(
                r'^check\((?:\s*"[\d.]+",\s*"\w+",)?',
                f'check(\n    "{exercises[-1]}",\n    "{name}",',
                body,
                flags=re.M,
            )
            cell.source = f"# @title Check {exercises[-1]}\n{body}"
        if "passed" in tags:
            numbers = ", ".join(f'"{number}"' for number in exercises)
            cell.source = "# @title Which checks have passed? Run me.\n"
            cell.source += f"list_checks({numbers})"
        if tags & FOLDED:
            fold(cell, "source")
        if tags & CLEARED:
            cell.outputs, cell.execution_count = [], None
        cell.outputs = [
            o for o in cell.outputs if WIDGET not in o.get("data", {})
        ]
        if guessed:
            fold(cell, "outputs")


if __name__ == "__main__":
    for path in sorted(ROOT.glob("notebooks/*.ipynb")):
        notebook = nbformat.read(path, as_version=4)
        give_form(notebook, int(path.name[:2]))
        nbformat.write(notebook, path)
