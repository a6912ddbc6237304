"""The lessons' own code and pictures, for the tests and benchmarks of it."""

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


def thirteen_people():
    """Return pictures (1797, 100, 100), uint8, dark on light, and labels.

    scikit-learn's `load_digits`, enlarged tenfold as lessons 5 and 6 do it.
    """
    import cv2
    import numpy as np
    from sklearn.datasets import load_digits

    pictures = []
    eights, labels = load_digits(return_X_y=True)
    for eight in np.float32(eights.reshape(-1, 8, 8)) * 255 / 16:
        size, how = (100, 100), cv2.INTER_CUBIC
        page = cv2.resize(np.pad(eight, 1), size, interpolation=how)
        pictures.append(np.uint8(255 - np.clip(page, 0, 255)))
    return np.stack(pictures), labels
