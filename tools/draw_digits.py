"""Draw the pictures that the lessons read: `python tools/draw_digits.py`.

A pen follows ten hand-made paths, with a little wobble, and leaves ink on
paper, which is then lit, ruled, turned or made transparent. No one's
handwriting is in them, so they may be used for anything (CC0).
"""

from pathlib import Path

import cv2
import numpy as np
from PIL import Image

DIGITS = Path(__file__).parents[1] / "data" / "digits"
# The strokes of each digit: points (x, y) in a box 1 wide and 1.4 high.
PATHS = {
    "0": [
        [
            (0.6, 0),
            (0.1, 0.4),
            (0.1, 1.0),
            (0.5, 1.4),
            (0.9, 1.0),
            (0.9, 0.4),
            (0.55, 0),
        ]
    ],
    "1": [[(0.3, 0.3), (0.55, 0)], [(0.55, 0), (0.52, 0.7), (0.5, 1.4)]],
    "2": [
        [
            (0.1, 0.3),
            (0.35, 0),
            (0.75, 0.05),
            (0.8, 0.45),
            (0.45, 0.95),
            (0.1, 1.35),
        ],
        [(0.1, 1.35), (0.5, 1.32), (0.95, 1.36)],
    ],
    "3": [
        [(0.15, 0.15), (0.5, 0), (0.82, 0.25), (0.65, 0.55), (0.35, 0.66)],
        [(0.35, 0.66), (0.75, 0.75), (0.88, 1.1), (0.55, 1.4), (0.1, 1.25)],
    ],
    "4": [
        [(0.35, 0.05), (0.25, 0.4), (0.12, 0.8), (0.5, 0.82), (0.9, 0.8)],
        [(0.72, 0.2), (0.68, 0.8), (0.65, 1.4)],
    ],
    "5": [
        [(0.25, 0.05), (0.2, 0.6)],
        [(0.2, 0.6), (0.55, 0.52), (0.88, 0.85), (0.65, 1.32), (0.1, 1.3)],
        [(0.25, 0.05), (0.55, 0.06), (0.88, 0.02)],
    ],
    "6": [
        [
            (0.7, 0),
            (0.3, 0.35),
            (0.12, 0.9),
            (0.35, 1.38),
            (0.8, 1.2),
            (0.75, 0.8),
            (0.4, 0.75),
            (0.15, 1.05),
        ]
    ],
    "7": [
        [(0.1, 0.08), (0.5, 0.06), (0.9, 0.05)],
        [(0.9, 0.05), (0.6, 0.7), (0.42, 1.4)],
    ],
    "8": [
        [
            (0.8, 0.2),
            (0.5, 0),
            (0.2, 0.3),
            (0.5, 0.65),
            (0.85, 1.05),
            (0.5, 1.4),
            (0.15, 1.05),
            (0.5, 0.65),
            (0.8, 0.2),
        ]
    ],
    "9": [
        [
            (0.82, 0.2),
            (0.5, 0.02),
            (0.2, 0.3),
            (0.4, 0.65),
            (0.8, 0.4),
            (0.82, 0.2),
        ],
        [(0.82, 0.2), (0.78, 0.8), (0.68, 1.4)],
    ],
    "A": [
        [(0.1, 1.4), (0.5, 0)],
        [(0.5, 0), (0.9, 1.4)],
        [(0.25, 0.9), (0.75, 0.9)],
    ],
    "face": [
        [(0.5, 0), (0, 0.3), (0, 1), (0.5, 1.3), (1, 1), (1, 0.3), (0.5, 0)],
        [(0.3, 0.4), (0.32, 0.5)],
        [(0.7, 0.4), (0.7, 0.5)],
        [(0.25, 0.85), (0.5, 1.02), (0.75, 0.85)],
    ],
}


def smooth(points):
    """Points (n, 2) -> many points on a curve through all of them."""
    points = np.vstack([points[:1], points, points[-1:]])
    t = np.linspace(0, 1, 24)[:, None]
    parts = []
    for a, b, c, d in zip(*[points[i:] for i in range(4)], strict=False):
        bend = (2 * a - 5 * b + 4 * c - d) * t**2
        parts.append(
            b + ((c - a) * t + bend + (3 * b - a - 3 * c + d) * t**3) / 2
        )
    return np.concatenate(parts)


def write(ink, digit, x, y, size, pen, rng):
    """Draw `digit` on `ink` (h, w), its top left at (x, y), `size` high."""
    slant = rng.uniform(-0.12, 0.05)
    for stroke in PATHS[digit]:
        points = np.array(stroke) + rng.normal(0, 0.02, (len(stroke), 2))
        points = smooth(points)
        points[:, 0] -= slant * (1.4 - points[:, 1])
        points = np.int32((points * size / 1.4 + [x, y]) * 16)
        cv2.polylines(ink, [points], False, 255, pen, cv2.LINE_AA, 4)


def written(text, size=150, pen=9, rng=None, margin=0.6, step=1.0):
    """Rows of digits, "05/18" for two rows -> ink (h, w), 255 on 0."""
    rows = text.split("/") if text in PATHS or "/" in text else [text]
    rows = [[r] if r in PATHS else list(r) for r in rows]
    edge = int(size * margin)
    width = 2 * edge + int(size * (max(map(len, rows)) * step - 0.2))
    ink = np.zeros((2 * edge + int(size * (1.7 * len(rows) - 0.7)), width))
    ink = ink.astype(np.uint8)
    for i, row in enumerate(rows):
        for j, digit in enumerate(row):
            y = edge + size * (1.7 * i + rng.uniform(-0.05, 0.05))
            write(ink, digit, edge + size * step * j, y, size, pen, rng)
    return ink


def on_paper(
    ink, rng, paper=205, dark=0.75, shade=0.3, lines=None, colour=None
):
    """Ink on lit paper, uint8 RGB: shade 0-1, lines a list of boxes apart."""
    h, w = ink.shape
    y, x = np.mgrid[-1 : 1 : h * 1j, -1 : 1 : w * 1j]
    light = 1 - shade * (0.5 + 0.3 * x - 0.2 * y + 0.3 * (x * x + y * y) - 0.3)
    page = np.full((h, w), 1.0)
    for axis, gap in lines or []:
        at = np.arange(gap // 2, (h, w)[axis] - 1, gap)
        page[(at, slice(None)) if axis == 0 else (slice(None), at)] = 0.75
        page[(at + 1, slice(None)) if axis == 0 else (slice(None), at + 1)] = (
            0.8
        )
    alpha = cv2.GaussianBlur(ink, (0, 0), 1.2)[..., None] / 255 * dark
    ink_colour = np.array(colour or (0.1, 0.1, 0.12))
    rgb = page[..., None] * (1 - alpha) + ink_colour * alpha
    rgb = rgb * paper * light[..., None]
    rgb = (
        rgb + cv2.GaussianBlur(rng.normal(0, 6, (h, w)), (0, 0), 1)[..., None]
    )
    return np.uint8(np.clip(rgb, 0, 255))


def main():
    rng = np.random.default_rng(5)

    def save(name, pixels, **options):
        Image.fromarray(pixels).save(DIGITS / name, optimize=True, **options)

    small = written("4", 110, 13, rng, margin=0.2)
    side = max(small.shape)
    square = np.zeros((side, side), np.uint8)
    square[:, (side - small.shape[1]) // 2 :][:, : small.shape[1]] = small
    square = cv2.resize(square, (28, 28), interpolation=cv2.INTER_AREA)
    save("mnist_input.png", square)
    jpeg = {"quality": 80}
    save("photo_3.jpg", on_paper(written("3", 220, 15, rng), rng), **jpeg)
    faint = written("5", 200, 6, rng)
    save("pencil_5.jpg", on_paper(faint, rng, dark=0.22), **jpeg)
    ruled = written("2", 160, 9, rng, margin=0.8)
    save("ruled_2.jpg", on_paper(ruled, rng, lines=[(0, 85)]), **jpeg)
    grid = written("8", 160, 9, rng, margin=0.8)
    grid = on_paper(
        grid, rng, lines=[(0, 60), (1, 60)], colour=(0.1, 0.15, 0.6)
    )
    save("squared_8.jpg", grid, **jpeg)
    chalk = 255 - on_paper(written("6", 200, 14, rng), rng, paper=230)
    save("chalk_6.jpg", chalk, **jpeg)
    red = on_paper(
        written("9", 200, 12, rng), rng, dark=0.8, colour=(0.85, 0.1, 0.1)
    )
    save("red_9.jpg", red, **jpeg)
    ink = written("0", 160, 18, rng)
    white = np.full((*ink.shape, 3), 255, np.uint8)
    save("transparent_0.png", np.dstack([white, ink]))
    exif = Image.Exif()
    exif[0x0112] = 6  # "turn me a quarter to the right"
    seven = on_paper(written("7", 200, 12, rng), rng)
    save("turned_7.jpg", np.rot90(seven), exif=exif, **jpeg)
    number = written("0522/1859", 100, 7, rng, margin=0.7, step=0.85)
    save("number_0522_1859.jpg", on_paper(number, rng, shade=0.5), **jpeg)
    close = written("358", 130, 10, rng, step=0.66)
    save("touching_358.png", 255 - close)
    save("letter_A.png", 255 - written("A", 150, 11, rng))
    save("face.png", 255 - written("face", 150, 9, rng))
    save("blank.jpg", on_paper(np.zeros((240, 240), np.uint8), rng), **jpeg)


if __name__ == "__main__":
    main()
