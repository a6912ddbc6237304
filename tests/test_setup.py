"""The lists of packages, and their installation."""

import ast
import os
import re
import shutil
import subprocess
import sys
import time
import zipfile
from importlib.metadata import packages_distributions, version
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import cv2
import install
import nbformat
import numpy as np
import psutil
import pytest
from lessons import sources
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
LISTS = ["requirements", "tests/requirements", "book/requirements"]
COLAB = {"google"}  # imported only where it is


def required(name):
    """Return the requirements in a list, of every system."""
    lines = (ROOT / name).read_text().splitlines()
    found = [re.split(r"\s+[#\\]", line)[0] for line in lines]
    return [Requirement(line) for line in found if re.match(r"\w", line)]


def locked(name):
    """Return package -> its one version in a lock, of every system."""
    return {
        canonicalize_name(r.name): str(r.specifier).removeprefix("==")
        for r in required(name)
    }


@pytest.mark.parametrize("name", LISTS)
def test_every_requirement_has_a_range_that_its_lock_fits(name):
    lock = locked(f"{name}.lock")
    for requirement in required(f"{name}.txt"):
        pin = lock[canonicalize_name(requirement.name)]
        assert pin in requirement.specifier, "make lock"
        kinds = {one.operator for one in requirement.specifier}
        assert kinds in ({">=", "<"}, {"=="}), requirement


@pytest.mark.parametrize("name", LISTS)
def test_lock_holds_a_hash_for_every_package_and_names_no_index(name):
    text = (ROOT / f"{name}.lock").read_text()
    hashes = r"( \\\n    --hash=sha256:\w{64})+"
    for package in re.split(r"\n(?=\w)", text.strip())[1:]:
        assert re.fullmatch(rf"\S+==[^\\\n]+{hashes}", package), package
    assert "://" not in text and "index-url" not in text


def test_what_is_installed_is_what_is_locked():
    lists = list(Path(sys.prefix, "installed").glob("*.lock"))
    if not lists:
        pytest.skip("needs the environment that `make` makes")
    for path in lists:
        for r in required(path):
            if not r.marker or r.marker.evaluate():
                assert version(r.name) in r.specifier


def imported(source):
    code = re.sub(r"^[%!].*", "", source, flags=re.MULTILINE)
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        if isinstance(node, ast.ImportFrom) and not node.level:
            yield node.module.split(".")[0]


def test_lessons_import_nothing_that_is_not_locked():
    lock, packages = locked("requirements.lock"), packages_distributions()
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        for cell in nbformat.read(path, as_version=4).cells:
            if cell.cell_type == "code":
                names = {*imported(cell.source)} - sys.stdlib_module_names
                for name in names - COLAB:
                    known = {canonicalize_name(p) for p in packages[name]}
                    assert known & lock.keys(), f"{path.name}: {name}"


def test_lessons_install_what_is_locked():
    """Colab and Kaggle lack a canvas, what reads LiteRT, and V8."""
    found, lock = [], locked("requirements.lock")
    for path in sorted((ROOT / "notebooks").glob("*.ipynb")):
        lesson = path.name[:2]
        for source in sources(lesson):
            for rest in re.findall(r"pip install\b(.*)", source):
                known = re.fullmatch(
                    r' -q ([\w-]+)==([\d.]+) --retries 1"', rest
                )
                assert known, f"{path.name}: {rest}"
                name, pin = known.groups()
                assert pin == lock[name], f"{path.name}: {name}"
                modules = {"mini-racer": "py_mini_racer"}
                module = modules.get(name, name.replace("-", "_"))
                assert f'if importlib.util.find_spec("{module}")' in source
                found.append((lesson, name))
    assert found == [
        ("05", "wigglystuff"),
        ("09", "ai-edge-litert"),
        ("09", "mini-racer"),
        ("10", "wigglystuff"),
    ]


def test_lesson_5_without_a_network_does_without_its_canvas(
    monkeypatch, capsys
):
    """Where the package is missing, pip is asked once, and may fail."""
    asked, shown = [], []
    monkeypatch.setitem(sys.modules, "wigglystuff", None)  # as if missing
    monkeypatch.setattr(
        subprocess, "run", lambda command, **_: asked.append(command[-3:])
    )
    cell = {"np": np, "cv2": cv2}
    for source in sources("05", "folded"):
        if "Paint" in source or "wigglystuff" in source:
            exec(source, cell)
    cell |= {"x_val": np.zeros((1, 28, 28)), "y_val": np.array([4])}
    cell |= {"plt": SimpleNamespace(show=lambda: None), "model": None}
    cell |= {"show_reading": lambda *_: None, "display": shown.append}
    assert cell["draw_here"](lambda grey: None) is None
    assert capsys.readouterr().out.startswith("No canvas here: ")
    cell["score_here"](lambda grey: None)
    assert capsys.readouterr().out.startswith("No canvas here: ")
    (parts,) = (box.children for box in shown)
    assert [type(part).__name__ for part in parts] == [
        "FileUpload",
        "HTML",
        "Output",
    ]
    pin = locked("requirements.lock")["wigglystuff"]
    assert asked == [[f"wigglystuff=={pin}", "--retries", "1"]]


def test_lesson_9_without_a_network_reads_by_tensorflow(monkeypatch):
    """The same, where what reads LiteRT is missing."""
    asked = []
    for name in ("ai_edge_litert", "ai_edge_litert.interpreter"):
        monkeypatch.setitem(sys.modules, name, None)  # as if missing
    monkeypatch.setattr(
        subprocess, "run", lambda command, **_: asked.append(command[-3:])
    )
    own = object()
    cell = {"tf": SimpleNamespace(lite=SimpleNamespace(Interpreter=own))}
    (source,) = (s for s in sources("09", "folded") if "ai_edge_litert" in s)
    exec(source, cell)
    assert cell["Interpreter"] is own
    pin = locked("requirements.lock")["ai-edge-litert"]
    assert asked == [[f"ai-edge-litert=={pin}", "--retries", "1"]]


# What stops a set-up: all but the last by a machine that is made up


@pytest.fixture
def stops(monkeypatch, tmp_path):
    """Install a list in a folder of its own; return what it says."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(ROOT / "requirements.lock", tmp_path)

    def stopped():
        with pytest.raises(SystemExit) as stop:
            install.install(Path(".venv"), [Path("requirements.lock")])
        assert not Path(".venv/installed").exists()
        return stop.value.code

    return stopped


@pytest.mark.parametrize("series", [(3, 10), (3, 14)])
def test_python_too_old_or_too_new(stops, monkeypatch, series):
    monkeypatch.setattr(install.sys, "version_info", (*series, 0))
    monkeypatch.setattr(install.shutil, "which", lambda name: None)
    assert "Python 3.11, 3.12 or 3.13 is needed" in stops()


@pytest.mark.parametrize("found", ["python3.12", "py"])
def test_another_python_is_found(monkeypatch, found):
    monkeypatch.setattr(install.sys, "version_info", (3, 14, 0))
    monkeypatch.setattr(
        install.shutil, "which", lambda name: name if name == found else None
    )
    monkeypatch.setattr(install, "run", lambda *_, quiet: "-3.12" in _)
    wanted = {"python3.12": ["python3.12"], "py": ["py", "-3.12"]}
    assert install.find_python() == wanted[found]


def test_mac_with_an_intel_processor(stops, monkeypatch):
    monkeypatch.setattr(install.platform, "system", lambda: "Darwin")
    monkeypatch.setattr(install.platform, "machine", lambda: "x86_64")
    assert "use Colab" in stops()


def test_disk_full(stops, monkeypatch):
    disk = SimpleNamespace(free=1e9 * install.GIGABYTES - 1)
    monkeypatch.setattr(install.shutil, "disk_usage", lambda path: disk)
    assert "The disk is too full" in stops()
    assert not Path(".venv").exists()


def test_disk_full_half_way(stops, monkeypatch):
    def run(*command, quiet=False):
        Path(".venv").mkdir(exist_ok=True)
        Path(".venv/pip.log").write_text("[Errno 28] No space left on device")
        return "pip" not in command

    monkeypatch.setattr(install, "run", run)
    assert "The disk is too full" in stops()


def test_no_package_index(stops, monkeypatch):
    """The real pip."""
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    monkeypatch.setenv("PIP_RETRIES", "0")
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_CACHE_DIR", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", "")
    assert "no package index is in reach" in stops()


def wheel(folder, name):
    """Write a package that holds nothing."""
    about = f"{name}-1.dist-info"
    with zipfile.ZipFile(folder / f"{name}-1-py3-none-any.whl", "w") as file:
        head = f"Metadata-Version: 2.1\nName: {name}\nVersion: 1\n"
        file.writestr(f"{about}/METADATA", head)
        tag = "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        file.writestr(f"{about}/WHEEL", tag)
        file.writestr(f"{about}/RECORD", "")


@pytest.mark.slow
def test_killed_set_up_begins_anew_and_a_whole_one_is_kept(
    tmp_path, monkeypatch
):
    """The real command, with packages that hold nothing."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    wheel(tmp_path, "one")
    Path("one.txt").write_text("one==1\n")
    Path("two.txt").write_text("two==1\n")
    venv = tmp_path / "venv"
    command = [sys.executable, ROOT / "tools/install.py", "venv"]

    def setup(*lists):
        return subprocess.run(
            [*command, *lists], capture_output=True, text=True
        )

    run = psutil.Popen([*command, "one.txt"], stdout=subprocess.DEVNULL)
    while not (venv / "pyvenv.cfg").exists():
        assert run.poll() is None
        time.sleep(0.01)
    for process in [run, *run.children(recursive=True)]:
        process.kill()
        process.wait()
    (venv / "half").touch()
    assert setup("one.txt").returncode == 0
    assert not (venv / "half").exists()
    (venv / "whole").touch()

    assert setup("one.txt").stdout == ""  # nothing is left to do
    failed = setup("one.txt", "two.txt")  # there is no such package
    assert failed.returncode and "run this again" in failed.stderr
    wheel(tmp_path, "two")
    assert setup("two.txt").returncode == 0  # beside the first
    assert setup("one.txt", "two.txt").stdout == ""
    assert (venv / "whole").exists()
    Path("one.txt").write_text("one\n")
    assert setup("one.txt", "two.txt").returncode == 0
    assert not (venv / "whole").exists()


def test_bytecode_is_compiled():
    """Without it `import tensorflow` takes three times as long."""
    package = Path(find_spec("tensorflow").origin).parent
    compiled = list((package / "python/ops/__pycache__").glob("*.pyc"))
    sources = list((package / "python/ops").glob("*.py"))
    assert len(compiled) >= len(sources) > 100


def test_student_copies_hold_questions_but_no_answers(tmp_path):
    if not shutil.which("make"):
        pytest.skip("needs make")
    lessons = sorted((ROOT / "notebooks").glob("*.ipynb"))
    make = ["make", "-f", ROOT / "Makefile", "-o", "setup", "student"]
    names = f"NOTEBOOKS={' '.join(map(str, lessons))}"
    run = subprocess.run(
        [*make, f"VENV={sys.prefix}", names],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    student = tmp_path / "build/student"
    assert {p.name for p in student.iterdir()} == {p.name for p in lessons}
    for path in lessons:
        cells = nbformat.read(path, as_version=4).cells
        copies = nbformat.read(student / path.name, as_version=4).cells
        kept = [
            c for c in cells if "solution" not in c.metadata.get("tags", [])
        ]
        assert [c.source for c in copies] == [c.source for c in kept]
        assert not any("<details><summary>" in c.source for c in copies)
        assert not any(c.get("outputs") for c in copies)
