"""The NumPy network of lesson 7, taken from the notebook's tagged cells."""

from itertools import pairwise

import numpy as np
import pytest
from lessons import names_of

SEEDS = range(12)


@pytest.fixture(scope="module")
def lesson():
    """The names that the lesson's cells define, and nothing but NumPy else."""
    return names_of("07", "network", "autodiff", np=np)


@pytest.fixture
def float64():
    """Let Keras compute, and report its losses, in 64 bits."""
    import keras

    floatx, policy = keras.config.floatx(), keras.config.dtype_policy()
    keras.config.set_floatx("float64")
    keras.config.set_dtype_policy("float64")  # else the first layer's stays
    yield
    keras.config.set_floatx(floatx)
    keras.config.set_dtype_policy(policy)


def problem(lesson, seed, dtype="float64"):
    """A network and a batch of random shape: params, x, y."""
    rng = np.random.default_rng(seed)
    n, inputs, first, second = rng.integers([1, 1, 2, 2], [12, 15, 11, 11])
    classes = rng.integers(2, 8)
    sizes = [int(k) for k in (inputs, first, second, classes)]
    params = lesson["init_params"](sizes, rng, dtype)
    for array in params:  # biases too: zeros would hide a mistake
        array += rng.normal(0, 0.3, array.shape).astype(dtype)
    x = rng.normal(size=(n, inputs)).astype(dtype)
    return params, x, rng.integers(0, classes, n)


def finite_differences(loss, array, eps=1e-6):
    """Central differences of loss() in every entry: this test's own."""
    result = np.zeros_like(array)
    for place in np.ndindex(array.shape):
        kept = array[place]
        array[place] = kept + eps
        up = loss()
        array[place] = kept - eps
        down = loss()
        array[place] = kept
        result[place] = (up - down) / (2 * eps)
    return result


@pytest.mark.parametrize("engine", ["backward", "autodiff_backward"])
@pytest.mark.parametrize("seed", SEEDS)
def test_gradient_is_what_finite_differences_measure(lesson, engine, seed):
    params, x, y = problem(lesson, seed)
    _, grads = lesson[engine](params, x, y)
    assert [g.shape for g in grads] == [p.shape for p in params]
    for array, grad in zip(params, grads, strict=True):
        measured = finite_differences(
            lambda: lesson["backward"](params, x, y)[0], array
        )
        np.testing.assert_allclose(grad, measured, rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize("seed", SEEDS)
def test_gradient_is_gradient_tapes(lesson, seed):
    import tensorflow as tf

    params, x, y = problem(lesson, seed)
    tensors = [tf.Variable(p) for p in params]
    with tf.GradientTape() as tape:
        h = tf.constant(x)
        for k, (w, b) in enumerate(
            zip(tensors[::2], tensors[1::2], strict=True)
        ):
            h = h @ w + b if k == 2 else tf.nn.relu(h @ w + b)
        loss = tf.reduce_mean(
            tf.nn.sparse_softmax_cross_entropy_with_logits(y, h)
        )
    ours, grads = lesson["backward"](params, x, y)
    np.testing.assert_allclose(ours, loss.numpy(), rtol=1e-12)
    for grad, theirs in zip(grads, tape.gradient(loss, tensors), strict=True):
        np.testing.assert_allclose(grad, theirs, rtol=1e-9, atol=1e-13)


@pytest.mark.parametrize("dtype, gap", [("float64", 1e-13), ("float32", 1e-5)])
@pytest.mark.parametrize("seed", SEEDS)
def test_autodiff_finds_what_was_derived_by_hand(lesson, seed, dtype, gap):
    params, x, y = problem(lesson, seed, dtype)
    by_hand = lesson["backward"](params, x, y)
    by_machine = lesson["autodiff_backward"](params, x, y)
    assert by_hand[0] == pytest.approx(by_machine[0], rel=gap)
    for hand, machine in zip(by_hand[1], by_machine[1], strict=True):
        assert hand.dtype == machine.dtype == dtype
        np.testing.assert_allclose(machine, hand, rtol=gap, atol=gap)


@pytest.mark.parametrize("data", [3.0, np.array([[1.0, -2.0], [3.0, 4.0]])])
def test_autodiff_adds_where_paths_meet_and_can_run_twice(lesson, data):
    tensor = lesson["Tensor"](data)
    for result, wanted in [
        (tensor + tensor, 2 * np.ones_like(data)),
        (tensor * tensor, 2 * data),
        (tensor * tensor + tensor, 2 * data + 1),
    ]:
        for _ in range(2):  # a second call starts afresh
            result.backward()
            np.testing.assert_array_equal(tensor.grad, wanted)


def test_a_neuron_of_tensors_has_the_derivatives_worked_out_by_hand(lesson):
    """Check x = 2, w = 3, b = -1: a = 5, and (5 - 4) squared."""
    x, w, b = (lesson["Tensor"](value) for value in (2.0, 3.0, -1.0))
    error = lesson["relu_op"](w * x + b) + lesson["Tensor"](-4.0)
    loss = error * error
    loss.backward()
    found = [t.grad for t in (loss, error, x, w, b)]
    assert (loss.data, found) == (1, [1, 2, 6, 4, 2])


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("size", [1, 100, 1e4, 3e38])
def test_softmax_stays_sound_however_large_its_logits(lesson, seed, size):
    rng = np.random.default_rng(seed)
    z = (rng.uniform(-1, 1, (5, rng.integers(2, 9))) * size).astype("float32")
    with np.errstate(over="ignore"):  # a difference may end at -infinity
        p = lesson["softmax"](z)
        loss = lesson["cross_entropy"](z, z.argmax(axis=1))
    assert np.isfinite(p).all() and (p >= 0).all() and np.isfinite(loss)
    np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-6)
    np.testing.assert_array_equal(p.argmax(axis=1), z.argmax(axis=1))
    if size == 1:
        e = np.exp(z.astype("float64"))
        naive = e / e.sum(axis=1, keepdims=True)
        np.testing.assert_allclose(p, naive, rtol=1e-5)
        np.testing.assert_allclose(lesson["softmax"](z + 8), p, rtol=1e-5)
        right = naive[np.arange(5), z.argmax(axis=1)]
        assert loss == pytest.approx(-np.log(right).mean(), rel=1e-5)


def test_cross_entropy_is_right_where_the_probability_is_zero(lesson):
    z = np.array([[200, 0], [0, 1e4]], "float32")
    assert lesson["cross_entropy"](z, np.array([1, 0])) == 5100
    assert lesson["cross_entropy"](z, np.array([0, 1])) == 0


@pytest.mark.parametrize("n, size", [(1, 1), (10, 4), (128, 128), (129, 128)])
def test_minibatches_hold_each_index_once(lesson, n, size):
    batches = lesson["minibatches"](n, size, np.random.default_rng(0))
    assert sorted(np.concatenate(batches)) == list(range(n))
    assert {len(batch) for batch in batches[:-1]} <= {size}
    assert 1 <= len(batches[-1]) <= size


@pytest.mark.parametrize(
    "name, betas, largest",
    [
        ("SGD", [], 1e-12),
        ("Adam", [7 / 8, 1023 / 1024], 1e-12),
        ("Adam", [], 1e-3),  # Keras rounds 0.9 and 0.999 to 32 bits
    ],
)
def test_losses_follow_keras_step_for_step(
    lesson, float64, name, betas, largest
):
    import keras

    keras.utils.set_random_seed(1)
    rng = np.random.default_rng(1)
    sizes = [20, 16, 12, 5]
    x = rng.normal(size=(256, sizes[0])).astype("float32")
    y = (x @ rng.normal(size=(sizes[0], sizes[-1]))).argmax(axis=1)
    model = keras.Sequential([keras.Input(shape=(sizes[0],))])
    for outputs in sizes[1:]:
        last = outputs == sizes[-1]
        activation = None if last else "relu"
        model.add(keras.layers.Dense(outputs, activation))
    model.compile(
        getattr(keras.optimizers, name)(1 / 128, *betas),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    params = [w.copy() for w in model.get_weights()]
    assert [p.shape for p in params[::2]] == list(pairwise(sizes))
    batches = [
        b for _ in range(5) for b in lesson["minibatches"](256, 32, rng)
    ]
    optimizer = lesson[name](params, *betas)
    numpy_losses = lesson["train"](params, x, y, batches, optimizer, 1 / 128)
    keras_losses = []
    for batch in batches:
        model.reset_metrics()
        keras_losses.append(float(model.train_on_batch(x[batch], y[batch])))
    assert numpy_losses[-1] < 0.9 * numpy_losses[0]  # it learns
    distance = np.abs(np.subtract(numpy_losses, keras_losses)).max()
    print(f"largest distance of {len(batches)} losses: {distance:.1e}")
    assert distance < largest
