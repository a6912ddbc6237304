"""Lesson 6's network against Keras's own MNIST example, in turn, in one run.

    python tests/benchmarks/bench_cnn.py          everything, about 15 minutes
    python tests/benchmarks/bench_cnn.py --quick  seconds per epoch, no scores

The recipe is taken from the lesson's own cells. The example is mnist_convnet
from keras.io: 34,826 parameters, 15 epochs, batch 128, validation_split 0.1.
"""

import argparse
import contextlib
import io
import os
import statistics
import sys
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

import keras
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
from lessons import names_of

ROOT = Path(__file__).parents[2]
SEEDS = [1, 2, 3, 4, 5]


def recipe():
    """Return what the lesson's cells tagged `cnn` define, as a dict."""
    return names_of("06", "cnn", keras=keras, np=np, FULL=True)


def example():
    """Return the network of Keras's example, compiled."""
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input(shape=(28, 28, 1)),
            layers.Conv2D(32, kernel_size=(3, 3), activation="relu"),
            layers.MaxPooling2D(pool_size=(2, 2)),
            layers.Conv2D(64, kernel_size=(3, 3), activation="relu"),
            layers.MaxPooling2D(pool_size=(2, 2)),
            layers.Flatten(),
            layers.Dropout(0.5),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(
        loss="categorical_crossentropy", optimizer="adam", metrics=["accuracy"]
    )
    return model


def train_example(x, y, epochs=15, seed=1):
    """Return the example's network, trained as the example trains it."""
    keras.utils.set_random_seed(seed)
    model = example()
    options = {"batch_size": 128, "validation_split": 0.1, "verbose": 0}
    labels = keras.utils.to_categorical(y, 10)
    model.fit(x[..., None], labels, epochs=epochs, **options)
    return model


def timed(train, *args, **kwargs):
    """Return what train returns, and its seconds. Prints nothing."""
    started = time.perf_counter()
    with contextlib.redirect_stdout(io.StringIO()):
        model = train(*args, **kwargs)
    return model, time.perf_counter() - started


def accuracy(model, x, y):
    """Return the share of the images x that the model reads rightly."""
    predicted = model.predict(x, batch_size=500, verbose=0).argmax(axis=1)
    return float(np.mean(predicted == y))


def quick(train_cnn, epochs, x, y, rounds=3):
    """Print the seconds of three short trainings of each kind, in turn."""
    keys = ["cnn", "example"]
    trainers = [train_cnn, train_example]
    seconds = {key: [] for key in keys}
    for _ in range(rounds):
        for key, train in zip(keys, trainers, strict=True):
            seconds[key].append(timed(train, x, y, epochs=2, seed=1)[1] / 2)
    cnn, keras_example = (statistics.median(seconds[key]) for key in keys)
    print(f"CNN     {cnn:5.1f} s an epoch (median of {rounds})")
    print(f"example {keras_example:5.1f} s an epoch (median of {rounds})")
    ratio = cnn * epochs / (keras_example * 15)
    print(f"{epochs} epochs of the CNN / 15 of the example: {ratio:.2f}")


def full(lesson, x, y, x_test, y_test):
    """Print the seconds and accuracies of five seeds and of the example."""
    scores, single_scores, seconds = [], [], []
    for seed in SEEDS:
        if seed == SEEDS[1]:  # after one of ours, before the others
            model, theirs = timed(train_example, x, y)
            their_score = accuracy(model, x_test, y_test)
            print(f"example {theirs:5.0f} s  {their_score:.2%}", flush=True)
        single, duration = timed(
            lesson["train_cnn"], x, y, lesson["EPOCHS"], seed=seed
        )
        model = lesson["look_five_times"](single)
        single_scores.append(accuracy(single, x_test, y_test))
        scores.append(accuracy(model, x_test, y_test))
        seconds.append(duration)
        print(f"seed {seed}  {duration:5.0f} s  {scores[-1]:.2%}", end=" ")
        print(f"(one look {single_scores[-1]:.2%})", flush=True)
    mean, spread = statistics.mean(scores), statistics.stdev(scores)
    print(f"CNN: mean {mean:.3%}, standard deviation {spread:.3%},", end=" ")
    print(f"lowest {min(scores):.2%}, highest {max(scores):.2%}")
    print(f"with one look: mean {statistics.mean(single_scores):.3%}")
    ours = statistics.median(seconds)
    print(f"time: {ours:.0f} s / {theirs:.0f} s = {ours / theirs:.2f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="time only")
    arguments = parser.parse_args()
    path = ROOT / "data" / "mnist.npz"
    if not path.exists():
        raise SystemExit("Needs the full MNIST: python data/get_mnist.py")
    with np.load(path, allow_pickle=False) as f:
        x, y, x_test, y_test = (
            f[k] for k in ["x_train", "y_train", "x_test", "y_test"]
        )
    x, x_test = x / np.float32(255), x_test / np.float32(255)
    lesson = recipe()
    if arguments.quick:
        quick(lesson["train_cnn"], lesson["EPOCHS"], x, y)
    else:
        full(lesson, x, y, x_test, y_test)


if __name__ == "__main__":
    main()
