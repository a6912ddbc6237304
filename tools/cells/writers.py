# @title Who wrote each image: run me.
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
