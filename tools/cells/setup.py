# @title Setup: libraries, random numbers and MNIST. Run me first.
import os
from pathlib import Path

os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"  # TensorFlow: no log lines

import cv2
import keras
import matplotlib.pyplot as plt
import numpy as np
import seaborn as sns
import tensorflow as tf

tf.get_logger().setLevel("ERROR")  # no hints about speed either
keras.utils.set_random_seed(42)  # the same random numbers in every run
sns.set_theme(style="ticks", palette="colorblind")

# In the course's folder, else beside this notebook (Colab).
DATA = Path("../data" if Path("../data/get_mnist.py").exists() else ".")
SAMPLE = DATA / "mnist-sample.npz"
FULL = (DATA / "mnist.npz").exists() or not SAMPLE.exists()
if not FULL:
    print("Only 5,000 of the 70,000 digits are here: expect lower scores.")
    print("For all of them, run data/get_mnist.py and restart the kernel.")


def load_mnist():
    """Return (x_train, y_train), (x_test, y_test): uint8, pixels 0-255."""
    path = DATA / "mnist.npz" if FULL else SAMPLE
    if path.exists():
        with np.load(path, allow_pickle=False) as f:
            return (f["x_train"], f["y_train"]), (f["x_test"], f["y_test"])
    try:
        return keras.datasets.mnist.load_data()
    except Exception:
        advice = "MNIST could not be downloaded. Connect to the internet and "
        advice += "run this again, or put mnist.npz beside this notebook."
        raise RuntimeError(advice) from None
