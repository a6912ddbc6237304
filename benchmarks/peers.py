"""The same network and recipe in PyTorch, JAX and scikit-learn.

784-128-128-10 with ReLU; Adam at a cosine from 0.004 to 0, batches of 128,
five epochs, softmax. scikit-learn knows no schedule: it keeps Adam's 0.001
and stops at its first epoch that reads 98.0 % of the test set.
"""

import math
import sys
import time

import child
import numpy as np
from child import mnist, right

SIZES = [784, 128, 128, 10]
BATCH = 128
RATE = 0.004


def torch_network():
    """Return the network in PyTorch: (n, 784) to logits (n, 10)."""
    from torch import nn

    layers = []
    for inputs, outputs in zip(SIZES[:-1], SIZES[1:], strict=True):
        layers += [nn.Linear(inputs, outputs), nn.ReLU()]
    return nn.Sequential(*layers[:-1])


def torch_recipe(loader=False, epochs=5, seed=42, images=None):
    """Train in PyTorch, by indexing tensors or through a DataLoader."""
    import torch
    from torch.utils.data import DataLoader, TensorDataset

    x, y, x_test, y_test = mnist(images)
    x, x_test = (torch.from_numpy(a.reshape(-1, 784)) for a in (x, x_test))
    y = torch.from_numpy(y.astype("int64"))
    torch.manual_seed(seed)

    def indexed():
        for some in torch.randperm(len(x)).split(BATCH):
            yield x[some], y[some]

    started = time.perf_counter()
    model = torch_network()
    optimizer = torch.optim.Adam(model.parameters(), RATE)
    data = DataLoader(TensorDataset(x, y), BATCH, shuffle=True)
    steps = epochs * len(data)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    entropy = torch.nn.CrossEntropyLoss()
    for _ in range(epochs):
        for some, labels in data if loader else indexed():
            optimizer.zero_grad()
            entropy(model(some), labels).backward()
            optimizer.step()
            schedule.step()
    seconds = time.perf_counter() - started
    with torch.no_grad():
        return {"seconds": seconds, "accuracy": right(model(x_test), y_test)}


def jax_network(seed):
    """Return the network's weights for JAX: [(table, biases), ...]."""
    import jax

    keys = jax.random.split(jax.random.key(seed), len(SIZES) - 1)
    tables = zip(keys, SIZES[:-1], SIZES[1:], strict=True)
    glorot = jax.nn.initializers.glorot_uniform()
    return [(glorot(k, (n, m)), jax.numpy.zeros(m)) for k, n, m in tables]


def jax_recipe(epochs=5, seed=42, images=None):
    """Train in JAX: an epoch is one compiled scan over its batches.

    A scan wants batches of one size, so each epoch leaves out the last 96
    images of its order. Adam is written out: JAX has no optimizers.
    """
    import jax
    import jax.numpy as jnp

    x, y, x_test, y_test = mnist(images)
    x, x_test = (jnp.asarray(a.reshape(-1, 784)) for a in (x, x_test))
    y = jnp.asarray(y.astype("int32"))
    steps = len(x) // BATCH
    tree_map = jax.tree.map

    def logits(params, some):
        for table, biases in params[:-1]:
            some = jax.nn.relu(some @ table + biases)
        return some @ params[-1][0] + params[-1][1]

    def entropy(params, some):
        logs = jax.nn.log_softmax(logits(params, x[some]))
        return -jnp.take_along_axis(logs, y[some, None], axis=1).mean()

    def step(state, some):
        params, m, v, t = state
        grads = jax.grad(entropy)(params, some)
        rate = RATE * (1 + jnp.cos(math.pi * t / (steps * epochs))) / 2
        t += 1
        rate *= jnp.sqrt(1 - 0.999**t) / (1 - 0.9**t)
        m = tree_map(lambda m, g: m + 0.1 * (g - m), m, grads)
        v = tree_map(lambda v, g: v + 0.001 * (g * g - v), v, grads)
        params = tree_map(
            lambda p, m, v: p - rate * m / (jnp.sqrt(v) + 1e-7), params, m, v
        )
        return (params, m, v, t), None

    @jax.jit
    def epoch(state, key):
        order = jax.random.permutation(key, len(x))[: steps * BATCH]
        return jax.lax.scan(step, state, order.reshape(steps, BATCH))[0]

    started = time.perf_counter()
    params = jax_network(seed)
    zeros = tree_map(jnp.zeros_like, params)
    state = params, zeros, zeros, 0.0
    for key in jax.random.split(jax.random.key(seed + 1), epochs):
        state = epoch(state, key)
    jax.block_until_ready(state)
    seconds = time.perf_counter() - started
    answers = logits(state[0], x_test)
    return {"seconds": seconds, "accuracy": right(answers, y_test)}


def sklearn_network(seed):
    """Return the network in scikit-learn, untrained."""
    from sklearn.neural_network import MLPClassifier

    hidden = SIZES[1:-1]
    return MLPClassifier(hidden, batch_size=BATCH, random_state=seed)


def sklearn_recipe(epochs=20, goal=0.98, seed=42, images=None):
    """Train in scikit-learn to the first epoch that reaches the goal."""
    x, y, x_test, y_test = mnist(images)
    x, x_test = x.reshape(-1, 784), x_test.reshape(-1, 784)
    model = sklearn_network(seed)
    seconds = 0
    for _ in range(epochs):
        started = time.perf_counter()
        model.partial_fit(x, y, classes=range(10))
        seconds += time.perf_counter() - started
        score = right(model.predict_proba(x_test), y_test)
        if score >= goal:
            break
    return {"seconds": seconds, "accuracy": score}


def torch_example_network():
    """Return the network of PyTorch's examples/mnist."""
    from torch import nn

    return nn.Sequential(
        nn.Conv2d(1, 32, 3, 1),
        nn.ReLU(),
        nn.Conv2d(32, 64, 3, 1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Dropout(0.25),
        nn.Flatten(),
        nn.Linear(9216, 128),
        nn.ReLU(),
        nn.Dropout(0.5),
        nn.Linear(128, 10),
        nn.LogSoftmax(dim=1),
    )


def torch_example(epochs=None, seed=1, images=None):
    """Train as examples/mnist does: Adadelta, batches of 64, 14 epochs.

    Its images come normalised from one tensor, not through torchvision, and
    the test after each epoch is left out: both make it faster.
    """
    import torch
    from torch.utils.data import DataLoader, TensorDataset

    epochs = epochs or 14
    x, y, x_test, y_test = mnist(images)
    x, x_test = ((a[:, None] - 0.1307) / 0.3081 for a in (x, x_test))
    x, x_test = torch.from_numpy(x), torch.from_numpy(x_test)
    y = torch.from_numpy(y.astype("int64"))
    torch.manual_seed(seed)
    started = time.perf_counter()
    model = torch_example_network()
    optimizer = torch.optim.Adadelta(model.parameters(), lr=1.0)
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, 1, gamma=0.7)
    for _ in range(epochs):
        for some, labels in DataLoader(TensorDataset(x, y), 64, shuffle=True):
            optimizer.zero_grad()
            torch.nn.functional.nll_loss(model(some), labels).backward()
            optimizer.step()
        schedule.step()
    seconds = (time.perf_counter() - started) / epochs * 14
    model.eval()
    with torch.no_grad():
        answers = np.concatenate([model(a) for a in x_test.split(1000)])
    score = right(answers, y_test)
    return {"seconds": seconds, "of": 14, "accuracy": score}


if __name__ == "__main__":
    child.main(vars(sys.modules[__name__]))
