"""Give every lesson its form: `make form`, after a change of what it reads.

It writes into the cell tagged
- setup: tools/setup_cell.py, the same text in every lesson;
- reader: lesson 5's cells tagged read-digits, for lesson 10;
- template: page/template.html, for a lesson alone;
- check: the title "Check 3.2", with the number of the exercise above;
folds the inputs of these, of cells tagged "folded" (what a lesson needs and
does not teach), and the outputs that answer "Predict first", joins pieces of
printed text, and drops what an execution or jupytext leaves in the metadata.
"""

import re
from pathlib import Path

import nbformat
from nbconvert.preprocessors import CoalesceStreamsPreprocessor

ROOT = Path(__file__).parents[1]
SETUP = (ROOT / "tools/setup_cell.py").read_text(encoding="utf-8").strip()
TEMPLATE = (ROOT / "page/template.html").read_text(encoding="utf-8")
TEMPLATE = f'''# @title The page's template: page/template.html
template = r"""{TEMPLATE}"""  # noqa: E501'''
LESSON_5 = ROOT / "notebooks/05_predict_own_digits.ipynb"
READER = "\n\n\n".join(
    ["# @title Lesson 5's reader of single digits: run me."]
    + [
        cell.source
        for cell in nbformat.read(LESSON_5, as_version=4).cells
        if "read-digits" in cell.metadata.get("tags", [])
    ]
)
FOLDED = ("setup", "reader", "template", "check", "folded")
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


def give_form(notebook):
    """Change a notebook in place."""
    notebook.metadata = nbformat.from_dict(METADATA)
    join, number, guessed = CoalesceStreamsPreprocessor(), None, False
    for cell in notebook.cells:
        join.preprocess_cell(cell, {}, 0)
        cell.metadata.pop("lines_to_next_cell", None)
        tags = cell.metadata.get("tags", [])
        if title := re.search(r"^#+ Exercise (\d+\.\d+):", cell.source, re.M):
            number = title[1]
        if cell.cell_type == "markdown" and "solution" not in tags:
            guessed = cell.source.startswith("**Predict first.**")
        if "setup" in tags:
            cell.source = SETUP
        if "reader" in tags:
            cell.source = READER
        if "template" in tags:
            cell.source = TEMPLATE
        if "check" in tags:
            body = re.sub(r"^# @title .*\n", "", cell.source)
            cell.source = f"# @title Check {number}\n{body}"
        if any(tag in tags for tag in FOLDED):
            fold(cell, "source")
        if guessed and cell.cell_type == "code":
            fold(cell, "outputs")


if __name__ == "__main__":
    for path in sorted(ROOT.glob("notebooks/*.ipynb")):
        notebook = nbformat.read(path, as_version=4)
        give_form(notebook)
        nbformat.write(notebook, path)
