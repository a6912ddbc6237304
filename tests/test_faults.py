"""The lessons when a file, the disk or another lesson is in the way."""

import os
import pickle
import shutil
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import keras
import numpy as np
import pytest
from lessons import names_of, sources

NAME = "digit_mlp.keras"
Y = np.arange(100) % 10
X = np.zeros((100, 28, 28), np.float32)
X[np.arange(100), :, 2 * Y] = 1  # a 3 is a stroke in column 6


def matcher(*more_layers, side=28, digits=10, activation="softmax"):
    """Return a network that reads every image of X, if left as it is."""
    layers = [keras.Input((side, side)), *more_layers, keras.layers.Flatten()]
    model = keras.Sequential(layers)
    model.add(keras.layers.Dense(digits, activation, use_bias=False))
    if side == 28:
        model.set_weights([X[:digits].reshape(digits, 784).T])
    return model


@pytest.fixture
def lesson(tmp_path):
    """What the setup cell defines, on a folder of its own."""
    folder = tmp_path / "data"
    folder.mkdir()
    names = names_of("09", "setup", "load_model", "save_model", "writers")
    names.update(DATA=folder, FULL=True)
    return names


def kept(lesson):
    return sorted(path.name for path in lesson["DATA"].iterdir())


def rewrite(path, change):
    """Write a sound model's zip with `change` made to its files."""
    matcher().save(path)
    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in change(files).items():
            archive.writestr(name, content)


# What can stand in the place of a model


class Unpickled:
    def __reduce__(self):
        return sys.exit, ("a pickle was loaded",)


def half_written(path):
    matcher().save(path)
    path.write_bytes(path.read_bytes()[:-1000])


def damaged(path):
    matcher().save(path)
    body = path.read_bytes()
    place = body.index(np.float32(1).tobytes())  # one of the weights
    path.write_bytes(body[:place] + b"\x01" + body[place + 1 :])


def of_a_later_keras(path):
    def change(files):
        files["metadata.json"] = b'{"keras_version": "9.0.0"}'
        config = files["config.json"]
        assert b'"Dense"' in config
        files["config.json"] = config.replace(b'"Dense"', b'"DenseNine"')
        return files

    rewrite(path, change)


def without_weights(path):
    rewrite(path, lambda files: {k: files[k] for k in list(files)[:2]})


def with_two_outputs(path):
    inputs = keras.Input((28, 28))
    output = matcher()(inputs)
    keras.Model(inputs, [output, output]).save(path)


def untrained(path):
    model = matcher()
    model.set_weights([np.zeros((784, 10))])
    model.save(path)


DAMAGED, NOT_TEN = "is damaged, or does not fit 28x28", "ten probabilities"
FOREIGN = {
    "empty": (lambda path: path.write_bytes(b""), DAMAGED),
    "garbage": (lambda path: path.write_bytes(os.urandom(5000)), DAMAGED),
    "pickle": (
        lambda path: path.write_bytes(pickle.dumps(Unpickled())),
        DAMAGED,
    ),
    "folder": (lambda path: path.mkdir(), DAMAGED),
    "half written": (half_written, DAMAGED),
    "damaged": (damaged, DAMAGED),
    "without weights": (without_weights, DAMAGED),
    "of a later Keras": (of_a_later_keras, DAMAGED),
    "runs code": (
        lambda path: matcher(keras.layers.Lambda(lambda x: 1 * x)).save(path),
        DAMAGED,
    ),
    "14x14 pixels": (lambda path: matcher(side=14).save(path), DAMAGED),
    "two outputs": (with_two_outputs, DAMAGED),
    "nine digits": (lambda path: matcher(digits=9).save(path), NOT_TEN),
    "logits": (lambda path: matcher(activation=None).save(path), NOT_TEN),
    "untrained": (untrained, "an accuracy of only 10%"),
}


@pytest.mark.parametrize("kind", FOREIGN)
def test_model_that_will_not_do_is_named_and_left_as_it_is(
    kind, lesson, capsys
):
    path = lesson["DATA"] / NAME
    make, sentence = FOREIGN[kind]
    make(path)
    before = path.is_file() and path.read_bytes()
    assert lesson["load_model"](NAME, X, Y) is None
    said = capsys.readouterr()
    assert said.out.count("\n") == 1 and sentence in said.out
    assert (path.is_file() and path.read_bytes()) == before


def test_missing_model_is_named(lesson, capsys):
    assert lesson["load_model"](NAME, X, Y) is None
    assert capsys.readouterr().out == f"There is no {NAME}.\n"


def test_sound_model_is_saved_and_loaded_without_a_word(lesson, capsys):
    lesson["save_model"](matcher(), NAME)
    model = lesson["load_model"](NAME, X, Y)
    assert np.array_equal(model.predict(X, verbose=0).argmax(1), Y)
    assert kept(lesson) == [NAME]
    assert capsys.readouterr().out == ""


def test_writers_are_known_where_their_list_is(full_mnist, lesson, capsys):
    shutil.copy(full_mnist, lesson["DATA"])
    made_up = lesson["load_writers"]()
    assert "each image counts" in capsys.readouterr().out
    assert len(np.unique(made_up["writer_test"])) == 10_000
    shutil.copy(full_mnist.with_name("mnist-writers.npz"), lesson["DATA"])
    known = lesson["load_writers"]()
    assert capsys.readouterr().out == ""
    assert not np.isin(known["writer_test"], known["writer_train"]).any()
    assert len(np.unique(known["writer_test"])) == 297
    for name, array in known.items():
        assert array.shape == made_up[name].shape
        assert name[:6] == "writer" or set(array) == {0, 4}


@pytest.mark.parametrize(
    "number", ["04", "05", pytest.param("09", marks=pytest.mark.slow)]
)
def test_lesson_goes_on_with_a_network_of_its_own(
    number, sample, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    shutil.copy(sample, tmp_path)
    Path(NAME).write_text("not a model")
    names = {}
    for source in sources(number):
        if "model" in names:
            break
        exec(compile(source, f"lesson {number}", "exec"), names)
    images, labels = names["x_test"], names["y_test"]
    answers = names["model"].predict(images, verbose=0).argmax(axis=1)
    assert np.mean(answers == labels) > 0.85
    assert Path(NAME).read_text() == "not a model"


# What can keep a model from being saved


@pytest.mark.parametrize(
    "options, reason",
    [("size=16k", "No space left"), ("ro", "Read-only")],
)
def test_full_or_read_only_disk_is_named(
    options, reason, lesson, mount, capsys
):
    mount(lesson["DATA"], options)
    lesson["save_model"](matcher(), NAME)
    assert f"{NAME} is not saved: {reason}" in capsys.readouterr().out
    assert kept(lesson) == []


def test_lesson_9_says_beforehand_that_its_files_have_no_room(
    sample, tmp_path, mount, monkeypatch
):
    folder = tmp_path / "full"
    folder.mkdir()
    mount(folder, "size=3m")
    shutil.copy(sample, folder)
    names = {}
    with (
        monkeypatch.context() as patch,
        pytest.raises(AssertionError, match="make room there"),
    ):
        patch.chdir(folder)
        for source in sources("09"):
            exec(compile(source, "lesson 09", "exec"), names)
    assert "template" not in names  # it has not begun to make the page


def test_file_that_may_not_grow_leaves_the_old_model(lesson, capsys):
    resource = pytest.importorskip("resource")  # not on Windows
    lesson["save_model"](matcher(), NAME)
    before = (lesson["DATA"] / NAME).read_bytes()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8_000, hard))
    try:
        lesson["save_model"](matcher(), NAME)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert f"{NAME} is not saved: File too large" in capsys.readouterr().out
    assert (lesson["DATA"] / NAME).read_bytes() == before
    assert kept(lesson) == [NAME]


def test_folder_deleted_while_the_lesson_is_open_is_named(lesson, capsys):
    lesson["DATA"].rmdir()
    lesson["save_model"](matcher(), NAME)
    assert f"{NAME} is not saved: No such file" in capsys.readouterr().out
    assert lesson["load_model"](NAME, X, Y) is None


# A lesson's process of its own. Its model writes given bytes, in two halves:
# as Keras would, and without waiting for TensorFlow.

SAVING = """
import os, sys, time
from pathlib import Path

class Model:
    def save(self, path):
        with open(path, "wb") as file:
            file.write(body[: len(body) // 2])
            file.flush()
            print("half", file=sys.stderr, flush=True)
            time.sleep(pause)
            file.write(body[len(body) // 2 :])

saver, DATA, body, times, pause, name = sys.argv[1:]
DATA, body, pause = Path(DATA), Path(body).read_bytes(), float(pause)
exec(saver)
for _ in range(int(times)):
    save_model(Model(), name)
"""


def start_saving(folder, body, times, pause):
    """Start a process that saves the file `body` so many times."""
    (saver,) = sources("09", "save_model")
    given = [saver, folder, body, times, pause, NAME]
    return subprocess.Popen(
        [sys.executable, "-c", SAVING, *map(str, given)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_killed_save_leaves_the_old_model_and_the_next_run_heals(
    lesson, tmp_path
):
    lesson["save_model"](matcher(), NAME)
    path, body = lesson["DATA"] / NAME, tmp_path / "new.keras"
    before = path.read_bytes()
    matcher().save(body)
    with start_saving(lesson["DATA"], body, 1, 600) as run:
        assert run.stderr.readline() == "half\n"
        run.kill()
    assert path.read_bytes() == before
    with start_saving(lesson["DATA"], body, 1, 0) as run:
        run.communicate()
    assert path.read_bytes() == body.read_bytes() != before
    assert lesson["load_model"](NAME, X, Y)


def test_two_lessons_at_once_never_leave_half_a_model(lesson, tmp_path):
    ours, theirs = tmp_path / "ours.keras", tmp_path / "theirs.keras"
    matcher().save(ours)
    matcher(keras.layers.Reshape((28, 28))).save(theirs)
    whole = {ours.read_bytes(), theirs.read_bytes()}
    assert len(whole) == 2
    path, seen = lesson["DATA"] / NAME, set()
    runs = [start_saving(lesson["DATA"], p, 50, 0.01) for p in (ours, theirs)]
    while any(run.poll() is None for run in runs):
        if path.exists():
            seen.add(path.read_bytes())
        time.sleep(0.001)
    assert [run.communicate()[0] for run in runs] == ["", ""]
    assert seen == whole and kept(lesson) == [NAME]
    assert lesson["load_model"](NAME, X, Y)
