"""What each timed piece has in common: its data and its answer in JSON.

`python pieces.py plain_recipe '{"seed": 1}'` calls plain_recipe(seed=1) and
prints what it returns as the last line. bench.py starts one such process for
every piece and run, so that no framework disturbs another.
"""

import json
import os
import sys
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # before TensorFlow

import numpy as np

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests"))  # for lessons.py


def mnist(images=None):
    """Return x, y, x_test, y_test, pixels 0 to 1; x has so many `images`."""
    with np.load(ROOT / "data" / "mnist.npz", allow_pickle=False) as f:
        x, y = f["x_train"][:images], f["y_train"][:images]
        x_test, y_test = f["x_test"], f["y_test"]
    return x / np.float32(255), y, x_test / np.float32(255), y_test


def right(answers, y):
    """Return the share of the answers (n, 10) that are highest at y (n,)."""
    return float(np.mean(np.argmax(np.asarray(answers), axis=1) == y))


def main(pieces):
    """Run the piece that the command line names; print its dict as JSON."""
    name, options = sys.argv[1], json.loads(sys.argv[2])
    print(json.dumps(pieces[name](**options)))
