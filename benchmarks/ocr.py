"""What free OCR makes of lesson 10's exam: `make ocr` writes ocr.json.

Its 140 pages of seven kinds, of MNIST's test digits (the wilder ones are left
out), scored by the lesson's own `score`. Each tool gets every page as it is,
binarised (Otsu, dark ink on white) and as the ink that the lesson itself
first finds, black on white. Tesseract may answer with digits only, and tries
two page modes. What is no digit is dropped. Reported is each tool's best
setting, chosen on the exam itself: that favours it. The lesson's own reader
reads the same pages, with the network that lesson 6 saves, and pages that one
reader gains over the other are counted (McNemar's test).

Only what needs no download at run time is here, so EasyOCR, docTR, PaddleOCR
and TrOCR are not. ddddocr brings its weights, but is made for single words
and answered nothing to whole pages. rapidocr-onnxruntime is RapidOCR's older
package, with PP-OCRv4.
"""

import csv
import datetime
import io
import json
import os
import re
import shutil
import subprocess
import sys
import time
from contextlib import redirect_stdout
from functools import partial
from importlib.metadata import version
from pathlib import Path

os.environ["OMP_THREAD_LIMIT"] = "1"  # Tesseract is faster so

import cv2
import keras
import numpy as np
from child import mnist
from lessons import names_of, sources
from scipy.stats import binomtest

READER = Path(__file__).parents[1] / "data/digit_reader.keras"
TESSERACT = "tesseract - - -c tessedit_char_whitelist=0123456789 --psm"


def lesson_10(x, y):
    """Return all that the lesson's reader of pages and its score define."""
    some = {"x_val": x[:100], "y_val": y[:100], "check": lambda *_: None}
    some |= {"cv2": cv2, "np": np, "plt": None, "NONE": 10}
    names = names_of("10", "reader", "pages", "read-page", **some)
    for source in sources("10"):
        if "def edits(" in source or "def score(" in source:
            exec(source, names)
    return names


def otsu(grey):
    """Binarise a page (h, w): dark ink on white."""
    _, page = cv2.threshold(grey, 0, 255, cv2.THRESH_OTSU)
    return 255 - page if page.mean() < 128 else page


def into_rows(parts):
    """Put pieces (x, y, w, h, text) into rows by their middles: digits only.

    The lesson's own would join two rows here: the tools' boxes are roomy.
    """
    rows = []
    only = [(*box, re.sub("[^0-9]", "", text)) for *box, text in parts]
    parts = [(y + h / 2, x, h, text) for x, y, _, h, text in only if text]
    for part in sorted(parts):
        above = np.mean([middle for middle, *_ in rows[-1]]) if rows else -1e9
        if part[0] - above < part[2] / 2:
            rows[-1].append(part)
        else:
            rows.append([part])
    order = [sorted(row, key=lambda part: part[1]) for row in rows]
    return ["".join(text for *_, text in row) for row in order]


def tesseract(page, mode):
    """Return the rows of digits that Tesseract finds: list of str."""
    _, png = cv2.imencode(".png", page)
    command = [*TESSERACT.split(), mode, "tsv"]
    done = subprocess.run(
        command, input=png.tobytes(), capture_output=True, check=True
    )
    lines = done.stdout.decode().splitlines()
    words = csv.DictReader(lines, delimiter="\t", quoting=csv.QUOTE_NONE)
    sides = "left", "top", "width", "height"
    parts = [(*(int(word[s]) for s in sides), word["text"]) for word in words]
    return into_rows(parts)


def rapidocr():
    """Return a function like `tesseract`, of one argument."""
    from rapidocr import RapidOCR

    # pages are upright: it need not ask whether a row is upside down
    quiet = {"Global.use_cls": False, "Global.log_level": "critical"}
    engine = RapidOCR(params=quiet)

    def read(page):
        answer = engine(cv2.cvtColor(page, cv2.COLOR_GRAY2BGR))
        if answer.boxes is None:
            return []
        boxes = [cv2.boundingRect(np.int32(box)) for box in answer.boxes]
        texts = zip(boxes, answer.txts, strict=True)
        return into_rows([(*box, text) for box, text in texts])

    return read


def tools():
    """Yield name, version and ways to read, by name, of each tool."""
    if shutil.which("tesseract"):
        about = subprocess.check_output(["tesseract", "--version"], text=True)
        modes = {f"psm {m}": partial(tesseract, mode=m) for m in ("6", "11")}
        yield "Tesseract", about.split()[1], modes
    else:
        print("Tesseract is left out: install it (apt: tesseract-ocr).")
    yield "RapidOCR", version("rapidocr"), {"PP-OCRv6": rapidocr()}


def examine(read, prepare, exam, names):
    """Read all pages; return the seconds for one and the scores by kind.

    "right": for each page, whether it is read without a mistake, 0 or 1.
    """
    started = time.perf_counter()
    found = [read(prepare(grey)) for grey, _, _ in exam]
    seconds = (time.perf_counter() - started) / len(exam)
    kinds = {}
    for kind in [*names["PAPERS"], "all"]:
        chosen = [i for i, p in enumerate(exam) if kind in (p[2], "all")]
        some, pages = [found[i] for i in chosen], [exam[i] for i in chosen]
        with redirect_stdout(None):
            hits, cer = names["score"](kind, some, pages)
        share = binomtest(int(hits.sum()), len(hits))
        interval = list(share.proportion_ci(method="wilson"))
        silent = sum(not rows for rows in some) / len(pages)
        kinds[kind] = {"whole": float(hits.mean()), "interval": interval}
        kinds[kind] |= {"cer": float(cer), "silent": silent}
    right = [int(hit) for hit in hits]  # of "all", the last of the kinds
    return {"seconds": seconds, "kinds": kinds, "right": right}


def best_of(ways, exam, names):
    """Examine a tool in all settings; return its best, and what it tried."""
    pages = {"as they are": lambda grey: grey, "binarised": otsu}
    pages["the lesson's ink"] = lambda g: 255 * (1 - names["find_ink"](g))
    settings = {}
    for way, read in ways.items():
        for how, prepare in pages.items():
            settings[f"{way}, {how}"] = examine(read, prepare, exam, names)
    tried = {name: s["kinds"]["all"] for name, s in settings.items()}
    best = max(tried, key=lambda s: (tried[s]["whole"], -tried[s]["cer"]))
    return {"setting": best, **settings[best], "tried": tried}


def show(tool):
    """Print a tool's best result, then all its settings."""
    about = "\n{tool} {version}, {setting}, {seconds:.2f} s a page:"
    print(about.format(**tool))
    for name, r in [*tool["kinds"].items(), *tool["tried"].items()]:
        low, high = r["interval"]
        whole = f"{r['whole']:4.0%} whole ({low:.0%} to {high:.0%})"
        rest = f"CER {r['cer']:.1%}, no answer {r['silent']:.0%}"
        print(f"{name:26} {whole}, {rest}")


def ours(exam, names):
    """Examine the lesson's reader; return what `best_of` returns."""
    model = keras.saving.load_model(READER)

    def read(grey):
        _, png = cv2.imencode(".png", grey)
        return names["read_page"](io.BytesIO(png), model)

    about = {"tool": "lesson 10", "version": "", "setting": READER.name}
    return about | examine(read, np.asarray, exam, names) | {"tried": {}}


def compare(one, other):
    """Print which pages one reader gains over the other, and loses."""
    a, b = np.array(one["right"]), np.array(other["right"])
    gained, lost = int(np.sum(a > b)), int(np.sum(a < b))
    p = binomtest(gained, gained + lost).pvalue if gained + lost else 1
    print(f"{one['tool']} gains {gained} pages over {other['tool']}, ", end="")
    print(f"and loses {lost}: p = {p:.2g}")


def main():
    """Give the exam to each tool; print and save the results."""
    if not READER.exists():
        sys.exit(f"There is no {READER.name}: run lesson 6, which saves it.")
    _, _, x, y = mnist()
    names = lesson_10(x, y)
    exam = names["make_pages"](x, y, 20, seed=11)
    results = []
    for name, number, ways in tools():
        about = {"tool": name, "version": number}
        results.append({**about, **best_of(ways, exam, names)})
        show(results[-1])
    results.append(ours(exam, names))
    show(results[-1])
    for other in results[:-1]:
        compare(results[-1], other)
    record = {"date": datetime.date.today().isoformat(), "pages": len(exam)}
    text = json.dumps(record | {"tools": results}, indent=1) + "\n"
    Path(__file__).with_name("ocr.json").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
