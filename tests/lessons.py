"""The lessons' own code and pictures, for the tests and benchmarks of it."""

import base64
import json
import re
from pathlib import Path

import nbformat

ROOT = Path(__file__).parents[1]
NOTEBOOKS = ROOT / "notebooks"


def sources(number, *tags):
    """Return the source of each code cell, or of those with such a tag."""
    (path,) = NOTEBOOKS.glob(f"{number}_*.ipynb")
    return [
        cell.source
        for cell in nbformat.read(path, as_version=4).cells
        if cell.cell_type == "code"
        and (not tags or set(tags) & set(cell.metadata.get("tags", [])))
    ]


def names_of(number, *tags, **names):
    """Run these cells; return all that they define, and `names`, as a dict."""
    for source in sources(number, *tags):
        exec(compile(source, f"lesson {number}", "exec"), names)
    return names


def thirteen_people():
    """Return pictures (1797, 100, 100), uint8, dark on light, and labels.

    scikit-learn's `load_digits`, enlarged tenfold as lessons 5 and 6 do it.
    """
    import cv2
    import numpy as np
    from sklearn.datasets import load_digits

    pictures = []
    eights, labels = load_digits(return_X_y=True)
    for eight in np.float32(eights.reshape(-1, 8, 8)) * 255 / 16:
        size, how = (100, 100), cv2.INTER_CUBIC
        page = cv2.resize(np.pad(eight, 1), size, interpolation=how)
        pictures.append(np.uint8(255 - np.clip(page, 0, 255)))
    return np.stack(pictures), labels


def network_of_the_page():
    """Return what page/digit_reader.html holds: "shape", "weights", ..."""
    text = (ROOT / "page/digit_reader.html").read_text(encoding="utf-8")
    return json.loads(re.search(r'id="network">(.+?)</script>', text, re.S)[1])


def layers_of_the_page():
    """Return its layers, as lesson 9's `to_layers` has them."""
    import numpy as np

    network = network_of_the_page()
    content = base64.b64decode(network["weights"])
    layers, at = [], 0

    def take(kind, count):
        nonlocal at
        values = np.frombuffer(content, kind, count, at)
        at += values.nbytes
        return values

    for size, inputs, outputs, pooled in network["shape"]:
        layer = {"size": size, "inputs": inputs, "pooled": bool(pooled)}
        layer["scale"] = take("<f4", outputs)
        layer["bias"] = take("<f4", outputs)
        rows = size * size * inputs
        layer["weights"] = take("i1", rows * outputs).reshape(rows, outputs)
        layers.append(layer)
    assert at == len(content)
    return layers


def as_keras(layers):
    """Make such layers a Keras model: (n, 28, 28) -> (n, 11)."""
    import keras

    parts = [keras.Input((28, 28)), keras.layers.Reshape((28, 28, 1))]
    for k, layer in enumerate(layers):
        last = k == len(layers) - 1
        activation = "softmax" if last else "relu"
        n, size = len(layer["bias"]), layer["size"]
        parts.append(keras.layers.Conv2D(n, size, activation=activation))
        parts += [keras.layers.MaxPooling2D()] * layer["pooled"]
    model = keras.Sequential([*parts, keras.layers.Flatten()])
    weights = []
    for layer in layers:
        shape = (layer["size"], layer["size"], layer["inputs"], -1)
        weights.append((layer["weights"] * layer["scale"]).reshape(shape))
        weights.append(layer["bias"])
    model.set_weights(weights)
    return model
