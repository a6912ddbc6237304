"""The page's own reading of pages, in JavaScript, against lesson 10's.

Both have the network of the built page, page/digit_reader.html.
"""

import io
import json
import shutil
import subprocess
from pathlib import Path

import cv2
import numpy as np
import pytest
import test_read_page
from conftest import DATA, missing
from lessons import (
    as_keras,
    layers_of_the_page,
    names_of,
    network_of_the_page,
)
from PIL import Image

ROOT = DATA.parent
SCRIPTS = Path(__file__).with_name("page")
PICTURES = sorted((DATA / "digits").iterdir())
SINGLE = "a single digit"
paper = test_read_page.paper  # its fixture: makers of pages


@pytest.fixture(scope="module")
def lesson():
    """Lesson 10's functions by name."""
    import matplotlib.pyplot as plt

    given = {"cv2": cv2, "np": np, "plt": plt, "NONE": 10}
    return names_of("10", "reader", "read-page", **given)


@pytest.fixture(scope="module")
def network():
    """The page's network, as a model of Keras."""
    return as_keras(layers_of_the_page())


def read_by_page(greys, folder):
    """Pictures (h, w) -> the page's readings and its masks of ink."""
    if not shutil.which("node"):
        missing("Node")
    network = network_of_the_page()
    whole = {key: network[key] for key in ("shape", "weights")}
    (folder / "network.json").write_text(json.dumps(whole))
    sizes = [grey.shape for grey in greys]
    (folder / "sizes.json").write_text(json.dumps(sizes))
    content = b"".join(grey.tobytes() for grey in greys)
    (folder / "pictures.raw").write_bytes(content)
    script = SCRIPTS / "read_pictures.js"
    subprocess.run(["node", script, folder], check=True)
    found = json.loads((folder / "readings.json").read_text())
    return found, np.fromfile(folder / "ink.raw", np.uint8)


def assert_equal_readings(lesson, network, greys, names, folder):
    """Rows and boxes are the same, probabilities and values nearly."""
    found, inks = read_by_page(greys, folder)
    apart, other, at = 0, 0, 0
    for grey, name, by_page in zip(greys, names, found, strict=True):
        ink = lesson["find_ink"](grey)
        differ = np.sum(ink.ravel() != inks[at : at + ink.size])
        assert differ <= 10, f"{name}: {differ} pixels of ink differ"
        other, at = other + differ, at + ink.size
        assumed, turn, rows, value = lesson["best_reading"](grey, network)
        assert by_page["text"] == lesson["spell"](rows), name
        assert by_page["turn"] == turn, name
        assert abs(by_page["value"] - value) < 1e-3, name
        for digit, piece in zip(by_page["digits"], sum(rows, []), strict=True):
            if SINGLE not in (assumed, by_page["assumed"]):
                assert digit["box"] == [*piece[:4]], name
            apart = max(apart, np.abs(piece[5] - digit["p"]).max())
    assert at == len(inks)
    slowest = max(reading["seconds"] for reading in found)
    print(f"{other} pixels of ink differ, probabilities by {apart:.1e}")
    print(f"slowest: {slowest:.2f} s")
    assert apart < 1e-3
    return found


def test_reads_the_course_s_pictures_as_lesson_10_does(
    lesson, network, tmp_path
):
    greys = [lesson["read_image"](path) for path in PICTURES]
    names = [path.name for path in PICTURES]
    found = assert_equal_readings(lesson, network, greys, names, tmp_path)
    of = dict(zip(names, found, strict=True))
    assert of["number_0522_1859.jpg"]["text"] == ["0522", "1859"]
    assert of["photo_3.jpg"]["text"] == ["3"]
    assert of["blank.jpg"]["text"] == []
    apart = [
        np.abs(np.ravel(lesson["prepare"](grey)) - reading["prepared"]).max()
        for grey, reading in zip(greys, found, strict=True)
    ]
    print(f"prepared: at most {max(apart):.1e} apart")
    assert max(apart) < 1e-5
    for name, reading in of.items():  # prepared once, not twice
        prepared = reading["prepared"]
        assert reading["single"] == [prepared] * any(prepared), name


def test_reads_pages_as_lesson_10_does(lesson, network, paper, tmp_path):
    """One page of each kind, as a picture file holds it."""
    greys, rng = [], np.random.default_rng(3)
    for make, _ in test_read_page.KINDS.values():
        page, _ = make(paper, rng)
        file = io.BytesIO()
        Image.fromarray(page).save(file, "PNG")
        greys.append(lesson["read_image"](file))
    kinds = [*test_read_page.KINDS]
    found = assert_equal_readings(lesson, network, greys, kinds, tmp_path)
    assert sum(len(reading["digits"]) for reading in found) > 100


def test_strange_sizes_are_read_as_lesson_10_does(
    lesson, network, seven, tmp_path
):
    """Noise in tiny pictures, and a 7 that is stretched to other sizes."""
    rng, greys = np.random.default_rng(0), []
    sizes = [(1, 1), (2, 3), (28, 28), (5, 900), (301, 300), (1000, 747)]
    for h, w in sizes[:3]:
        noise = cv2.blur(rng.normal(128, 200, (h, w)), (5, 5))
        greys.append(np.uint8(noise.clip(0, 255)))
    greys += [cv2.resize(seven, (w, h)) for h, w in sizes[3:]]
    assert_equal_readings(lesson, network, greys, sizes, tmp_path)
