"""The figures' colours, as people see them who lack one kind of cone."""

import itertools
import re

import cv2
import numpy as np
import pytest
import seaborn as sns
from lessons import NOTEBOOKS, sources
from matplotlib import colormaps

# Linear RGB to linear RGB, at severity 1.0: G. Machado et al., 2009,
# https://doi.org/10.1109/TVCG.2009.113
SIGHT = {
    "full": np.eye(3),
    "protanopia": [
        [0.152286, 1.052583, -0.204868],
        [0.114503, 0.786281, 0.099216],
        [-0.003882, -0.048116, 1.051998],
    ],
    "deuteranopia": [
        [0.367322, 0.860646, -0.227968],
        [0.280085, 0.672501, 0.047413],
        [-0.011820, 0.042940, 0.968881],
    ],
    "tritanopia": [
        [1.255528, -0.076749, -0.178779],
        [-0.078411, 0.930809, 0.147602],
        [0.004733, 0.691367, 0.303900],
    ],
}
DIVERGING = {"PuOr"}  # for numbers of both signs
APART = 10  # CIELAB; about 2.3 can just be told apart, side by side


@pytest.fixture(params=SIGHT)
def sight(request):
    return np.array(SIGHT[request.param])


def seen(colours, sight):
    """Return sRGB colours, (n, 3) in 0-1, as seen: CIELAB, (n, 3)."""
    linear = np.where(
        colours <= 0.04045, colours / 12.92, ((colours + 0.055) / 1.055) ** 2.4
    )
    linear = np.clip(linear @ sight.T, 0, 1).astype(np.float32)
    return cv2.cvtColor(linear[None], cv2.COLOR_LRGB2Lab)[0]


def closest(palette, sight):
    """Return the CIELAB distance of the two colours that are most alike."""
    pairs = itertools.combinations(seen(np.array(palette), sight), 2)
    return min(np.linalg.norm(a - b) for a, b in pairs)


def lightness_steps(colormap, sight):
    colours = colormaps[colormap](np.linspace(0, 1, 256))[:, :3]
    return np.diff(seen(colours, sight)[:, 0])


def test_colours_of_the_lessons_stay_apart(sight):
    (name,) = re.findall(r'palette="(\w+)"', sources("01", "setup")[0])
    assert closest(sns.color_palette(name), sight) > APART


def test_red_and_green_do_not():
    red, green = sns.color_palette("tab10")[3], sns.color_palette("tab10")[2]
    distances = [closest([red, green], np.array(m)) for m in SIGHT.values()]
    assert distances[0] > 100 > APART > min(distances)


def maps():
    """Return the names of the lessons' colour maps."""
    paths = NOTEBOOKS.glob("*.ipynb")
    text = "".join(path.read_text("utf-8") for path in paths)
    return set(re.findall(r"cmap=\W+(\w+)", text)) | DIVERGING


def test_maps_of_the_lessons_go_one_way_from_light_to_dark(sight):
    assert {"binary", "Blues"} <= maps()
    for colormap in maps() - DIVERGING:
        steps = lightness_steps(colormap, sight)
        assert (steps > 0).all() or (steps < 0).all(), colormap


@pytest.mark.parametrize("colormap", sorted(DIVERGING))
def test_maps_of_signed_numbers_are_lightest_at_zero(colormap, sight):
    """From there they darken both ways, to two ends that stay apart."""
    steps = lightness_steps(colormap, sight)
    assert (steps[:127] > 0).all() and (steps[128:] < 0).all()
    for share in (0.1, 0.25):  # from the ends
        pair = colormaps[colormap]([share, 1 - share])[:, :3]
        assert closest(pair, sight) > APART


def test_the_rainbow_does_not(sight):
    steps = lightness_steps("jet", sight)
    assert steps.min() < 0 < steps.max()
