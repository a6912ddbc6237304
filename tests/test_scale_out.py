"""Lesson 8: its workers, their deaths and its formula, from tagged cells."""

import inspect
import linecache
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from itertools import islice
from pathlib import Path

import numpy as np
import psutil
import pytest
from lessons import sources

SILENT = 12  # seconds


@pytest.fixture(scope="module")
def lesson():
    """The names of the tagged cells; 4,000 random images in their folder."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import keras

    rng = np.random.default_rng(0)
    x = rng.integers(0, 256, (4_000, 28, 28), dtype=np.uint8)
    y = rng.integers(0, 10, 4_000, dtype=np.uint8)
    names = {"np": np, "os": os, "Path": Path, "tempfile": tempfile}
    names["shutil"] = shutil
    names |= {"keras": keras, "FULL": 1, "load_mnist": lambda: ((x, y), 0)}
    for k, source in enumerate(sources("08", "scale")):
        file = f"<lesson 8, cell {k}>"  # inspect.getsource must find it
        lines = source.splitlines(keepends=True)
        linecache.cache[file] = (len(source), None, lines, file)
        exec(compile(source, file, "exec"), names)
    np.save(names["FOLDER"] / "x.npy", x)
    np.save(names["FOLDER"] / "y.npy", y)
    keras.utils.set_random_seed(42)
    names["make_dense"]().save(names["FOLDER"] / "dense.keras")
    yield names
    names["temporary"].cleanup()


@pytest.fixture(scope="module")
def run(lesson):
    """A function that trains: (the weights of each worker, logs)."""

    def trained(name, workers=2, script=lesson["WORKER"], **options):
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
    script, seen = lesson["FOLDER"] / "silent.py", []
    text = lesson["WORKER"].read_text()
    script.write_text(text.replace("signal.SIGKILL", "signal.SIGSTOP"))

    def stopped():
        workers = psutil.Process().children()
        return [w for w in workers if w.status() == psutil.STATUS_STOPPED]

    def wake():
        time.sleep(SILENT)
        seen.append((lesson["FOLDER"] / "both/0.log").read_text())
        stopped()[0].resume()

    when(stopped, wake)
    return *run("both", script=script, death=[1, 10]), seen


@pytest.mark.slow
def test_two_workers_train_the_model_of_one(run, both):
    (first, second), _, _ = both
    assert len(first) == 6 and distance(first, second) == 0
    for devices in (1, 2):
        ((alone,), _) = run(f"alone-{devices}", workers=1, devices=devices)
        assert distance(first, alone) < 1e-5


@pytest.mark.slow
def test_silent_worker_is_waited_for(both):
    _, logs, (seen,) = both
    assert "step 9 " in seen and "step 11 " not in seen
    assert all("step 80 " in log for log in logs)


@pytest.mark.slow
@pytest.mark.parametrize("rank, step, first", [(0, 30, 21), (1, 50, 41)])
def test_killed_worker_resumes_to_the_same_weights(
    lesson, run, both, rank, step, first
):
    folder = lesson["FOLDER"] / f"killed-{rank}"
    with pytest.raises(RuntimeError, match="failed"):
        run(folder.name, death=[rank, step])
    last = (folder / f"{rank}.log").read_text().splitlines()[-1]
    assert last.startswith(f"step {step} ")
    unfinished = folder / f"checkpoint.weights.h5-{rank}.weights.h5"
    unfinished.write_bytes(b"as if it had died while it saved")
    weights, logs = run(folder.name, again=True)
    for log in logs:
        steps = [s for s in log.splitlines() if s.startswith("step ")]
        assert [int(s.split()[1]) for s in steps] == list(range(first, 81))
    assert [distance(w, both[0][0]) for w in weights] == [0, 0]
    wanted = "0.log 1.log checkpoint.weights.h5 weights-0.npz weights-1.npz"
    assert sorted(path.name for path in folder.iterdir()) == wanted.split()


def misbehave(rank, address, fails=None, **_):
    """What a worker does that fails, or else hangs and holds its port."""
    import socket

    if rank == fails:
        raise ValueError("no such images")
    server = socket.create_server(("127.0.0.1", int(address.split(":")[1])))
    print("port", server.getsockname()[1], flush=True)
    time.sleep(300)  # longer than the limit


@pytest.fixture
def odd(lesson):
    return lesson["write_script"]("odd.py", misbehave)


def test_failing_worker_shows_its_last_words_and_ends_the_other(lesson, odd):
    words = r"(?s)^Worker 1 failed.*no such images\n$"
    with pytest.raises(RuntimeError, match=words):
        lesson["run_workers"](odd, "failing", 2, fails=1)


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


def test_worker_ends_with_its_notebook(odd):
    command = [sys.executable, odd, '{"rank": 0, "address": ":0"}']
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, **pipes) as worker:
        assert worker.stdout.readline().startswith(b"port")
        worker.stdin.close()
        assert worker.wait(60) == 1


def test_batches_give_every_row_once(lesson, tmp_path):
    np.save(tmp_path / "x.npy", np.arange(200.0))
    np.save(tmp_path / "y.npy", np.arange(200))

    def read(n, start, rank=0, workers=1):
        pairs = lesson["batches"](tmp_path, 20, start, rank, workers)
        x, y = map(np.array, zip(*islice(pairs, n), strict=True))
        np.testing.assert_allclose(x * 255, y, rtol=1e-6)
        return y

    alone = read(20, 0)  # two epochs
    both = np.stack([read(20, 0, rank, 2) for rank in (0, 1)], axis=2)
    assert np.array_equal(both.reshape(20, 20), alone)
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
    slow = {"image": 0.01, "megabytes": 10, "latency": 0.001}
    assert lesson["gain"](4, 100, 8, **slow) == pytest.approx(1 / 0.271)
    assert lesson["gain"](1, 100, 8, **slow) == 1  # nobody to talk to


def test_script_holds_the_functions_word_for_word(lesson):
    for name in ["batches", "join", "report", "train"]:
        code = inspect.getsource(lesson[name])
        assert code in lesson["WORKER"].read_text()
