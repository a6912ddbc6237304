"""What all tests share: how notebooks run, in which order, and fixtures.

nbval compares every stored output on the full MNIST, none on the sample.
"""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from answers import with_exercises

DATA = Path(__file__).parents[1] / "data"
LONG = "08", "06", "09"
APART = "test_book.py", "test_jupyterlab.py"
BROWSERS = ["chromium", "chromium-browser", "google-chrome", "chrome"]


def on_sample():
    """Say whether the notebooks will take the sample, not the full MNIST."""
    return not (DATA / "mnist.npz").exists()


def missing(what):
    """Skip a test that needs this; fail it where NOTHING_MISSING is set."""
    strict = os.environ.get("NOTHING_MISSING")
    (pytest.fail if strict else pytest.skip)(f"needs {what}")


def pytest_configure(config):
    option = config.option
    if not (option.nbval or option.nbval_lax):
        option.nbval, option.nbval_lax = not on_sample(), on_sample()


def pytest_report_header(config):
    return f"MNIST: {'the sample' if on_sample() else 'in full'}"


def pytest_collection_modifyitems(items):
    """Give each exercise its answers; begin with the longest lessons."""
    items[:] = with_exercises(items)
    items.sort(key=lambda item: not item.path.name.startswith(LONG))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """Give a process whole files, but files of long tests test by test."""
    from xdist.scheduler import LoadScopeScheduling

    class ByFile(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            file = nodeid.split("::")[0]
            return nodeid if file.endswith(APART) else file

    return ByFile(config, log)


@pytest.fixture(scope="session")
def full_mnist():
    """Path of the full MNIST that get_mnist.py fetched."""
    path = DATA / "mnist.npz"
    if not path.exists():
        missing("the full MNIST: python data/get_mnist.py")
    return path


def saved_model(name):
    """Return the Keras model that a lesson saved as data/`name`."""
    import keras

    if not (DATA / name).exists():
        missing(f"data/{name}, which the lessons save: run them")
    return keras.models.load_model(DATA / name)  # in safe mode: the default


@pytest.fixture(scope="session")
def sample():
    """Path of the sample of MNIST that comes with the course."""
    return DATA / "mnist-sample.npz"


@pytest.fixture(scope="session")
def seven():
    """A drawn digit, a dark 7 on white: grey uint8 (200, 160)."""
    import cv2
    import numpy as np

    page = np.full((200, 160), 255, np.uint8)
    corners = np.int32([[45, 45], [115, 45], [75, 155]])
    cv2.polylines(page, [corners], False, 20, 12, cv2.LINE_AA)
    return page


def launch(chromium, *options):
    """Start the Chromium or Chrome that is here, with options if given."""
    program = next(filter(None, map(shutil.which, BROWSERS)), None)
    program = program or chromium.executable_path
    if not Path(program).exists():
        missing("Chromium or Chrome")
    options = ["--no-sandbox", "--disable-gpu", *options]
    return chromium.launch(executable_path=program, args=options)


@pytest.fixture(scope="module")
def browser():
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = launch(playwright.chromium)
        yield browser
        browser.close()


@pytest.fixture
def mount():
    """Mount a small file system in memory; skip where that is forbidden."""
    mounted = []

    def mount_at(folder, options):
        """Mount it at the path `folder`; options: "size=64k", "ro", ..."""
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", folder]
        if (
            not shutil.which("mount")
            or subprocess.run(command, capture_output=True).returncode
        ):
            pytest.skip("needs the right to mount a file system")
        mounted.append(folder)

    yield mount_at
    for folder in mounted:
        subprocess.run(["umount", folder], check=True)


def draw_a_one(page, field):
    """Draw a 1 with the mouse in a field of the page, also in a frame."""
    field.hover()  # waits until it stands still
    box = field.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 4
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x - 5, y + box["height"] / 2, steps=12)
    page.mouse.up()
