# @title Setup: libraries, data, answer checker. Run me first.
import os
import re
import shutil
import tempfile
import zipfile
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
    print("Only the sample of 5,000 digits: expect lower scores.")


def load_mnist():
    """Return (x_train, y_train), (x_test, y_test): uint8, pixels 0-255."""
    path = DATA / "mnist.npz" if FULL else SAMPLE
    if path.exists():
        with np.load(path, allow_pickle=False) as f:
            return (f["x_train"], f["y_train"]), (f["x_test"], f["y_test"])
    try:
        return keras.datasets.mnist.load_data()
    except Exception:
        advice = "No network: run `python data/get_mnist.py` first."
        raise RuntimeError(advice) from None


def load_writers():
    """Return who wrote each image: a dict of four arrays, (n,) each.

    writer_train, writer_test: the writer's number; series_train, series_test:
    0 = census employee, 4 = student. Where nobody knows, each image has a
    writer of its own, of no series (-1).
    """
    path = DATA / "mnist-writers.npz"
    if FULL and path.exists():
        with np.load(path) as f:
            return dict(f)
    print("No list of writers here: each image counts as another writer's.")
    (_, y_train), (_, y_test) = load_mnist()
    n = len(y_train)
    return {
        "writer_train": np.arange(n),
        "writer_test": np.arange(n, n + len(y_test)),
        "series_train": np.full(n, -1),
        "series_test": np.full(len(y_test), -1),
    }


def picture_path(name):
    """Return the path of a picture in data/digits, as a str.

    A notebook alone draws one like it: test digits on shaded paper.
    """
    path = DATA / "digits" / name
    if not path.exists():
        path.parent.mkdir(exist_ok=True)
        _, (x, y) = load_mnist()
        rows = re.findall("[0-9]+", name)  # photo_3.jpg shows a 3
        drawn = [[x[y == int(d)][1] for d in row] for row in rows or ["4"]]
        image = np.vstack([np.hstack(row) for row in drawn])
        if name != "mnist_input.png":
            ink = cv2.resize(np.pad(image, 4), None, fx=5, fy=5) * bool(rows)
            image = np.linspace(230, 150, ink.shape[1]) * (1 - ink / 320)
        cv2.imwrite(str(path), np.uint8(image))
    return str(path)


def load_model(name, x, y):
    """Return the model that a lesson saved, or None with a word on why not.

    It must read the images x (n, 28, 28) in [0, 1] with the labels y (n,).
    """
    if not (DATA / name).exists():
        return print(f"There is no {name}.")
    try:
        with zipfile.ZipFile(DATA / name) as file:
            assert file.testzip() is None  # every byte is as it was
        model = keras.models.load_model(DATA / name)
        outputs = model.predict(x, verbose=0)
        sums_to_1 = np.allclose(outputs.sum(axis=1), 1)
        accuracy = np.mean(outputs.argmax(axis=1) == y)
    except Exception:
        return print(f"{name} is damaged, or does not fit 28x28 pixels.")
    if outputs.shape != (len(x), 10) or not sums_to_1:
        print(f"{name} does not give ten probabilities.")
    elif accuracy < (0.96 if FULL else 0.85):
        print(f"{name} has an accuracy of only {accuracy:.0%}.")
    else:
        return model


def train_model(x, y):
    """Return the network that lesson 3 saves, trained on x and y here."""
    print("Training one: this may take half a minute.")
    keras.utils.set_random_seed(42)
    model = keras.Sequential([keras.Input((28, 28)), keras.layers.Flatten()])
    for units, activation in [(128, "relu"), (128, "relu"), (10, "softmax")]:
        model.add(keras.layers.Dense(units, activation))
    steps = 8 * int(np.ceil(len(x) / 128))
    rate = keras.optimizers.schedules.CosineDecay(0.004, steps)
    model.compile(
        optimizer=keras.optimizers.Adam(rate),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
        steps_per_execution=50,
    )
    model.fit(x, y, batch_size=128, epochs=8, verbose=0)
    return model


def save_model(model, name):
    """Save the model in DATA, whole or not at all; print why if not."""
    try:
        with tempfile.TemporaryDirectory(dir=DATA, prefix="part-") as folder:
            model.save(Path(folder) / name)
            os.replace(Path(folder) / name, DATA / name)
    except OSError as error:
        print(f"{name} is not saved: {error.strerror or error}.")


def need_room(megabytes):
    """Stop with advice if so much cannot be written in DATA."""
    free = shutil.disk_usage(DATA).free / 1e6
    advice = f"This lesson writes {megabytes} MB into {DATA}/: make room there"
    advice += ", or copy the course to where it can write."
    assert free > megabytes and os.access(DATA, os.W_OK), advice


def matches(answer, wanted):
    """Tell whether answer equals wanted, or passes it where it is a test."""
    try:
        answer = np.asarray(answer)
        if callable(wanted):  # a test is asked about ordinary numbers only
            return bool(np.isfinite(answer).all() and wanted(answer))
        answer, wanted = np.squeeze(answer), np.squeeze(wanted)
        if wanted.dtype.kind == "U" or answer.shape != wanted.shape:
            return np.array_equal(answer, wanted)
        slack = 1e-3 if wanted.dtype.kind == "f" else 1e-9
        gap = np.abs(answer * 1.0 - wanted).max()
        return bool(gap <= slack * np.abs(wanted).max() + 1e-12)
    except Exception:  # too strange to be compared
        return False


def in_words(value, right):
    """Describe a wrong answer without giving the right one away."""
    kinds = {"U": "text", "b": "True or False", "c": "complex numbers"}
    kinds |= dict.fromkeys("iuf", "numbers")
    try:
        array = np.asarray(value)
    except Exception:
        return "NumPy makes no array of it. Do its rows differ in length?"
    example = np.asarray(0 if callable(right) else right)
    wanted = kinds[example.dtype.kind]
    got = kinds.get(array.dtype.kind, f"the type {type(value).__name__}")
    if got != wanted:
        return f"I expected {wanted} and got {got}."
    if got == "numbers" and not np.isfinite(array).all():
        return "It holds a NaN or an infinity. Was something divided by 0?"
    if not callable(right) and array.shape != example.shape:
        expected = example.shape or "a single number"
        return f"Its shape is {array.shape}; expected is {expected}."
    if array.size == 1:
        return f"You have {array.item()}."
    return "Its numbers are not the ones expected."


def check(answer, right, takeaway, *mistakes):
    """Print in words whether answer() is right, or what is wrong with it."""
    try:
        value = answer() if callable(answer) else answer
    except Exception as error:
        text = f"{type(error).__name__}: {error}".split("\n")[0][:100]
        return print(f"Your code stopped with {text}")
    if value is None:
        return print("Not yet: your answer is None. Fill in the cell above.")
    if matches(value, right):
        return print("Correct.", takeaway)
    for mistake, sentence in mistakes:
        if matches(value, mistake):
            return print("Not right yet.", sentence)
    print("Not right yet.", in_words(value, right))
