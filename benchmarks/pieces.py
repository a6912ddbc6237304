"""The course's own pieces and those of Keras, each timed alone.

The course's are taken out of its lessons. Imports are not part of a time;
compiling is, where a whole training is timed.
"""

import contextlib
import io
import statistics
import sys
import threading
import time
from pathlib import Path

import child
from child import ROOT, mnist, right


@contextlib.contextmanager
def stopwatch():
    """Yield a list that holds the seconds of the block after it."""
    seconds, started = [], time.perf_counter()
    with contextlib.redirect_stdout(io.StringIO()):
        yield seconds
    seconds.append(time.perf_counter() - started)


# Lesson 3's network


def lesson_3(x, y):
    """Return what the lesson's recipe defines for x, y, as a dict."""
    import keras
    import numpy as np
    from lessons import names_of

    data = {"x_train": x, "y_train": y}
    with contextlib.redirect_stdout(io.StringIO()):
        return names_of("03", "recipe", keras=keras, np=np, **data)


def better_recipe(setting, seed=42, images=None):
    """Train by lesson 3's code: "lesson" as there, or "fast".

    The fast one's batches and rate were chosen on validation images.
    """
    x, y, x_test, y_test = mnist(images)
    lesson = lesson_3(x, y)
    train, cosine = lesson["train"], lesson["cosine"]
    with stopwatch() as seconds:
        if setting == "lesson":
            model, _ = lesson["train_cosine"](seed)
        else:  # cosine counts batches of 128
            options = {"epochs": 5, "batch_size": 256, "seed": seed}
            model, _ = train(x, y, rate=cosine(0.008, x[::2], 5), **options)
    return {"seconds": seconds[0], "accuracy": right(model(x_test), y_test)}


def held_back(recipe, seed=42, images=None):
    """Train by one of three recipes on x_fit; count the mistakes on x_val.

    "cosine": as the lesson does; "half": so, with 64 neurons a layer; "plain":
    ten epochs in batches of 32, as lesson 0, but softmax.
    """
    x, y, _, _ = mnist(images)
    lesson = lesson_3(x, y)
    if recipe == "plain":
        fit = {"epochs": 10, "batch_size": 32, "seed": seed}
        model, _ = lesson["train"](lesson["x_fit"], lesson["y_fit"], **fit)
    else:
        units = 64 if recipe == "half" else 128
        model, _ = lesson["train_cosine"](seed, units)
    share = right(model(lesson["x_val"]), lesson["y_val"])
    return {"mistakes": round(len(lesson["x_val"]) * (1 - share))}


def plain_network(keras):
    """Return the network of a first Keras course, compiled."""
    dense = keras.layers.Dense
    model = keras.Sequential(
        [
            keras.Input(shape=(28, 28)),
            keras.layers.Flatten(),
            dense(128, activation="relu"),
            dense(128, activation="relu"),
            dense(10, activation="sigmoid"),
        ]
    )
    loss = "sparse_categorical_crossentropy"
    model.compile(optimizer="adam", loss=loss, metrics=["accuracy"])
    return model


def plain_recipe(seed=42, images=None):
    """Train as a first course does: Keras's defaults, batches of 32."""
    import keras

    x, y, x_test, y_test = mnist(images)
    keras.utils.set_random_seed(seed)
    model = plain_network(keras)
    with stopwatch() as seconds:
        model.fit(x, y, epochs=10, verbose=0)
    answers = model.predict(x_test, verbose=0)
    return {"seconds": seconds[0], "accuracy": right(answers, y_test)}


# An epoch and its floor


def matrix_product():
    """Return the seconds of an epoch's multiplications, and their rate.

    The rate is that of the fastest of three products in TensorFlow: the
    network's largest at batches of 128, its gradient, a square of 2048.
    """
    import tensorflow as tf

    rates = []
    for rows, inner, columns in [
        (128, 784, 128),
        (784, 128, 128),
        (2048, 2048, 2048),
    ]:
        a = tf.random.normal((rows, inner))
        b = tf.random.normal((inner, columns))
        flop = 2 * rows * inner * columns
        n = max(20, int(2e10 / flop))

        tries = []
        for _ in range(5):
            with stopwatch() as seconds:
                for _ in range(n):
                    tf.matmul(a, b)
            tries.append(seconds[0])
        rates.append(flop * n / min(tries))
    # forward, slopes of the weights, slopes of the inputs (not of layer 1's)
    layers = [(784, 128, 2), (128, 128, 3), (128, 10, 3)]
    flop = 60_000 * sum(2 * n * m * times for n, m, times in layers)
    return {"seconds": flop / max(rates), "gflops": max(rates) / 1e9}


def by_fit(keras, model, rate, x, y, batch, trip, jit):
    """Return a function that trains for an epoch with Keras's `fit`."""
    model.compile(
        optimizer=keras.optimizers.Adam(rate),
        loss="sparse_categorical_crossentropy",
        steps_per_execution=trip,
        jit_compile=jit,
    )
    return lambda: model.fit(x, y, batch_size=batch, verbose=0)


def by_loop(keras, model, rate, x, y, batch, whole):
    """Return a function that trains for an epoch in one TensorFlow call.

    The images stay in one tensor. XLA compiles each step or, if `whole`, the
    loop over all steps.
    """
    import numpy as np
    import tensorflow as tf

    optimizer = keras.optimizers.Adam(rate)
    optimizer.build(model.trainable_variables)
    entropy = keras.losses.SparseCategoricalCrossentropy()
    images, labels = tf.constant(x), tf.constant(y)
    steps, rng = len(x) // batch, np.random.default_rng(0)

    @tf.function(jit_compile=True)
    def step(some):
        with tf.GradientTape() as tape:
            answers = model(tf.gather(images, some), training=True)
            loss = entropy(tf.gather(labels, some), answers)
        variables = model.trainable_variables
        optimizer.apply(tape.gradient(loss, variables), variables)

    @tf.function(jit_compile=whole)
    def epoch(order):
        batches = tf.reshape(order[: steps * batch], (steps, batch))
        for i in tf.range(steps):
            step(batches[i])
        if len(x) % batch:
            step(order[steps * batch :])

    return lambda: epoch(tf.constant(rng.permutation(len(x))))


WAYS = {  # name: function, batch, its arguments
    "fit, 50 steps a trip": (by_fit, 128, {"trip": 50, "jit": False}),
    "fit, the epoch in one trip": (by_fit, 128, {"trip": 469, "jit": False}),
    "fit, XLA, 50 steps a trip": (by_fit, 128, {"trip": 50, "jit": True}),
    "fit, batch 512": (by_fit, 512, {"trip": 50, "jit": False}),
    "tf.function, XLA step": (by_loop, 128, {"whole": False}),
    "tf.function, XLA epoch": (by_loop, 128, {"whole": True}),
    "tf.function, XLA step, batch 512": (by_loop, 512, {"whole": False}),
}


def epochs_by(way, epochs=5, seed=42, images=None):
    """Train lesson 3's network in one of the WAYS, the cosine from 0.004.

    `seconds` is the whole training with compiling, `epoch` the median of an
    epoch after the first.
    """
    import keras

    x, y, x_test, y_test = mnist(images)
    keras.utils.set_random_seed(seed)
    model = lesson_3(x, y)["make_model"]()
    build, batch, arguments = WAYS[way]
    steps = -(-len(x) // batch) * epochs
    rate = keras.optimizers.schedules.CosineDecay(0.004, steps)
    times = []
    with stopwatch() as first:
        epoch = build(keras, model, rate, x, y, batch, **arguments)
        epoch()
    for _ in range(epochs - 1):
        with stopwatch() as seconds:
            epoch()
        times.append(seconds[0])
    score = right(model(x_test), y_test)
    later = statistics.median(times or first)
    total = first[0] + sum(times)
    return {"seconds": total, "epoch": later, "accuracy": score}


# Lesson 6's network


def lesson_6():
    """Return what the lesson's tagged cells define, as a dict."""
    import keras
    import numpy as np
    from lessons import names_of

    return names_of("06", "cnn", keras=keras, np=np, FULL=True)


def cnn(epochs=None, seed=1, images=None):
    """Train lesson 6's network as the lesson does."""
    import keras

    lesson, (x, y, x_test, y_test) = lesson_6(), mnist(images)
    keras.utils.set_random_seed(seed)
    model, of = lesson["make_cnn"](lesson["random_shifts"]()), lesson["EPOCHS"]
    with stopwatch() as seconds:
        lesson["train_cnn"](model, x, y, epochs or of, lesson["BATCH"])
    score = right(model.predict(x_test, verbose=0), y_test)
    per_epoch = seconds[0] / (epochs or of)
    return {"seconds": per_epoch * of, "of": of, "accuracy": score}


def lesson_6_draws():
    """Return what trains lesson 6's last network, and lesson 5's reader."""
    import cv2
    import keras
    import matplotlib.pyplot as plt
    import numpy as np
    from lessons import names_of

    names = {"keras": keras, "np": np, "cv2": cv2, "plt": plt, "Path": Path}
    return names_of("06", "reader", "make-reader", **names, FULL=True)


def mistakes_on_people(model, prepare):
    """Count scikit-learn's 1,797 digits that a model misreads or refuses."""
    import numpy as np
    from lessons import thirteen_people

    pictures, labels = thirteen_people()
    images = [prepare(grey) for grey in pictures]
    answers = model.predict(np.stack(images), verbose=0)
    return round(len(labels) * (1 - right(answers, labels)))


def cnn_reader(seed=1, images=None):
    """Draw digits and other things, and train a network of eleven classes.

    As lesson 6 does. A digit that it refuses counts as a mistake.
    """
    lesson, (x, y, x_test, y_test) = lesson_6_draws(), mnist(images)
    with stopwatch() as seconds:
        model = lesson["train_reader"](x, y, seed)
    score = right(model.predict(x_test, verbose=0), y_test)
    people = mistakes_on_people(model, lesson["prepare"])
    return {"seconds": seconds[0], "accuracy": score, "people": people}


def cnn_people(seed=1, images=None):
    """Train lesson 6's network of ten classes; let it read thirteen people."""
    import keras

    lesson, (x, y, _, _) = lesson_6_draws(), mnist(images)
    keras.utils.set_random_seed(seed)
    model = lesson["make_cnn"](lesson["random_shifts"]())
    lesson["train_cnn"](model, x, y, lesson["EPOCHS"], lesson["BATCH"])
    return {"people": mistakes_on_people(model, lesson["prepare"])}


def cnn_recipe(name, seed=1, images=None):
    """Train by one of lesson 6's recipes, without every fourth writer.

    Its figure: mistakes on 10,000 images of the writers held back.
    """
    import numpy as np

    lesson, (x, y, _, _) = lesson_6(), mnist(images)
    with np.load(ROOT / "data" / "mnist-writers.npz") as file:
        held = file["writer_train"][: len(x)] % 4 == 0
    data = x[~held], y[~held], x[held], y[held]
    options = lesson["EPOCHS"], lesson["BATCH"], seed
    score = lesson["try_out"](lesson["RECIPES"][name], *data, *options)
    return {"mistakes in 10,000": 1e4 * (1 - score)}


def keras_example_network(keras):
    """Return the network of Keras's mnist_convnet example, compiled."""
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


def keras_example(epochs=None, seed=1, images=None):
    """Train mnist_convnet as published: 15 epochs, a tenth to validate."""
    import keras

    epochs = epochs or 15
    x, y, x_test, y_test = mnist(images)
    keras.utils.set_random_seed(seed)
    model = keras_example_network(keras)
    options = {"batch_size": 128, "validation_split": 0.1, "verbose": 0}
    labels = keras.utils.to_categorical(y, 10)
    with stopwatch() as seconds:
        model.fit(x[..., None], labels, epochs=epochs, **options)
    score = right(model.predict(x_test[..., None], verbose=0), y_test)
    return {"seconds": seconds[0] / epochs * 15, "of": 15, "accuracy": score}


# Lesson 7's network


def same_batches(images):
    """Return x (n, 784) and y in the order in which both take them."""
    import numpy as np

    x, y, _, _ = mnist(images)
    order = np.random.default_rng(1).permutation(len(x))
    return x.reshape(-1, 784)[order], y[order]


def numpy_epoch(images=None):
    """Train lesson 7's network for an epoch after a short start."""
    import numpy as np
    from lessons import names_of

    lesson = names_of("07", "network", np=np)
    x, y = same_batches(images)
    n = range(len(x))
    batches = [n[i : i + 128] for i in n[::128]]
    params = lesson["init_params"]([784, 128, 128, 10], np.random)
    adam = lesson["Adam"](params)
    lesson["train"](params, x, y, batches[:20], adam, 1e-3)
    with stopwatch() as seconds:
        lesson["train"](params, x, y, batches, adam, 1e-3)
    return {"seconds": seconds[0]}


def keras_epoch(images=None):
    """Train the same network in Keras on the same batches."""
    import keras

    x, y = same_batches(images)
    model = lesson_3(x, y)["make_model"]()
    model = keras.Sequential([keras.Input(shape=(784,)), *model.layers[1:]])
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy")
    options = {"batch_size": 128, "shuffle": False, "verbose": 0}
    model.fit(x[:2560], y[:2560], **options)
    with stopwatch() as seconds:
        model.fit(x, y, **options)
    return {"seconds": seconds[0]}


# Lesson 5: a picture to its answer

PHOTO = ROOT / "data" / "digits" / "photo_3.jpg"


def drawing(x_test):
    """Return a digit as the canvas gives it: (280, 280, 4), uint8."""
    import cv2
    import numpy as np

    ink = cv2.resize(x_test[0], (280, 280), interpolation=cv2.INTER_LINEAR)
    rgba = np.full((280, 280, 4), 255, np.uint8)  # black on opaque white
    rgba[ink > 0.5, :3] = 0
    return rgba


def median_time(function, times):
    """Return the median seconds of a call, after three that do not count."""
    for _ in range(3):
        function()
    tries = []
    for _ in range(times):
        started = time.perf_counter()
        function()
        tries.append(time.perf_counter() - started)
    return statistics.median(tries)


def read_as_lesson_5(times=50):
    """Time lesson 5's reading, with the network that lesson 3 saved."""
    import cv2
    import keras
    import matplotlib.pyplot as plt
    import numpy as np
    from lessons import names_of

    lesson = names_of("05", "read-digits", cv2=cv2, np=np, plt=plt)
    saved = ROOT / "data" / "digit_mlp.keras"
    if not saved.exists():
        raise SystemExit(f"needs data/{saved.name}: run lesson 3 first")
    model = keras.models.load_model(saved)
    rgba = drawing(mnist()[2])

    def drawn():  # as the lesson's canvas, without drawing the answer
        grey = cv2.cvtColor(rgba, cv2.COLOR_RGBA2GRAY)
        image = lesson["prepare"](grey)
        return model.predict_on_batch(image[None])[0].argmax()

    seen = drawn(), lesson["read_digit"](PHOTO, model)[0]
    assert seen == (7, 3), f"misread: {seen}"
    photo = median_time(lambda: lesson["read_digit"](PHOTO, model), times)
    return {"drawing": median_time(drawn, times), "photo": photo}


def read_plainly(times=50):
    """Time the plain recipe: grey, 28 x 28, divide by 255, predict."""
    import cv2
    import keras
    import numpy as np

    model = plain_network(keras)
    rgba = drawing(mnist()[2])

    def read(grey):
        image = cv2.resize(grey, (28, 28)) / np.float32(255)
        return model.predict(image[None], verbose=0).argmax()

    return {
        "drawing": median_time(lambda: read(255 - rgba[..., 0]), times),
        "photo": median_time(lambda: read(cv2.imread(str(PHOTO), 0)), times),
    }


# The notebooks


def notebook(name):
    """Run a notebook; return its seconds, its slowest cell, its peak memory.

    `memory` is in GB: that of the kernel and all that it starts, looked at
    ten times a second.
    """
    import nbformat
    import psutil
    from nbclient import NotebookClient

    path = ROOT / "notebooks" / name
    starts, ends, peak, done = {}, {}, [0], threading.Event()

    def watch():
        me = psutil.Process()
        while not done.wait(0.1):
            total = 0
            for process in me.children(recursive=True):
                with contextlib.suppress(psutil.Error):
                    total += process.memory_info().rss
            peak[0] = max(peak[0], total)

    def start(cell, cell_index):
        starts[cell_index] = time.perf_counter()

    def end(cell, cell_index, execute_reply):
        ends[cell_index] = time.perf_counter()

    client = NotebookClient(
        nbformat.read(path, as_version=4),
        kernel_name="python3",
        timeout=None,
        resources={"metadata": {"path": str(path.parent)}},
        on_cell_start=start,
        on_cell_executed=end,
    )
    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        with stopwatch() as seconds:
            client.execute()
    finally:
        done.set()
        watcher.join()
    cells = {index: ends[index] - starts[index] for index in ends}
    slowest = max(cells, key=cells.get)
    source = client.nb.cells[slowest].source
    return {
        "seconds": seconds[0],
        "slowest": cells[slowest],
        "cell": source.splitlines()[0],
        "memory": peak[0] / 1e9,
    }


if __name__ == "__main__":
    child.main(vars(sys.modules[__name__]))
