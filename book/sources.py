"""Write what Sphinx reads into the folder build/source; `make book` calls it.

Those are the lessons, with what only a book shows: titles for folds, words
for figures, a name for each term. The first page gets a card for each row of
the README's table, with the figure of the lesson's cell tagged "cover"; the
glossary gets the sentence in which a lesson explains each term.
"""

import base64
import re
import shutil
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
STOP = re.compile(r"(?<=[.!?])\s+|(?<=[.!?]\))\s+")
BREAK = re.compile(r"\n\n|^\s*(?:-|\d+\.)\s", re.M)
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
        tags = cell.metadata.get("tags", [])
        if "check" in tags:  # nor does its answer to a stub tell anything
            tags[tags.index("hide-input")] = "hide-cell"
        if title := re.match("# @title (.+)", cell.source):
            words["code_prompt_show"] = title[1]
        if figure := FIGURE.match(after.source):
            text = re.sub(r"[*`]|\[|\]\(.+?\)", "", figure[1])
            words["image"] = {"alt": " ".join(text.split())}


def explain_terms(notebook, number, missing):
    """Name each term that is missing where it first stands in italics.

    missing: a set; the terms that are found leave it. Returns a dict from
    term to the sentence around it and a link there.
    """
    first, *others = notebook.cells
    explained, cells = {}, [*others, first]  # the first often only promises
    for cell in cells:
        if cell.cell_type != "markdown":
            continue
        named = cell.source
        for term in sorted(missing):
            words = r"\s+".join(map(re.escape, term.split()))
            italics = rf"(?<![*\w])\*({words}(?:e?s)?)\*(?!\*)"
            if not (found := re.search(italics, cell.source, re.I)):
                continue
            missing.remove(term)
            name = re.sub(r"\W+", "-", term).lower()
            named = re.sub(
                italics, rf"[*\1*]{{#{name}}}", named, count=1, flags=re.I
            )
            before = BREAK.split(cell.source[: found.start()])[-1]
            after = BREAK.split(cell.source[found.end() :])[0]
            *earlier, start = STOP.split(before)
            sentence = start + found[0] + STOP.split(after)[0]
            if earlier and len(sentence.split()) < 12:  # "This is the ..."
                sentence = f"{earlier[-1]} {sentence}"
            sentence = " ".join(sentence.split())
            explained[term] = f"{sentence} [Lesson&nbsp;{number}](#{name})"
        cell.source = named
    return explained


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
    glossary = (BOOK / "glossary.md").read_text(encoding="utf-8")
    missing = set(re.findall("^- (.+)$", glossary, re.M))
    sentences, cards = {}, []
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for number, title, name, todo, reach in ROW.findall(readme):
        todo, reach = (text[0].upper() + text[1:] for text in (todo, reach))
        cards.append(CARD.format(number, title, name, todo, reach))
        path = ROOT / "notebooks" / f"{name}.ipynb"
        notebook = nbformat.read(path, as_version=4)
        add_words(notebook)
        sentences |= explain_terms(notebook, number, missing)
        nbformat.write(notebook, folder / path.name)
        (folder / f"{name}.png").write_bytes(cover(notebook))
    if missing:
        sys.exit(f"Not in italics in any lesson: {', '.join(missing)}")
    glossary = re.sub(
        "^- (.+)$",
        lambda found: f"{found[1]}\n: {sentences[found[1]]}\n",
        glossary,
        flags=re.M,
    )
    (folder / "glossary.md").write_text(glossary, encoding="utf-8")
    index = (BOOK / "index.md").read_text(encoding="utf-8")
    index = index.replace("{{cards}}", "".join(cards))
    (folder / "index.md").write_text(index, encoding="utf-8")
    shutil.copy(BOOK / "teaching.md", folder)


if __name__ == "__main__":
    write_sources(Path(sys.argv[1]))
