"""The lessons' own code, for the tests and benchmarks of it."""

from pathlib import Path

import nbformat

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"


def sources(number, *tags):
    """Return the source of each code cell, or of those with such a tag."""
    (path,) = NOTEBOOKS.glob(f"{number}_*.ipynb")
    return [
        cell.source
        for cell in nbformat.read(path, as_version=4).cells
        if cell.cell_type == "code"
        and (not tags or set(tags) & set(cell.metadata.get("tags", [])))
    ]


def names_of(number, *tags, **names):
    """Run these cells; return all that they define, and `names`, as a dict."""
    for source in sources(number, *tags):
        exec(compile(source, f"lesson {number}", "exec"), names)
    return names
