"""book/glossary.md: each term stands in the lesson that its entry leads to."""

import re
from pathlib import Path

import nbformat

GLOSSARY = Path(__file__).parents[1] / "book" / "glossary.md"
ENTRY = re.compile(r"^(\S.*)\n((?:  .+\n)+)", re.M)
ENTRIES = dict(ENTRY.findall(GLOSSARY.read_text(encoding="utf-8")))
LINK = re.compile(
    r"\[Lesson&nbsp;(\d+)\]\((\.\./notebooks/(\d\d)_\w+\.ipynb)\)$"
)


def words_of(text):
    """Return a text's words in small letters, with a space between them."""
    return " ".join(re.findall(r"[^\W_]+", text.lower()))


def mentions(path, term):
    """Say whether a lesson's prose has the term, also as a plural."""
    cells = nbformat.read(path, as_version=4).cells
    prose = " ".join(c.source for c in cells if c.cell_type == "markdown")
    return re.search(rf"\b{words_of(term)}(e?s|d)?\b", words_of(prose))


def test_terms_are_in_order():
    terms = [term.lower() for term in ENTRIES]
    assert terms == sorted(terms) and len(terms) > 100


def test_every_term_is_in_its_lesson():
    nowhere = []
    for term, text in ENTRIES.items():
        number, place, name = LINK.search(" ".join(text.split())).groups()
        assert int(number) == int(name), term
        if not mentions(GLOSSARY.parent / place, term):
            nowhere.append(f"{term}: lesson {number}")
    assert nowhere == [], "change these entries' links, or take them out"
