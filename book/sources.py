"""Write what Sphinx reads into the folder build/source; `make book` calls it.

Those are the lessons, with what only a book shows: titles for folds and words
for figures. The first page gets a card for each row of the README's table,
with the figure of the lesson's cell tagged "cover".
"""

import base64
import re
import sys
from pathlib import Path

import nbformat
from badges import BADGES

BOOK = Path(__file__).parent
ROOT = BOOK.parent
FIGURE = re.compile(r"\*\*Figure\.\*\* (.+?[.:])(?=\s|$)", re.S)
ROW = re.compile(
    r"^\| \[(\d+) (.+?)\]\(notebooks/(.+?)\.ipynb\) \| (.+?) \| (.+?) \|", re.M
)
CARD = """
:::{{grid-item-card}} {0}. {1}
:link: {2}
:link-type: doc
:img-top: {2}.png
:img-alt: ""

{3}. {4}.
:::
"""


def add_words(notebook):
    """Say what a fold hides and what a figure shows."""
    cells = notebook.cells
    cells[0].source = BADGES.sub("", cells[0].source)
    for cell, after in zip(cells, cells[1:], strict=False):
        if cell.cell_type != "code":
            continue
        words = cell.metadata.setdefault("mystnb", {})
        if title := re.match("# @title (.+)", cell.source):
            words["code_prompt_show"] = title[1]
        if figure := FIGURE.match(after.source):
            text = re.sub(r"[*`]|\[|\]\(.+?\)", "", figure[1])
            words["image"] = {"alt": " ".join(text.split())}


def cover(notebook):
    """Return the PNG of the figure of the cell tagged "cover"."""
    [cell] = [
        cell
        for cell in notebook.cells
        if "cover" in cell.metadata.get("tags", [])
    ]
    [image] = [
        output.data["image/png"]
        for output in cell.outputs
        if "image/png" in output.get("data", {})
    ]
    return base64.b64decode(image)


def write_sources(folder):
    """Write all pages into the folder, a Path; it must be there."""
    cards = []
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for number, title, name, todo, reach in ROW.findall(readme):
        todo, reach = (text[0].upper() + text[1:] for text in (todo, reach))
        cards.append(CARD.format(number, title, name, todo, reach))
        path = ROOT / "notebooks" / f"{name}.ipynb"
        notebook = nbformat.read(path, as_version=4)
        add_words(notebook)
        nbformat.write(notebook, folder / path.name)
        (folder / f"{name}.png").write_bytes(cover(notebook))
    for name in ("index.md", "glossary.md", "teaching.md"):
        text = (BOOK / name).read_text(encoding="utf-8")
        text = text.replace("{{cards}}", "".join(cards))
        text = text.replace("](../notebooks/", "](")
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write_sources(Path(sys.argv[1]))
