"""Lesson 5's reading: strangers' handwriting, bad files, and to_mnist.

The functions come from the lesson's own cells, those tagged `read-digits`.
"""

import csv
import io
import random
import shutil
import struct
import subprocess
import sys
import time
import zlib
from pathlib import Path

import cv2
import draw_digits
import numpy as np
import pytest
from conftest import DATA, missing, on_sample, saved_model
from hypothesis import given, settings
from hypothesis import strategies as st
from lessons import names_of, thirteen_people
from PIL import Image, features

SHARED = DATA.parents[1] / "shared"
HEIC = Path(__file__).with_name("seven.heic")  # the fixture, as a phone's file
MODELS = {"CNN": "digit_cnn.keras", "MLP": "digit_mlp.keras"}
MODELS["reader"] = "digit_reader.keras"  # of eleven classes
# Accuracy on single digits by other hands. Goals: 97 and 98, 93 and 97 %.
# Five MLPs of other seeds got 287 to 294 of 296, and 512 to 518 of 551; six
# readers, whose refusals count as mistakes, 292 to 294 and 530 to 535.
FLOORS = {
    ("handwriting", "MLP"): 0.96,
    ("handwriting", "CNN"): 0.98,
    ("handwriting-cells", "MLP"): 0.92,
    ("handwriting-cells", "CNN"): 0.96,
    ("handwriting", "reader"): 0.98,
    ("handwriting-cells", "reader"): 0.96,
    ("handwriting-new", "reader"): 0.95,
}
# On thirteen people's, by networks of all of MNIST, and of the sample.
PEOPLE = [("MLP", (0.85, 0.7)), ("CNN", (0.89, 0.8)), ("reader", (0.9, 0.8))]


@pytest.fixture(scope="module")
def lesson():
    """The lesson's functions by name."""
    import matplotlib.pyplot as plt

    return names_of("05", "read-digits", cv2=cv2, np=np, plt=plt)


@pytest.fixture(scope="module")
def model():
    return saved_model(MODELS["MLP"])


# Strangers' handwriting


@pytest.mark.parametrize(("folder", "name"), FLOORS)
def test_reads_other_hands(lesson, full_mnist, folder, name):
    if not (SHARED / folder).exists():
        pytest.skip(f"needs ../shared/{folder}")
    model, right = saved_model(MODELS[name]), {}
    with open(SHARED / folder / "labels.csv", encoding="utf-8") as file:
        for line in csv.DictReader(file):
            if len(line["label"]) == 1:
                path = SHARED / folder / "images" / line["file"]
                digit, _ = lesson["read_digit"](path, model)
                hit = digit == int(line["label"])
                right.setdefault(line["label"], []).append(hit)
                right.setdefault(line["kind"], []).append(hit)
                right.setdefault("all", []).append(hit)
    shares = {group: f"{np.mean(hits):.1%}" for group, hits in right.items()}
    print(folder, name, sum(right["all"]), "of", len(right["all"]), shares)
    assert np.mean(right["all"]) >= FLOORS[folder, name], shares


@pytest.mark.parametrize(("name", "floor"), PEOPLE)
def test_reads_thirteen_people(lesson, name, floor):
    """Real hands for every clone: scikit-learn's, as lesson 5 shows them."""
    model, (pictures, labels) = saved_model(MODELS[name]), thirteen_people()
    images = [lesson["prepare"](grey) for grey in pictures]
    right = model.predict_on_batch(np.stack(images)).argmax(axis=1) == labels
    ones = right[labels == 1].mean()
    print(f"{name}: {right.mean():.1%}, of the 1s {ones:.1%}")
    assert right.mean() >= floor[on_sample()]


class Answers:
    """A network that gives these probabilities, whatever it sees."""

    def __init__(self, p):
        self.p = np.float32(p)

    def predict_on_batch(self, images):
        return np.stack([self.p] * len(images))


@pytest.mark.parametrize(("answer", "digit"), [(7, 7), (0, 0), (10, None)])
def test_an_eleventh_class_is_no_digit(lesson, seven, tmp_path, answer, digit):
    p = np.full(11, 0.02)
    p[answer] = 0.8
    model, path = Answers(p), tmp_path / "seven.png"
    Image.fromarray(seven).save(path)
    assert lesson["read_digit"](path, model) == (digit, np.float32(0.8))
    image = lesson["prepare"](seven)
    _, _, bars = lesson["show_reading"](seven, image, model).axes
    seen = "no digit" if digit is None else digit
    assert bars.get_title() == f"predicted: {seen},\n80% confident"
    ticks = [tick.get_text() for tick in bars.get_xticklabels()]
    assert ticks == [*"0123456789", "none"]
    lesson["plt"].close("all")


def drawn(texts, size, margin):
    """Yield (picture file, text): written by a program, on shaded paper.

    size: pixels, between which the height of a digit lies. Everybody has
    these, unlike ../shared; and they are the same in every run.
    """
    rng = np.random.default_rng(7)
    for number, text in enumerate(texts):
        height = int(rng.integers(*size))
        pen = int(height * rng.uniform(0.05, 0.11))
        ink = draw_digits.written(text, height, pen, rng, margin, step=0.9)
        lines = [(number % 2, int(height * rng.uniform(0.4, 0.6)))]
        dark, shade = rng.uniform([0.4, 0.1], [0.9, 0.6])
        options = {"lines": lines if number % 3 == 0 else None}
        page = draw_digits.on_paper(ink, rng, 205, dark, shade, **options)
        file = io.BytesIO()
        Image.fromarray(page).save(file, "JPEG", quality=80)
        yield file, text


@pytest.mark.parametrize(("name", "floor"), [("MLP", 0.82), ("CNN", 0.9)])
def test_reads_drawn_digits(lesson, full_mnist, name, floor):
    model = saved_model(MODELS[name])
    hits = [
        lesson["read_digit"](file, model)[0] == int(text)
        for file, text in drawn("0123456789" * 10, (100, 250), 0.5)
    ]
    print(f"{name}: {sum(hits)} of {len(hits)}")
    assert np.mean(hits) >= floor


# One drawn seven as every kind of file


def transparent(page, ink):
    """RGBA picture: `ink` where the page is dark, nothing elsewhere."""
    rgba = np.full((*page.shape, 4), ink, np.uint8)
    rgba[..., 3] = 255 - page
    return Image.fromarray(rgba)


def files_of(page):
    """Name -> (picture, options of save), all of the same digit."""
    grey = Image.fromarray(page)
    deep = Image.fromarray(page.astype(np.uint16) * 257)
    frames = {"save_all": True, "append_images": [grey.rotate(90)] * 2}
    yield "grey.png", grey, {}
    yield "colour.jpg", grey.convert("RGB"), {}
    yield "progressive.jpg", grey.convert("RGB"), {"progressive": True}
    yield "cmyk.jpg", grey.convert("CMYK"), {}
    yield "deep.png", deep, {}
    yield "deep.tiff", deep, {}
    yield "float.tiff", Image.fromarray(page / np.float32(255)), {}
    yield "one_bit.png", grey.convert("1"), {}
    yield "palette.png", grey.convert("P"), {}
    yield "animated.gif", grey, frames
    yield "lossy.webp", grey.convert("RGB"), {}
    if features.check("avif"):
        yield "phone.avif", grey.convert("RGB"), {}
    yield "inverted.bmp", Image.fromarray(255 - page), {}
    yield "white_on_nothing.png", transparent(page, 255), {}
    yield "black_on_nothing.png", transparent(page, 0), {}
    yield "Ziffer_sieben_七.png", grey, {}
    yield "n" * 200 + ".png", grey, {}


def test_every_kind_of_file_is_read(lesson, model, seven, tmp_path, capfd):
    for name, picture, options in files_of(seven):
        picture.save(tmp_path / name, **options)
        digit, confidence = lesson["read_digit"](tmp_path / name, model)
        assert digit == 7 and 0.5 < confidence <= 1, name
        grey = lesson["read_image"](tmp_path / name)
        assert grey.ndim == 2 and grey.dtype == np.uint8, name
    assert capfd.readouterr().err == ""


def reads_heic(lesson):
    if "HEIF" not in lesson["FORMATS"]:
        missing("pi-heif")


@pytest.mark.parametrize("name", ["IMG_7.HEIC", "renamed.jpg"])
def test_heic(lesson, model, seven, tmp_path, capfd, name):
    reads_heic(lesson)
    path = shutil.copy(HEIC, tmp_path / name)
    assert lesson["read_digit"](path, model)[0] == 7
    grey = lesson["read_image"](io.BytesIO(HEIC.read_bytes()))
    assert grey.shape == seven.shape and grey.dtype == np.uint8
    assert np.abs(grey - np.float32(seven)).mean() < 3
    assert capfd.readouterr().err == ""


def test_without_pi_heif_a_heic_is_refused_and_all_else_is_read(
    monkeypatch, seven, tmp_path
):
    Image.init()
    monkeypatch.setitem(sys.modules, "pi_heif", None)  # as if not installed
    for name in ("OPEN", "EXTENSION", "MIME", "SAVE", "SAVE_ALL"):
        known = dict(getattr(Image, name))
        known.pop("HEIF", None)
        monkeypatch.setattr(Image, name, known)
    monkeypatch.setattr(Image, "ID", [x for x in Image.ID if x != "HEIF"])
    lesson = names_of("05", "read-digits", cv2=cv2, np=np)
    assert "HEIF" not in lesson["FORMATS"]
    content = HEIC.read_bytes()
    for brand in (b"heic", b"heix", b"mif1"):  # an iPhone's, HDR, Android's
        file = io.BytesIO(content[:8] + brand + content[12:])
        file.name = "IMG_7.jpg"
        with pytest.raises(ValueError) as told:
            lesson["read_image"](file)
        assert str(told.value).startswith("IMG_7.jpg: this is a HEIC photo")
        for words in ("Formats > Most Compatible", "export it as JPEG"):
            assert words in str(told.value)
    for name, picture, options in files_of(seven):
        picture.save(tmp_path / name, **options)
        lesson["read_image"](tmp_path / name)


def test_a_pillow_without_avif_reads_all_else(monkeypatch, seven, tmp_path):
    known = {kind: Image.OPEN[kind] for kind in Image.OPEN if kind != "AVIF"}
    files = [x for x in files_of(seven) if not x[0].endswith(".avif")]
    for name, picture, options in files:
        picture.save(tmp_path / name, **options)
    monkeypatch.setattr(Image, "OPEN", known)
    lesson = names_of("05", "read-digits", cv2=cv2, np=np)
    for name, _, _ in files:
        lesson["read_image"](tmp_path / name)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation(lesson, model, seven, tmp_path, orientation):
    undo = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}  # Transpose members
    picture = Image.fromarray(seven)
    if orientation > 1:
        picture = picture.transpose(Image.Transpose(undo[orientation]))
    exif = Image.Exif()
    exif[0x0112] = orientation
    picture.save(tmp_path / "turned.jpg", exif=exif)
    assert lesson["read_digit"](tmp_path / "turned.jpg", model)[0] == 7


# Files and pictures that hold no digit


def bomb(side=40_000):
    """A PNG of a few bytes that claims side x side pixels."""

    def chunk(kind, data):
        body = kind + data
        crc = struct.pack(">I", zlib.crc32(body))
        return struct.pack(">I", len(data)) + body + crc

    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    data = chunk(b"IDAT", zlib.compress(bytes(1000)))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + data


def blank_jpeg(w, h, scans=1, progressive=False, data=None):
    """Bytes of a JPEG without ink, coded by hand in two bits a block.

    scans: 1, or 3, one for each colour. data: bytes a scan, if not in full.
    """

    def part(mark, content):
        return struct.pack(">BBH", 255, mark, len(content) + 2) + content

    colours, code = [1, 2, 3], b"\1" + bytes(16)  # 0, of one bit, for nothing
    made = b"\xff\xd8" + part(0xDB, b"\0" + b"\1" * 64)
    frame = struct.pack(">BHHB", 8, h, w, 3)
    frame += b"".join(bytes([colour, 0x11, 0]) for colour in colours)
    made += part(0xC2 if progressive else 0xC0, frame)
    made += part(0xC4, b"\0" + code) + part(0xC4, b"\x10" + code)
    for some in [colours] if scans == 1 else [[c] for c in colours]:
        which = b"".join(bytes([colour, 0]) for colour in some)
        end = bytes([0, 0 if progressive else 63, 0])
        made += part(0xDA, bytes([len(some)]) + which + end)
        blocks = -(-w // 8) * -(-h // 8) * len(some)
        made += bytes(blocks // (8 if progressive else 4) + 1)[:data]
    return made + b"\xff\xd9"


def damaged(page):
    """Name -> bytes of a file that cannot be read."""
    for kind in ("png", "jpeg", "gif", "webp", "bmp"):
        file = io.BytesIO()
        Image.fromarray(page).save(file, kind)
        yield f"truncated.{kind}", file.getvalue()[: len(file.getvalue()) // 2]
    yield "truncated.heic", HEIC.read_bytes()[:700]
    yield "header.jpg", b"\xff\xd8\xff\xe0\0\x10JFIF\0"
    yield "empty.png", b""
    yield "text.png", b"this is no picture"
    yield "large.png", bomb(7_100)
    yield "bomb.png", bomb()


REASONS = {  # name of a file -> its bytes, and what is said of it
    "note.pdf": (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj", "this is a PDF"),
    "clip.mp4": (b"\0\0\0\x20ftypisom\0\0\2\0isomiso2avc1", "this is a video"),
    "live.mov": (b"\0\0\0\x14ftypqt  \0\0\0\0qt  ", "this is a video"),
    "old.mov": (b"\0\0\0\x08wide\0\1\2\3mdat", "this is a video"),
    "clip.avi": (b"RIFF\0\1\2\3AVI LIST", "this is a video"),
    "seven.svg": (b'<?xml version="1.0"?>\n<svg>', "this is an SVG drawing"),
    "shot.cr3": (b"\0\0\0\x18ftypcrx \0\0\0\1crx isom", "raw photo"),
    "shot.cr2": (b"II*\0\x10\0\0\0CR\2\0" + bytes(50), "raw photo"),
    "note.txt": ("eine Zwölf\n".encode(), "this is text"),
    "page.html": (b"<!DOCTYPE html><p>7", "this is text"),
    "zero.jpg": (b"", "this file is empty"),
    "noise.jpg": (bytes(range(256)), "damaged, or of a kind"),
    "empty.png": (b"", "this file is empty"),
    "text.png": (b"this is no picture", "this is text"),
    "large.png": (bomb(7_100), "it has 50.41 megapixels, and at most 50 are"),
    "bomb.png": (bomb(), "it has 1,600 megapixels, and at most 210 are"),
}


def test_what_cannot_be_read_is_told_with_advice(
    lesson, model, seven, tmp_path, capfd
):
    said = {name: "this file is damaged" for name, _ in damaged(seven)}
    said |= {name: words for name, (_, words) in REASONS.items()}
    said |= {"folder.png": "this is a folder", "missing.png": "no such file"}
    files = dict(damaged(seven)) | {n: REASONS[n][0] for n in REASONS}
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "folder.png").mkdir()
    for name, words in said.items():
        if name.endswith(".heic"):
            reads_heic(lesson)
        for read in (
            lambda path: lesson["read_image"](path),
            lambda path: lesson["read_digit"](path, model),
        ):
            with pytest.raises(ValueError) as told:
                read(tmp_path / name)
            text = str(told.value)
            assert text.startswith(f"{name}: ") and words in text, text
            assert "damaged" not in words or "JPEG" not in text, text
            assert text.endswith(".") and text.count(". ") < 3, text
    with open(tmp_path / "note.pdf", "rb") as file:
        with pytest.raises(ValueError, match="note.pdf: this is a PDF"):
            lesson["read_image"](file)
    assert capfd.readouterr().err == ""


# Large pictures


@pytest.mark.parametrize("size", [(9248, 6936), (16320, 12240)])
def test_the_largest_photos_of_phones(lesson, size):
    content = blank_jpeg(*size)
    start = time.process_time()
    grey = lesson["read_image"](io.BytesIO(content))
    print(f"{size}: {time.process_time() - start:.2f} s of processor")
    assert grey.shape == (750, 1000) and len(np.unique(grey)) == 1
    assert time.process_time() - start < 5


def test_a_progressive_photo_of_48_megapixels(lesson):
    file = io.BytesIO(blank_jpeg(8064, 6048, progressive=True))
    assert lesson["read_image"](file).shape == (750, 1000)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (blank_jpeg(65_000, 65_000, data=99), "has 4,225 megapixels"),
        (blank_jpeg(9248, 6936, progressive=True), "has 64.14 megapixels"),
        (blank_jpeg(16384, 12288, progressive=True, data=99), "has 201.3 "),
        (blank_jpeg(16384, 12288, scans=3, data=99), "damaged, or of a kind"),
        (bomb(65_000), "has 4,225 megapixels"),
        (bomb(7_100), "has 50.41 megapixels"),
    ],
    ids=["claim", "progressive", "claim progressive", "scans", "png", "50 MP"],
)
def test_bombs_are_refused_at_once(lesson, content, words):
    start = time.process_time()
    with pytest.raises(ValueError, match=words):
        lesson["read_image"](io.BytesIO(content))
    assert time.process_time() - start < 0.5


MEMORY = """
import resource, sys
sys.path[:0] = sys.argv[2:]
import cv2, numpy as np
from lessons import names_of
read = names_of("05", "read-digits", cv2=cv2, np=np)["read_image"]
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    read(sys.argv[1])
except ValueError:
    pass
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="counts in kB, on Linux")
@pytest.mark.parametrize(
    ("content", "most"),
    [
        (blank_jpeg(16384, 12288), 100),
        (blank_jpeg(8160, 6120, progressive=True), 400),
        (blank_jpeg(16384, 12288, scans=3, data=99), 100),
        (blank_jpeg(16384, 12288, progressive=True, data=99), 100),
        (blank_jpeg(65_000, 65_000, data=99), 100),
    ],
    ids=["200 MP", "progressive", "scans", "claim progressive", "claim"],
)
def test_memory(tmp_path, content, most):
    (tmp_path / "large.jpg").write_bytes(content)
    told = subprocess.run(
        [sys.executable, "-c", MEMORY, tmp_path / "large.jpg", *sys.path],
        capture_output=True,
        check=True,
        text=True,
    )
    print(f"{int(told.stdout) / 1000:.0f} MB")
    assert int(told.stdout) / 1000 < most and told.stderr == ""


def empty_pictures():
    noise = np.random.default_rng(0).normal(200, 3, (300, 300))
    yield "one", np.zeros((1, 1), np.uint8)
    yield "row", np.full((1, 500), 255, np.uint8)
    yield "column", np.full((500, 1), 255, np.uint8)
    yield "black", np.zeros((100, 100), np.uint8)
    yield "white", np.full((100, 100), 255, np.uint8)
    yield "noise", np.uint8(noise)


def test_pictures_without_a_digit(lesson, model, tmp_path):
    for name, page in empty_pictures():
        assert not lesson["prepare"](page).any(), name
        path = tmp_path / f"{name}.png"
        Image.fromarray(page).save(path)
        assert lesson["read_digit"](path, model) == (None, 0.0), name


def empty_page(rng):
    """A shaded page (h, w), uint8, some with grain, with nothing on it."""
    h, w = rng.integers(80, 600, 2)
    y, x = np.mgrid[-1 : 1 : h * 1j, -1 : 1 : w * 1j]
    across, down, bend = rng.uniform(-25, 25, 3)  # never black, never white
    page = rng.uniform(90, 170) + across * x + down * y + bend * x * y
    page += rng.normal(0, rng.choice([1e-9, 1, 3, 6]), (h, w))
    return np.uint8(np.clip(page, 0, 255))


def test_shaded_and_grainy_pages_are_empty(lesson):
    rng = np.random.default_rng(0)
    pages = [empty_page(rng) for _ in range(200)]
    assert not any(lesson["prepare"](page).any() for page in pages)


@settings(max_examples=1500, deadline=None)
@given(
    st.binary(max_size=300), st.sampled_from([b"", b"\x89PNG", b"\xff\xd8"])
)
def test_random_bytes_are_refused_in_words(lesson, content, start):
    with pytest.raises(ValueError, match=": (this|it) .+ screenshot"):
        lesson["read_image"](io.BytesIO(start + content))


def mutated(page, count):
    """Yield `count` files of it, bytes, damaged: the same in every run."""
    chance, files = random.Random(0), [HEIC.read_bytes()] * 2
    for name, picture, options in files_of(page):
        if not name.endswith(".tiff"):  # libtiff writes to the terminal
            file = io.BytesIO()
            kind = {"jpg": "jpeg"}.get(name[-3:], name.split(".")[-1])
            picture.save(file, kind, **options)
            files.append(file.getvalue())
    for _ in range(count):
        content = bytearray(chance.choice(files))
        reach = chance.choice([64, 700, len(content)])
        for _ in range(chance.choice([1, 2, 4, 16, 64])):
            place = chance.randrange(min(reach, len(content)))
            content[place] = chance.randrange(256)
        yield bytes(content)


def read_mutated(read, page, count):
    """Read such files; return what was read, and the slowest's seconds."""
    found, slowest = [], 0.0
    for content in mutated(page, count):
        start = time.process_time()
        try:
            found.append(read(io.BytesIO(content)))
        except ValueError:
            pass
        slowest = max(slowest, time.process_time() - start)
    print(f"{len(found):,} of {count:,} read, slowest {slowest:.2f} s")
    return found, slowest


@pytest.mark.slow
def test_mutated_files_raise_nothing_but_a_value_error(lesson, seven):
    def read(file):
        image = lesson["prepare"](lesson["read_image"](file))
        assert image.shape == (28, 28) and np.isfinite(image).all()

    found, slowest = read_mutated(read, seven, 10_000)
    assert len(found) > 1000 and slowest < 2  # seconds of processor


# to_mnist and prepare


@settings(max_examples=1000, deadline=None)
@given(st.integers(1, 60), st.integers(1, 60), st.integers(0, 2**32 - 1))
@pytest.mark.slow
def test_random_arrays_become_digits_of_mnists_form(lesson, h, w, seed):
    rng = np.random.default_rng(seed)
    ink = rng.random((h, w)) * (rng.random((h, w)) < rng.random())
    for image in (
        lesson["to_mnist"](ink),
        lesson["prepare"](np.uint8(255 * ink)),
    ):
        assert image.shape == (28, 28) and image.dtype == np.float32
        assert 0 <= image.min() and image.max() < 1 + 1e-6


@pytest.fixture(scope="module")
def test_digits(full_mnist):
    with np.load(full_mnist, allow_pickle=False) as file:
        return file["x_test"][:1000] / np.float32(255), file["y_test"][:1000]


def accuracy(model, images, labels):
    return np.mean(model.predict_on_batch(images).argmax(1) == labels)


def test_to_mnist_gives_its_own_digits_back(lesson, model, test_digits):
    """Pasted large and off-centre, inverted, on shaded paper."""
    images, labels = test_digits
    light = np.linspace(250, 170, 300)
    made = []
    for image in images:
        page = np.zeros((300, 300), np.float32)
        page[10:206, 80:276] = cv2.resize(image, (196, 196))
        grey = np.uint8(light * (1 - 0.85 * page))
        made.append(lesson["prepare"](grey))
    before = accuracy(model, images, labels)
    after = accuracy(model, np.stack(made), labels)
    print(f"as they are {before:.2%}, through lesson 5 {after:.2%}")
    assert after > before - 0.005
    assert np.abs(np.stack(made) - images).mean() < 0.04


def test_tiny_pictures_whose_digit_touches_every_edge(
    lesson, model, test_digits
):
    images, labels = test_digits
    made = []
    for image in images:
        x, y, w, h = cv2.boundingRect(np.uint8(image > 0.3))
        size = [max(1, round(n * 16 / max(w, h))) for n in (w, h)]
        cut = cv2.resize(
            image[y : y + h, x : x + w], size, interpolation=cv2.INTER_AREA
        )
        made.append(lesson["prepare"](np.uint8(255 * (1 - cut))))
    tiny = accuracy(model, np.stack(made), labels)
    print(f"tiny pictures: {tiny:.1%}")
    assert tiny > 0.92


# Time


def test_twelve_megapixels_are_read_at_once(lesson, model, seven, tmp_path):
    page = cv2.resize(seven, (3000, 4000), interpolation=cv2.INTER_CUBIC)
    Image.fromarray(page).convert("RGB").save(tmp_path / "photo.jpg")
    times = []
    for _ in range(5):
        start = time.process_time()
        assert lesson["read_digit"](tmp_path / "photo.jpg", model)[0] == 7
        times.append(time.process_time() - start)
    print(f"{min(times):.3f} s of processor")
    assert min(times) < 1  # ten times what it takes
