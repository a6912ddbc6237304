"""Lesson 8: its workers, their deaths and its formula, from tagged cells."""

import ast
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from itertools import islice
from pathlib import Path

import nbformat
import numpy as np
import psutil
import pytest
from lessons import NOTEBOOKS, sources

SILENT = 12  # seconds


@pytest.fixture(scope="module")
def lesson():
    """The names of the tagged cells; 4,000 random images in their folder."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import keras

    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (4_000, 28, 28), dtype=np.uint8)
    y = rng.integers(0, 10, 4_000, dtype=np.uint8)
    names = {"np": np, "os": os, "Path": Path}
    names |= {"keras": keras, "FULL": 1, "load_mnist": lambda: ((x, y), 0)}
    for k, source in enumerate(sources("08", "scale")):
        magic, _, text = source.partition("\n")
        if magic.startswith("%%file "):
            names["file_magic"](magic.split()[1], text)
        else:
            exec(compile(source, f"<lesson 8, cell {k}>", "exec"), names)
    np.save(names["FOLDER"] / "x.npy", x)
    np.save(names["FOLDER"] / "y.npy", y)
    keras.utils.set_random_seed(42)
    names["make_dense"]().save(names["FOLDER"] / "network.keras")
    yield names
    names["temporary"].cleanup()


@pytest.fixture(scope="module")
def run(lesson):
    """A function that trains: (the weights of each worker, logs)."""

    def trained(name, workers=2, script="worker.py", **options):
        logs = lesson["run_workers"](script, name, workers, **options)
        files = sorted((lesson["FOLDER"] / name).glob("weights-*.npz"))
        return [list(np.load(file).values()) for file in files], logs

    return trained


@pytest.fixture(autouse=True)
def nobody_stays_behind():
    """After each test this process has the children it had before."""
    before = set(psutil.Process().children(recursive=True))
    yield
    assert set(psutil.Process().children(recursive=True)) <= before


def when(condition, act):
    """Call act() in a thread, as soon as condition() holds."""

    def wait():
        while not condition():
            time.sleep(0.02)
        act()

    threading.Thread(target=wait, daemon=True).start()


def distance(ones, others):
    pairs = zip(ones, others, strict=True)
    return max(np.abs(a - b).max() for a, b in pairs)


@pytest.fixture(scope="module")
def both(lesson, run):
    """What two workers train, one silent a while; the other's log then."""
    seen, text = [], (lesson["FOLDER"] / "worker.py").read_text()
    stop = text.replace("os.getpid(), 9", f"os.getpid(), {signal.SIGSTOP:d}")
    assert stop != text
    (lesson["FOLDER"] / "silent.py").write_text(stop)

    def stopped():
        workers = psutil.Process().children()
        return [w for w in workers if w.status() == psutil.STATUS_STOPPED]

    def wake():
        time.sleep(SILENT)
        seen.append((lesson["FOLDER"] / "both/0.log").read_text())
        stopped()[0].resume()

    when(stopped, wake)
    return *run("both", script="silent.py", DIE_AT="1 30"), seen


@pytest.mark.slow
def test_two_workers_train_the_model_of_one(run, both):
    (first, second), _, _ = both
    assert len(first) == 6 and distance(first, second) == 0
    for devices in ("1", "2"):
        ((alone,), _) = run("alone", 1, JAX_NUM_CPU_DEVICES=devices)
        assert distance(first, alone) < 1e-5


@pytest.mark.slow
def test_silent_worker_is_waited_for(both):
    _, logs, (seen,) = both
    assert "step 20 " in seen and "step 40 " not in seen
    assert all("step 80 " in log for log in logs)


@pytest.mark.slow
@pytest.mark.parametrize("rank, step, saved", [(0, 30, 20), (1, 50, 40)])
def test_killed_worker_resumes_to_the_same_weights(
    lesson, run, both, rank, step, saved
):
    folder = lesson["FOLDER"] / f"killed-{rank}"
    with pytest.raises(RuntimeError, match="failed"):
        run(folder.name, DIE_AT=f"{rank} {step}")
    assert steps_of((folder / "0.log").read_text())[-1] == saved
    unfinished = folder / "new.npz"
    unfinished.write_bytes(b"as if it had died while it saved")
    weights, logs = run(folder.name, again=True)
    for log in logs:
        assert steps_of(log) == list(range(saved + 20, 81, 20))
    assert [distance(w, both[0][0]) for w in weights] == [0, 0]
    wanted = "0.log 1.log checkpoint.npz weights-0.npz weights-1.npz"
    assert sorted(path.name for path in folder.iterdir()) == wanted.split()


@pytest.mark.slow
def test_dropout_goes_on_with_its_random_state_too(lesson, run):
    import keras

    path = lesson["FOLDER"] / "network.keras"
    network = keras.models.load_model(path)
    layers = [keras.Input((28, 28)), *network.layers]
    layers[-1:-1] = [keras.layers.Dropout(0.3)]
    kept = path.read_bytes()
    keras.Sequential(layers).save(path)
    try:
        (calm, _), _ = run("calm")
        with pytest.raises(RuntimeError, match="failed"):
            run("dropout", DIE_AT="0 50")
        (resumed, _), _ = run("dropout", again=True)
        ((alone,), _) = run("one", 1)
    finally:
        path.write_bytes(kept)
    assert distance(calm, resumed) == 0
    assert distance(calm, alone) < 1e-5  # the same masks for the same images


def steps_of(log):
    """Return the steps that a worker's log tells of."""
    return [int(step) for step in re.findall(r"^step (\d+) ", log, re.M)]


MISBEHAVE = """
import os, socket, time

if os.environ.get("FAILS") == os.environ["KERAS_DISTRIBUTION_PROCESS_ID"]:
    raise ValueError("no such images")
address = os.environ["KERAS_DISTRIBUTION_JOB_ADDRESSES"]
server = socket.create_server(("127.0.0.1", int(address.split(":")[1])))
print("port", server.getsockname()[1], flush=True)
time.sleep(300)  # longer than the limit
"""


@pytest.fixture
def odd(lesson):
    """A worker that fails, or else hangs and holds its port."""
    (lesson["FOLDER"] / "odd.py").write_text(MISBEHAVE)
    return "odd.py"


def test_failing_worker_shows_its_last_words_and_ends_the_other(lesson, odd):
    words = r"(?s)^Worker 1 failed.*no such images\n$"
    with pytest.raises(RuntimeError, match=words):
        lesson["run_workers"](odd, "failing", 2, FAILS="1")


def test_hanging_worker_is_stopped(lesson, odd):
    with pytest.raises(RuntimeError, match="Not done in 0.5 s"):
        lesson["run_workers"](odd, "hanging", limit=0.5)


def test_interrupted_cell_leaves_nobody_behind(lesson, odd):
    log = lesson["FOLDER"] / "interrupted/0.log"
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    when(
        lambda: log.exists() and log.read_text().endswith("\n"),
        lambda: os.kill(os.getpid(), signal.SIGINT),
    )
    with pytest.raises(KeyboardInterrupt):
        lesson["run_workers"](odd, "interrupted")
    signal.signal(signal.SIGINT, before)
    port = int(log.read_text().split()[-1])
    socket.create_server(("127.0.0.1", port)).close()  # it is free again


def test_worker_ends_with_its_notebook(lesson, odd):
    command = [sys.executable, "-c", lesson["GUARD"], lesson["FOLDER"] / odd]
    names = {"JOB_ADDRESSES": "127.0.0.1:0", "PROCESS_ID": "0"}
    names = {f"KERAS_DISTRIBUTION_{key}": names[key] for key in names}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, **pipes, env=os.environ | names) as worker:
        assert worker.stdout.readline().startswith(b"port")
        worker.stdin.close()
        assert worker.wait(60) == 1


def test_batches_give_every_row_once(lesson, tmp_path):
    np.save(tmp_path / "x.npy", np.arange(200.0))
    np.save(tmp_path / "y.npy", np.arange(200))

    tree = ast.parse((lesson["FOLDER"] / "worker.py").read_text())
    functions = [f for f in tree.body if getattr(f, "name", "") == "batches"]
    code = compile(ast.Module(functions, []), "worker.py", "exec")

    def read(n, start, rank=0, workers=1):
        names = {"DATA": tmp_path, "BATCH": 20, "np": np, "os": os}
        names |= {"rank": rank, "workers": workers}
        exec(code, names)
        pairs = names["batches"](start)
        x, y = map(np.array, zip(*islice(pairs, n), strict=True))
        np.testing.assert_allclose(x * 255, y, rtol=1e-6)
        return y

    alone = read(20, 0)  # two epochs
    both = np.concatenate([read(20, 0, rank, 2) for rank in (0, 1)], axis=1)
    assert np.array_equal(both, alone)
    epochs = alone.reshape(2, 200)
    assert np.array_equal(np.sort(epochs), [np.arange(200)] * 2)
    assert not np.array_equal(*epochs)
    for k in (1, 9, 10, 15):
        assert np.array_equal(read(20 - k, k), alone[k:])


def test_formula_by_hand(lesson):
    # 3/4 of 10 MB twice, so 120 Mbit, at 8,000 Mbit/s; and six messages
    seconds = lesson["all_reduce_seconds"](4, 10, gbit=8, latency=0.001)
    assert seconds == pytest.approx(0.015 + 0.006)
    assert lesson["step_seconds"](4, 100, 0.01, 0.5) == pytest.approx(0.75)
    nine = lesson["all_reduce_seconds"](4, 10, 8, 0.001, arrays=9)
    assert nine == pytest.approx(0.015 + 9 * 0.006)
    # 0.86 MB take 1.29 ms and six messages 6 ms, with 250 ms of computing
    slow = {"gbit": 8, "latency": 0.001, "image": 0.01}
    gain = lesson["gain"]
    assert gain(4, 100, **slow) == pytest.approx(1 / 0.25729)
    assert gain(4, 100, **slow, overhead=0.1) == pytest.approx(1 / 0.35729)
    assert gain(1, 100, **slow, overhead=9) == 1  # nobody to talk to


def test_scripts_are_python_of_79_columns(lesson):
    for name in ("worker.py", "measure.py"):
        text = (lesson["FOLDER"] / name).read_text()
        assert ast.parse(text) and max(map(len, text.splitlines())) <= 79


def test_job_script_is_bash_that_starts_the_worker():
    (path,) = NOTEBOOKS.glob("08_*.ipynb")
    cells = nbformat.read(path, as_version=4).cells
    text = "\n".join(c.source for c in cells if c.cell_type == "markdown")
    (script,) = re.findall(r"```bash\n(#!/bin/bash\n.+?)```", text, re.S)
    subprocess.run(["bash", "-n"], input=script.encode(), check=True)
    options = re.findall(r"^#SBATCH (--[a-z-]+)", script, re.M)
    assert {"--ntasks", "--time", "--requeue", "--signal"} <= set(options)
    assert "python worker.py data" in script
