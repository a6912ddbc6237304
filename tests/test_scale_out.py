"""Lesson 8: its workers, checkpoints and stream, from the tagged cells."""

import _thread
import inspect
import json
import linecache
import os
import signal
import threading
import time
from pathlib import Path

import numpy as np
import psutil
import pytest
from lessons import sources

STEPS, EVERY = 60, 20
SILENT = 12  # seconds; TensorFlow takes a worker for dead after 10


@pytest.fixture(scope="module")
def lesson():
    """The names that the lesson's tagged cells define."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import keras
    import tensorflow as tf

    names = {"np": np, "os": os, "Path": Path, "keras": keras, "tf": tf}
    for k, source in enumerate(sources("08", "scale")):
        file = f"<lesson 8, cell {k}>"  # inspect.getsource must find it
        lines = source.splitlines(keepends=True)
        linecache.cache[file] = (len(source), None, lines, file)
        exec(compile(source, file, "exec"), names)
    yield names
    names["temporary"].cleanup()


@pytest.fixture(scope="module")
def shards(lesson):
    """Eight shards of 200 random images, and what is in them."""
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (1_600, 28, 28)) / np.float32(255)
    labels = rng.integers(0, 10, 1_600)
    names = lesson["write_shards"](lesson["FOLDER"], images, labels, 200)
    return names, images, labels


@pytest.fixture(scope="module")
def settings(lesson, shards):
    """A function that returns the settings of a run."""

    def named(name):
        home = lesson["FOLDER"] / name
        home.mkdir(exist_ok=True)
        paths = {"folder": f"{home}/checkpoints", "result": f"{home}/weights"}
        return {"names": shards[0], "steps": STEPS, "save": EVERY, **paths}

    return named


@pytest.fixture(scope="module")
def train(lesson, settings):
    """A function that trains with two workers: (weights of each, logs)."""

    def run(name, **options):
        job = settings(name)
        logs = lesson["run_workers"](lesson["WORKER"], job, **options)
        return [load(job, k) for k in (0, 1)], logs

    return run


def load(settings, worker):
    with np.load(f"{settings['result']}-{worker}.npz") as file:
        return list(file.values())


@pytest.fixture(scope="module")
def both(lesson, train):
    """What two workers train, the second of which is silent for a while."""
    start, threads = lesson["start_workers"], []

    def pause(worker, log):
        while "step 10 " not in log.read_text() and worker.poll() is None:
            time.sleep(0.02)
        process = psutil.Process(worker.pid)
        process.suspend()
        time.sleep(SILENT)
        process.resume()

    def start_and_pause(script, settings, n, workers, logs):
        start(script, settings, n, workers, logs)
        threads.append(
            threading.Thread(target=pause, args=(workers[1], logs[1]))
        )
        threads[-1].start()

    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(lesson, "start_workers", start_and_pause)
        trained = train("both")
    threads[0].join()
    return trained


@pytest.fixture(autouse=True)
def nobody_stays_behind():
    """After each test this process has the children it had before."""
    before = set(psutil.Process().children(recursive=True))
    yield
    left = set(psutil.Process().children(recursive=True)) - before
    assert not left, left


def distance(ones, others):
    pairs = zip(ones, others, strict=True)
    return max(np.abs(a - b).max() for a, b in pairs)


def test_two_workers_train_the_model_of_one(lesson, settings, both):
    (first, second), logs = both
    lesson["train_worker"](**settings("alone"))
    alone = load(settings("alone"), 0)
    assert len(alone) == 6 and distance(first, second) == 0
    assert distance(first, alone) < 1e-5
    assert all(f"step {STEPS} loss" in log for log in logs)


def test_silent_worker_is_waited_for(lesson, both):
    times = [step[2] for step in lesson["read_steps"](both[1][0])]
    assert len(times) == STEPS and np.diff(times).max() > SILENT - 1


def test_killed_worker_resumes_to_the_same_weights(lesson, train, both):
    with pytest.raises(RuntimeError, match="worker 1 ended"):
        train("killed", kill=(1, f"step {EVERY + 2} "))
    good = lesson["FOLDER"] / "killed"
    assert {path.name for path in good.iterdir()} >= {"checkpoints"}
    weights, logs = train("killed")
    assert lesson["read_steps"](logs[0])[0][0] > EVERY  # it has not begun anew
    assert distance(weights[0], weights[1]) == 0
    assert distance(weights[0], both[0][0]) < 1e-6
    left = {path.name for path in good.iterdir()}
    assert left == {"checkpoints", "weights-0.npz", "weights-1.npz"}


@pytest.fixture
def script(tmp_path):
    """A function that writes a script of its own, in place of worker.py."""

    def write(text):
        path = tmp_path / "script.py"
        path.write_text(text)
        return path

    return write


def test_failing_worker_shows_its_last_words_and_ends_the_other(
    lesson, script
):
    text = "import json, os, time\nprint('hello', flush=True)\n"
    text += "if json.loads(os.environ['TF_CONFIG'])['task']['index'] == 1:\n"
    text += "    raise ValueError('no such shard')\ntime.sleep(100)\n"
    started = time.monotonic()
    with pytest.raises(RuntimeError) as error:
        lesson["run_workers"](script(text), {})
    assert time.monotonic() - started < 60
    for words in ["worker 1 ended with code 1", "hello", "no such shard"]:
        assert words in str(error.value)
    assert "worker 0" not in str(error.value)


def test_hanging_worker_is_stopped(lesson, script):
    with pytest.raises(RuntimeError, match="Not done in 0.5 s"):
        lesson["run_workers"](
            script("import time; time.sleep(99)"), {}, limit=0.5
        )


def test_interrupted_cell_leaves_nobody_behind(lesson, script):
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    interrupt = threading.Timer(1.5, _thread.interrupt_main)
    interrupt.start()
    with pytest.raises(KeyboardInterrupt):
        lesson["run_workers"](script("import time; time.sleep(100)"), {})
    interrupt.join()
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("busy", [1, 2])
def test_taken_port_is_tried_once_more(lesson, script, busy, monkeypatch):
    tries = []

    def free_ports(n):
        tries.append(n)
        return [1 if len(tries) <= busy else 2] * n

    monkeypatch.setitem(lesson, "free_ports", free_ports)
    text = "import os\nif ':1\"' in os.environ['TF_CONFIG']:\n"
    text += "    raise OSError('Address already in use')"
    if busy == 1:
        assert lesson["run_workers"](script(text), {}) == ["", ""]
    else:
        with pytest.raises(RuntimeError, match="already in use"):
            lesson["run_workers"](script(text), {})
    assert len(tries) == 2


def test_ports_are_free_and_different(lesson):
    ports = lesson["free_ports"](20)
    assert len(set(ports)) == 20 and min(ports) > 1_000


def test_shards_give_back_every_image_once(lesson, shards):
    names, images, labels = shards
    assert len(names) == 8
    pairs = list(lesson["stream"](names, batch=100))
    found = np.concatenate([x.numpy() for x, _ in pairs]).reshape(1_600, -1)
    assert sorted(np.concatenate([y for _, y in pairs])) == sorted(labels)
    order, wanted = found.sum(axis=1), images.reshape(1_600, -1).sum(axis=1)
    assert not np.allclose(order, wanted)  # shuffled
    np.testing.assert_allclose(np.sort(order), np.sort(wanted), rtol=1e-5)


def test_shares_are_the_global_batch(lesson, shards):
    context = lesson["tf"].distribute.InputContext
    names, _, labels = shards
    parts = [
        [y.numpy() for _, y in lesson["share"](context, names, 100, 3).take(2)]
        for context in [context(2, k, 2) for k in (0, 1)]
    ]
    for step, pair in enumerate(zip(*parts, strict=True)):
        batch = np.stack(pair, axis=1).ravel()
        first = (3 + step) * 100
        assert np.array_equal(batch, labels[first : first + 100])


def test_memory_of_the_stream_is_flat(lesson, shards, tmp_path):
    names = [shards[0][k % 8] for k in range(200)]  # 40,000 images
    path = tmp_path / "memory.py"
    functions = [lesson[f] for f in ("parse", "stream", "measure_memory")]
    lesson["write_script"](path, *functions)
    (log,) = lesson["run_workers"](path, {"names": names}, n=1)
    _, tenth, streamed, loaded = (  # after what TensorFlow has to say
        float(s.split()[0]) for s in log.splitlines()[-4:]
    )
    assert streamed - tenth < 40
    assert loaded - streamed > 100


def test_formula_by_hand(lesson):
    step_time, speed_up = lesson["step_time"], lesson["speed_up"]
    one = step_time(1, 1_000, 1, batch=10, speed=6e4, latency=1)
    assert one == pytest.approx(1)  # 60,000 operations, nobody to talk to
    two = step_time(2, 1_000, 1e-6, batch=10, speed=6e4, latency=1)
    assert two == pytest.approx(0.5 + 4_000 * 8 / 1_000 + 2)
    options = dict(batch=10, speed=6e4, latency=0)
    assert speed_up(64, 1_000, 1e9, **options) == pytest.approx(64)


def test_tf_config_names_all_and_one(lesson):
    config = json.loads(lesson["tf_config"](["a:1", "b:2"], 1))
    assert config["cluster"] == {"worker": ["a:1", "b:2"]}
    assert config["task"] == {"type": "worker", "index": 1}


def test_functions_of_the_script_are_the_lessons(lesson):
    text = lesson["WORKER"].read_text()
    for name in ["make_model", "share", "be_patient", "train_worker"]:
        assert inspect.getsource(lesson[name]) in text
