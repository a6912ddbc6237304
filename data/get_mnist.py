"""Put MNIST beside this file: `python data/get_mnist.py`.

Leaves `mnist.npz`, 60,000 + 10,000 digits, as `keras.datasets.mnist` gives
them: the arrays x_train, y_train, x_test and y_test. Where it cannot be
fetched, the lessons use `mnist-sample.npz`, 5,000 digits, which lies here.
"""

import errno
import hashlib
import os
import shutil
import sys
import tempfile
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import pooch
from requests import exceptions

MIRRORS = (
    "https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz",
    "https://s3.amazonaws.com/img-datasets/mnist.npz",
)
# SHA-256 of the file that both serve, as Keras checks it, and of `content`.
FILE = "731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1"
ARRAYS = "72f1e837a28ca967930c8d90f71b742a457fa0e4f1a36addc235257137b53cd0"
CANNOT_WRITE = {errno.ENOSPC, errno.EDQUOT, errno.EROFS}
REASONS = {  # the first that fits: an SSLError is a ConnectionError, too
    exceptions.SSLError: "its certificate cannot be verified",
    exceptions.Timeout: "it does not answer",
    exceptions.ProxyError: "the proxy does not let it through",
    exceptions.ConnectionError: "the connection to it fails",
    exceptions.HTTPError: "it does not have the file",
    exceptions.RequestException: "the connection broke off",
    ValueError: "what is there is not MNIST",
}
NOTICE = """
MNIST could not be fetched, so the lessons use the 5,000 digits that come with
the course: 4,000 to train on and 1,000 to test with. Every lesson runs, but
networks reach about 93% where the text says 98%. To get all 70,000 digits, run
this again when there is a network, or set MNIST_NPZ to the path of a mnist.npz
that somebody else has. (make lab SAMPLE=1 doesn't try.)
"""


def content(path):
    """Return the SHA-256 of an .npz file's arrays, however it was packed.

    Of each array, in the order of their names: name, type, shape and bytes.
    Raises what NumPy raises, a dozen kinds, if it is no such file. Nothing is
    unpickled.
    """
    digest = hashlib.sha256()
    with np.load(path, allow_pickle=False) as file:
        for name in sorted(file.files):
            array = np.ascontiguousarray(file[name])
            digest.update(f"{name} {array.dtype} {array.shape}".encode())
            digest.update(array)
    return digest.hexdigest()


def is_sound(path):
    """Say whether `path` is an .npz file that holds MNIST and nothing else."""
    try:
        return content(path) == ARRAYS
    except Exception:
        return False


def set_aside(path):
    """Rename a file that is not what its name says: it may be a user's."""
    number = 1
    while (aside := path.with_name(f"{path.name}.unsound{number}")).exists():
        number += 1
    path.rename(aside)
    print(f"{path.name} does not hold MNIST: renamed to {aside.name}.")


def fetch(source, folder, timeout):
    """Bring MNIST from an address or a file into a folder; return its path.

    Raises ValueError where that is not MNIST, OSError where it cannot be
    reached (requests' errors among them) or `folder` cannot be written to.
    """
    path = folder / "mnist.npz"
    if "://" not in source:
        shutil.copyfile(source, path)
        if not is_sound(path):
            raise ValueError(f"not MNIST: {source}")
        return path
    download = pooch.HTTPDownloader(sys.stderr.isatty(), timeout=timeout)
    pooch.get_logger().setLevel("WARNING")
    pooch.create(
        path=folder,
        base_url="",
        registry={path.name: f"sha256:{FILE}"},
        urls={path.name: source},
        retry_if_failed=1,
    ).fetch(path.name, downloader=download)
    return path


def why(error):
    """Return the reason of an error in words."""
    for kind, words in REASONS.items():
        if isinstance(error, kind):
            return words
    return error.strerror or error


def get_mnist(folder, mirrors=MIRRORS, timeout=(3, 15)):
    """Leave a sound mnist.npz in `folder`; return its path or the sample's.

    Tries, in this order: the file that is there, the file that the variable
    MNIST_NPZ names, the mirrors. timeout, in seconds: for a connection, and
    of silence. Raises OSError where the folder cannot be written to.
    """
    full = folder / "mnist.npz"
    for part in folder.glob("part-*/"):  # of a killed run, or lesson's save
        with suppress(FileNotFoundError):  # another run's, just removed
            if time.time() - part.stat().st_mtime > 3600:
                shutil.rmtree(part)
    if full.exists():
        if is_sound(full):
            return full
        set_aside(full)
    sources = [*filter(None, [os.environ.get("MNIST_NPZ")]), *mirrors]
    with tempfile.TemporaryDirectory(dir=folder, prefix="part-") as part:
        for source in sources:
            print(f"MNIST from {source} ...", flush=True)
            try:
                path = fetch(source, Path(part), timeout)
                path.chmod(0o644)
                path.replace(full)
                return full
            except (OSError, ValueError) as error:
                if getattr(error, "errno", None) in CANNOT_WRITE:
                    raise
                print(f"  That did not work: {why(error)}.")
    print(NOTICE)
    return folder / "mnist-sample.npz"


if __name__ == "__main__":
    try:
        print(f"MNIST is in {get_mnist(Path(__file__).parent)}")
    except OSError as error:
        sys.exit(f"MNIST cannot be written to this folder: {error}")
