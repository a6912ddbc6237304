"""data/get_mnist.py: where MNIST comes from, and all that can go wrong."""

import errno
import hashlib
import http.server
import os
import pickle
import re
import shutil
import ssl
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import get_mnist as course
import numpy as np
import pytest
import requests
from lessons import names_of

SCRIPT = Path(course.__file__)
SMALL = {  # arrays that stand in for MNIST's where only the way matters
    "x_train": np.arange(6 * 28 * 28, dtype=np.uint8).reshape(6, 28, 28),
    "y_train": np.arange(6, dtype=np.uint8),
    "x_test": np.zeros((2, 28, 28), np.uint8),
    "y_test": np.array([3, 8], np.uint8),
}


@pytest.fixture
def small_mnist(monkeypatch, tmp_path_factory):
    """Let SMALL be the official MNIST; return the path of such a file."""
    path = tmp_path_factory.mktemp("source") / "small.npz"
    np.savez(path, **SMALL)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    monkeypatch.setattr(course, "FILE", digest)
    monkeypatch.setattr(course, "ARRAYS", course.content(path))
    monkeypatch.delenv("MNIST_NPZ", raising=False)
    return path


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
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        broken = server.behave != "well" and server.requests == 1
        self.wfile.write(body[: len(body) // 2] if broken else body)
        if server.behave == "stall":
            server.stopped.wait(60)

    def log_message(self, *_):
        """Keep the tests' output clean."""


def fetch(folder, *mirrors, timeout=30):
    return course.get_mnist(folder, mirrors, (timeout, timeout))


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_full_mnist_is_sound_and_the_sample_is_a_part_of_it(
    full_mnist, sample
):
    assert course.is_sound(full_mnist) and not course.is_sound(sample)
    with np.load(full_mnist) as full, np.load(sample) as part:
        pairs = zip(full["x_train"], full["y_train"], strict=True)
        labels = {image.tobytes(): label for image, label in pairs}
        images = np.concatenate([part["x_train"], part["x_test"]])
        said = np.concatenate([part["y_train"], part["y_test"]])
    assert [labels[image.tobytes()] for image in images] == said.tolist()
    assert len({image.tobytes() for image in images}) == 5000


def test_sample_has_as_many_images_of_each_digit(sample):
    with np.load(sample) as part:
        assert list(np.bincount(part["y_train"])) == [400] * 10
        assert list(np.bincount(part["y_test"])) == [100] * 10


def test_sound_file_is_kept_without_a_request(small_mnist, tmp_path):
    shutil.copy(small_mnist, tmp_path / "mnist.npz")
    before = (tmp_path / "mnist.npz").stat()
    with Server(b"") as server:
        assert fetch(tmp_path, server.url) == tmp_path / "mnist.npz"
        assert server.requests == 0
    assert (tmp_path / "mnist.npz").stat().st_mtime_ns == before.st_mtime_ns


def test_mnist_npz_comes_before_the_network(
    small_mnist, tmp_path, monkeypatch
):
    packed = small_mnist.with_name("packed.npz")  # the same, in other bytes
    columns = {name: np.asfortranarray(a) for name, a in SMALL.items()}
    np.savez_compressed(packed, **columns)
    monkeypatch.setenv("MNIST_NPZ", str(packed))
    with Server(b"") as server:
        fetch(tmp_path, server.url)
        assert server.requests == 0
    assert names(tmp_path) == ["mnist.npz"]
    assert packed.exists()


@pytest.mark.parametrize(
    "name, reason",
    [
        ("missing.npz", "No such file"),
        ("folder", "Is a directory|Permission denied"),  # Windows: the second
        ("text.npz", "what is there is not MNIST"),
    ],
)
def test_unusable_mnist_npz_is_passed_over(
    name, reason, small_mnist, tmp_path, monkeypatch, capsys
):
    place = small_mnist.parent
    (place / "folder").mkdir()
    (place / "text.npz").write_text("not an archive")
    monkeypatch.setenv("MNIST_NPZ", str(place / name))
    with Server(small_mnist.read_bytes()) as server:
        fetch(tmp_path, server.url)
    assert names(tmp_path) == ["mnist.npz"]
    said = capsys.readouterr().out
    assert re.search(rf"{name} \.\.\.\n  That did not work: ({reason})", said)


def test_download_shows_how_far_it_is(
    small_mnist, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr("sys.stderr.isatty", lambda: True, raising=False)
    with Server(small_mnist.read_bytes()) as server:
        path = fetch(tmp_path, server.url)
        assert server.requests == 1
    assert "100%" in capsys.readouterr().err
    assert path.read_bytes() == small_mnist.read_bytes()
    assert names(tmp_path) == ["mnist.npz"]
    assert path.stat().st_mode & 0o444 == 0o444  # a class may share it


@pytest.mark.parametrize("behave", ["cut off", "stall"])
def test_download_that_breaks_off_is_tried_again(
    behave, small_mnist, tmp_path
):
    with Server(small_mnist.read_bytes(), behave) as server:
        path = fetch(tmp_path, server.url, timeout=3)
        assert server.requests == 2
    assert path == tmp_path / "mnist.npz"
    assert names(tmp_path) == ["mnist.npz"]


def test_second_mirror_serves_when_the_first_fails(small_mnist, tmp_path):
    body = small_mnist.read_bytes()
    with Server(body, "refuse") as bad, Server(body) as good:
        path = fetch(tmp_path, bad.url, good.url)
        assert path == tmp_path / "mnist.npz"
        assert (bad.requests, good.requests) == (2, 1)
    assert names(tmp_path) == ["mnist.npz"]


def test_lessons_have_the_sample_where_no_mirror_serves(
    small_mnist, tmp_path, capsys
):
    with Server(b"", "refuse") as server:
        path = fetch(tmp_path, "http://127.0.0.1:9/mnist.npz", server.url)
    assert path == tmp_path / "mnist-sample.npz"
    assert names(tmp_path) == []
    said = capsys.readouterr().out
    assert "That did not work: the connection to it fails." in said
    assert "That did not work: it does not have the file." in said
    assert "4,000 to train on" in said


def other_bytes(small_mnist):
    """Yield what may stand, or be sent, in the place of MNIST."""
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
    small_mnist, tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr("time.sleep", lambda seconds: None)  # before a retry
    for body in other_bytes(small_mnist):
        with Server(body) as server:
            assert fetch(tmp_path, server.url).name == "mnist-sample.npz"
        assert names(tmp_path) == []
        assert "what is there is not MNIST" in capsys.readouterr().out


def test_unsound_file_is_set_aside_not_overwritten(small_mnist, tmp_path):
    for number, body in enumerate(other_bytes(small_mnist), start=1):
        (tmp_path / "mnist.npz").write_bytes(body)
        with Server(small_mnist.read_bytes()) as server:
            fetch(tmp_path, server.url)
        assert course.is_sound(tmp_path / "mnist.npz")
        aside = tmp_path / f"mnist.npz.unsound{number}"
        assert aside.read_bytes() == body


def test_certificate_is_checked_and_named(small_mnist, tmp_path, capsys):
    openssl = shutil.which("openssl") or pytest.skip("needs openssl")
    key, cert = tmp_path / "key.pem", tmp_path / "cert.pem"
    request = "req -x509 -newkey rsa:2048 -nodes -subj /CN=localhost -days 1 "
    request += "-addext subjectAltName=DNS:localhost"
    command = [openssl, *request.split(), "-keyout", key, "-out", cert]
    subprocess.run(command, check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)
    folder = tmp_path / "data"
    folder.mkdir()
    with Server(small_mnist.read_bytes()) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        url = f"https://localhost:{server.server_port}/mnist.npz"
        assert fetch(folder, url).name == "mnist-sample.npz"
        trusting = requests.get(url, verify=str(cert))
        assert trusting.status_code == 200  # so it was the certificate
    assert names(folder) == []
    assert "its certificate cannot be verified" in capsys.readouterr().out
    assert all(url.startswith("https://") for url in course.MIRRORS)


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


def test_disk_that_is_full_while_it_downloads(small_mnist, tmp_path, mount):
    mount(tmp_path, "size=4k")
    with Server(small_mnist.read_bytes()) as server:
        with pytest.raises(OSError, match="No space left"):
            fetch(tmp_path, server.url)
        assert server.requests == 1
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


@pytest.mark.parametrize("again", range(20))  # each meets another moment
def test_eight_runs_at_once_do_no_harm(again, small_mnist, tmp_path):
    with Server(small_mnist.read_bytes()) as server:
        with ThreadPoolExecutor(8) as pool:
            runs = [pool.submit(fetch, tmp_path, server.url) for _ in range(8)]
            paths = {run.result() for run in runs}
    assert paths == {tmp_path / "mnist.npz"}
    assert names(tmp_path) == ["mnist.npz"]
    assert course.is_sound(tmp_path / "mnist.npz")


KILLED = """
import sys, pathlib, get_mnist
get_mnist.get_mnist(pathlib.Path(sys.argv[1]), [sys.argv[2]], 600)
"""


def test_killed_run_leaves_no_mnist_and_the_next_heals(small_mnist, tmp_path):
    with Server(small_mnist.read_bytes(), "stall") as server:
        run = subprocess.Popen(
            [sys.executable, "-c", KILLED, str(tmp_path), server.url],
            cwd=SCRIPT.parent,
        )
        while not server.requests:
            assert run.poll() is None
            time.sleep(0.05)
        run.kill()
        run.wait()
    (part,) = tmp_path.glob("part-*/")
    (tmp_path / "part-new").mkdir()  # a lesson is saving its model
    os.utime(part, (0, 0))  # an hour and more ago
    with Server(small_mnist.read_bytes()) as server:
        fetch(tmp_path, server.url)
    assert names(tmp_path) == ["mnist.npz", "part-new"]


def test_command_says_what_it_did(full_mnist, tmp_path, monkeypatch):
    script = shutil.copy(SCRIPT, tmp_path)
    monkeypatch.setenv("MNIST_NPZ", str(full_mnist))
    command = [sys.executable, script]
    run = subprocess.run(command, capture_output=True, text=True)
    assert run.returncode == 0 and run.stderr == ""
    assert f"MNIST is in {tmp_path / 'mnist.npz'}" in run.stdout


# What a lesson takes of it


@pytest.fixture
def lesson(tmp_path, monkeypatch):
    """Run lesson 0's setup cell in a course of its own; return its names."""
    notebooks, data = tmp_path / "notebooks", tmp_path / "data"

    def setup(*files):
        """files: what data/ holds; none: there is only the notebook."""
        notebooks.mkdir(exist_ok=True)
        for file in files:
            data.mkdir(exist_ok=True)
            shutil.copy(file, data)
        monkeypatch.chdir(notebooks)
        return names_of("00", "setup")

    return setup


def test_lesson_in_a_clone_takes_the_full_set_if_it_is_there(
    lesson, full_mnist, sample, capsys
):
    names = lesson(SCRIPT, sample)
    (x, _), _ = names["load_mnist"]()
    assert len(x) == 4_000 and not names["FULL"]
    assert "run data/get_mnist.py" in capsys.readouterr().out
    names = lesson(full_mnist)
    (x, _), _ = names["load_mnist"]()
    assert len(x) == 60_000 and names["FULL"]
    assert capsys.readouterr().out == ""


def test_lesson_alone_lets_keras_download(lesson, sample, monkeypatch):
    names = lesson()
    monkeypatch.setattr(
        "keras.src.datasets.mnist.get_file", lambda *_, **__: str(sample)
    )
    (x, _), _ = names["load_mnist"]()
    assert len(x) == 4_000 and names["FULL"]


def test_lesson_alone_without_a_network_says_what_to_do(lesson, monkeypatch):
    def get_file(*_, **__):
        raise OSError("no network")

    names = lesson()
    monkeypatch.setattr("keras.src.datasets.mnist.get_file", get_file)
    with pytest.raises(RuntimeError, match="put mnist.npz beside"):
        names["load_mnist"]()
