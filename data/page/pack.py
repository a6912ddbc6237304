"""Put the page's template, packed, into lesson 9, for a notebook alone.

Run it after each change of digit_reader.html.
"""

import base64
import zlib
from pathlib import Path

import nbformat

HERE = Path(__file__).parent
LESSON = HERE.parents[1] / "notebooks" / "09_ship_it.ipynb"


def main():
    text = (HERE / "digit_reader.html").read_text(encoding="utf-8")
    packed = base64.b85encode(zlib.compress(text.encode(), 9)).decode()
    notebook = nbformat.read(LESSON, as_version=4)
    for cell in notebook.cells:
        if "packed" in cell.metadata.get("tags", []):
            cell.source = f'PACKED = "{packed}"  # noqa: E501'
            cell.metadata.jupyter = {"source_hidden": True}
            cell.metadata.cellView = "form"
    nbformat.write(notebook, LESSON)


if __name__ == "__main__":
    main()
