"""Lesson 6: the network it saves, and the functions that train it."""

import keras
import numpy as np
import pytest
from conftest import DATA
from lessons import names_of


@pytest.fixture(scope="module")
def lesson():
    return names_of("06", "cnn", keras=keras, np=np, FULL=True)


@pytest.fixture(scope="module")
def test_set(full_mnist):
    with np.load(full_mnist, allow_pickle=False) as f:
        return f["x_test"] / np.float32(255), f["y_test"]


@pytest.fixture(scope="module")
def model(full_mnist):
    path = DATA / "digit_cnn.keras"
    if not path.exists():
        pytest.skip("no digit_cnn.keras: run lesson 6 first")
    return keras.models.load_model(path)  # in safe mode: the default


def test_saved_network_reads_the_official_test_set(model, test_set):
    x, y = test_set
    answers = model.predict(x, verbose=0).argmax(axis=1)
    accuracy = np.mean(answers == y)
    assert 0.9935 < accuracy < 0.9975, "Run lesson 6 on the full MNIST again."


def test_saved_network_has_the_interface_of_lesson_5(model, test_set):
    assert model.input_shape == (None, 28, 28)
    assert model.output_shape == (None, 10)
    for n in [1, 3]:
        probabilities = model.predict_on_batch(test_set[0][:n])
        assert probabilities.shape == (n, 10)
        assert np.all(probabilities >= 0)
        assert np.allclose(probabilities.sum(axis=1), 1, atol=1e-5)


def test_half_written_file_is_not_left_behind():
    assert not list(DATA.glob("part-*"))


def test_network_is_smaller_than_the_dense_one(lesson):
    assert lesson["make_cnn"]().count_params() < 118_282


def test_five_looks_are_the_mean_of_five_shifts(lesson):
    single = lesson["make_cnn"]()
    images = np.random.default_rng(0).random((3, 28, 28), np.float32)
    wide = np.pad(images, [(0, 0), (1, 1), (1, 1)])
    corners = [(1, 1), (0, 1), (2, 1), (1, 0), (1, 2)]
    shifted = [wide[:, r : r + 28, c : c + 28] for r, c in corners]
    answers = [single.predict_on_batch(x) for x in shifted]
    five = lesson["look_five_times"](single).predict_on_batch(images)
    assert np.allclose(five, np.mean(answers, axis=0), atol=1e-6)
    assert not np.allclose(five, answers[0], atol=1e-4)


@pytest.mark.parametrize("n", [1, 7])
def test_augment_keeps_shape_type_range_and_original(lesson, n):
    images = np.random.default_rng(0).random((n, 28, 28), np.float32)
    before = images.copy()
    changed = lesson["augment"](images, np.random.default_rng(1))
    assert changed.shape == images.shape and changed.dtype == np.float32
    assert 0 <= changed.min() and changed.max() <= 1 + 1e-6
    assert np.array_equal(images, before)
    assert not np.array_equal(changed, images)


def test_augment_gives_the_same_images_for_the_same_seed(lesson):
    images = np.random.default_rng(0).random((5, 28, 28), np.float32)
    one, two, other = (
        lesson["augment"](images, np.random.default_rng(seed))
        for seed in [1, 1, 2]
    )
    assert np.array_equal(one, two) and not np.array_equal(one, other)


def test_augmentation_is_centred_and_small(lesson):
    maps = lesson["random_maps"](2_000, np.random.default_rng(0))
    centre = maps @ np.float32([13.5, 13.5, 1])
    assert np.abs(centre.mean(axis=0) - 13.5).max() < 0.1
    assert np.abs(maps[:, :, :2] - np.eye(2)).max() < 0.6


@pytest.mark.parametrize("size", [(4, 4), (5, 9), (28, 28)])
@pytest.mark.parametrize("k", [1, 3, 4])
def test_convolution_by_hand_equals_keras(lesson, size, k):
    rng = np.random.default_rng(k)
    image = rng.normal(size=size).astype(np.float32)
    kernel = rng.normal(size=(k, k)).astype(np.float32)
    ours = lesson["convolve"](image, kernel)
    theirs = keras.ops.conv(image[None, :, :, None], kernel[:, :, None, None])
    assert ours.shape == tuple(np.array(size) - k + 1)
    assert np.allclose(ours, theirs[0, :, :, 0], atol=1e-4)


@pytest.mark.parametrize("pixels", [-8, -3, 0, 3, 8])
def test_shift_moves_ink_and_leaves_emptiness(lesson, pixels):
    images = np.zeros((1, 28, 28), np.float32)
    images[0, 10, 14] = 1
    moved = lesson["shift"](images, pixels)
    assert moved.shape == images.shape and moved.sum() == 1
    assert moved[0, 10, 14 + pixels] == 1
