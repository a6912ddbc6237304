"""`make`, the lists of packages, and what stops a set-up."""

import ast
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

import nbformat
import pytest
import yaml
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
REQUIREMENTS = (ROOT / "requirements.txt").read_text().splitlines()
LOCK = (ROOT / "requirements.lock").read_text()
MODULES = {"cv2": "opencv-python-headless", "sklearn": "scikit-learn"}
COME_ALONG = {  # module -> the direct dependency that brings it
    **{"keras": "tensorflow", "PIL": "matplotlib", "IPython": "jupyterlab"},
    **{"nbformat": "nbval", "yaml": "jupyterlab", "pandas": "seaborn"},
    **{"scipy": "scikit-learn", "anywidget": "wigglystuff"},
    **{"h5py": "tensorflow", "psutil": "jupyterlab"},
    "threadpoolctl": "scikit-learn",
}
COLAB = {"google"}  # imported only where it is


def pinned(lines=REQUIREMENTS):
    """Return each package of a list and its version, where it is for here."""
    found = [re.split(r"\s+[#\\]", line)[0] for line in lines]
    found = [Requirement(line) for line in found if re.match(r"\w", line)]
    here = [r for r in found if not r.marker or r.marker.evaluate()]
    return {r.name: str(r.specifier).removeprefix("==") for r in here}


@pytest.mark.parametrize("folder", ["", "benchmarks"])
def test_every_requirement_is_pinned_and_has_its_reason(folder):
    text = (ROOT / folder / "requirements.txt").read_text()
    for line in text.splitlines():
        if not line.startswith("#"):
            assert re.fullmatch(r"[a-z0-9-]+==[\d.]+ +# \w.+", line), line


def test_lock_holds_the_pins_and_a_hash_for_every_package():
    lock = pinned(LOCK.splitlines())
    assert pinned().items() <= lock.items(), "run `make lock`"
    hashes = r"( \\\n    --hash=sha256:\w{64})+"
    for package in re.split(r"\n(?=\w)", LOCK.strip())[1:]:
        assert re.fullmatch(rf"\S+==[^\\\n]+{hashes}", package), package
    assert len(lock) > 5 * len(pinned())


def test_lock_names_no_index():
    assert "://" not in LOCK and "index-url" not in LOCK


def test_what_is_installed_is_what_is_pinned():
    installed = Path(sys.prefix) / "installed.txt"  # of `make setup`
    lines = installed.read_text().splitlines() if installed.exists() else []
    wanted = pinned(lines or REQUIREMENTS)
    assert {name: version(name) for name in wanted} == wanted


@pytest.mark.parametrize("age", ["oldest", "newest"])
def test_other_versions_are_of_the_same_packages(age):
    lines = (ROOT / f"tests/versions/{age}.txt").read_text().splitlines()
    assert pinned(lines).keys() == {*pinned(), "keras"}


def test_conda_and_binder_read_the_same_list():
    environment = yaml.safe_load((ROOT / "environment.yml").read_text())
    python, pip, packages = environment["dependencies"]
    assert packages == {"pip": ["-r requirements.txt"]} and pip == "pip"
    assert python in {"python=3.11", "python=3.12", "python=3.13"}


def imported(source):
    code = re.sub(r"^[%!].*", "", source, flags=re.MULTILINE)
    for node in ast.walk(ast.parse(code)):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        if isinstance(node, ast.ImportFrom) and not node.level:
            yield node.module.split(".")[0]


def test_lessons_import_nothing_that_is_not_required():
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        for cell in nbformat.read(path, as_version=4).cells:
            if cell.cell_type != "code":
                continue
            for name in set(imported(cell.source)) - COLAB:
                package = COME_ALONG.get(name, MODULES.get(name, name))
                known = package in pinned() or name in sys.stdlib_module_names
                assert known, f"{path.name}: {name}"


def test_lessons_install_what_is_pinned():
    """Only Colab needs it, and there only lesson 5's canvas."""
    text = "".join(
        p.read_text("utf-8") for p in ROOT.glob("notebooks/*.ipynb")
    )
    installed = re.findall(r"install -q ([\w-]+)==([\d.]+)", text)
    assert installed == [("wigglystuff", pinned()["wigglystuff"])]


# What stops `make`, on a copy of the files that it reads


@pytest.fixture
def make(tmp_path):
    """Run make in a folder of its own; `tools` come first on its PATH."""
    gnu_make = shutil.which("make") or pytest.skip("needs make")
    for name in ("Makefile", "requirements.lock"):
        shutil.copy(ROOT / name, tmp_path)
    tools = tmp_path / "tools"
    tools.mkdir()

    def start(*arguments, **environment):
        path = f"{tools}{os.pathsep}{os.environ['PATH']}"
        outer = {"MAKEFLAGS", "MFLAGS", "MAKELEVEL"}  # of a `make test`
        env = {k: v for k, v in os.environ.items() if k not in outer}
        return subprocess.Popen(
            [gnu_make, *arguments],
            cwd=tmp_path,
            env={**env, "PATH": path, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,  # a group of its own, to be killed
        )

    def run(*arguments, **environment):
        make = start(*arguments, **environment)
        out, err = make.communicate()
        return subprocess.CompletedProcess(make, make.returncode, out, err)

    def tool(name, script):
        (tools / name).write_text(f"#!/bin/sh\n{script}\n")
        (tools / name).chmod(0o755)

    run.start = start
    run.tool = tool
    run.folder = tmp_path
    return run


def test_no_python(make):
    run = make("setup", "PYTHONS=python3.99 snake")
    assert run.returncode != 0
    assert "Python 3.11, 3.12 or 3.13 is needed" in run.stderr
    assert not (make.folder / ".venv").exists()


@pytest.mark.parametrize("series", [(3, 10), (3, 14)])
def test_python_too_old_or_too_new(make, series):
    fake = f"import sys; sys.version_info = {(*series, 0)}; exec(sys.argv[1])"
    make.tool("odd", f'exec {sys.executable} -c "{fake}" "$2"')
    run = make("setup", "PYTHONS=odd")
    assert run.returncode != 0
    assert "Python 3.11, 3.12 or 3.13 is needed" in run.stderr


def test_disk_full(make):
    make.tool("df", "echo; echo disk 9 9 3999999 9 /")
    run = make("setup", f"PYTHONS={sys.executable}")
    assert run.returncode != 0 and "The disk is too full" in run.stderr
    assert not (make.folder / ".venv").exists()


def test_disk_full_half_way(make):
    make.tool("df", "echo; echo disk 9 9 4000001 9 /")
    make.tool(
        "python3.12",
        f'case "$1 $2" in "-m venv") mkdir -p .venv/bin; cp "$0" '
        f'.venv/bin/python; exit;; "-m pip") echo "No space left" '
        f'>.venv/pip.log; exit 1;; esac; exec {sys.executable} "$@"',
    )
    run = make("setup", "PYTHONS=python3.12")
    assert run.returncode != 0 and "The disk is full" in run.stderr


def test_killed_while_installing_the_next_run_begins_anew(make):
    python = (
        'case "$1 $2" in "-m venv") rm -rf .venv; mkdir -p .venv/bin; '
        'cp "$0" .venv/bin/python;; "-m pip") touch .venv/installing; {};; '
        f'*) exec {sys.executable} "$@";; esac'
    )
    make.tool("df", "echo; echo disk 9 9 4000001 9 /")
    make.tool("python3.12", python.format("sleep 600"))
    run = make.start("setup", "PYTHONS=python3.12")
    while not (make.folder / ".venv/installing").exists():
        assert run.poll() is None
        time.sleep(0.05)
    os.killpg(run.pid, signal.SIGKILL)
    run.communicate()
    assert not (make.folder / ".venv/installed.txt").exists()
    (make.folder / ".venv/half").touch()
    make.tool("python3.12", python.format("exit"))
    assert make("setup", "PYTHONS=python3.12").returncode == 0
    assert not (make.folder / ".venv/half").exists()
    assert (make.folder / ".venv/installed.txt").exists()
    assert make("setup", "PYTHONS=false").stdout == ""  # nothing is left to do


def test_no_package_index(make):
    run = make(
        "setup",
        f"PYTHONS={sys.executable}",
        PIP_INDEX_URL="http://127.0.0.1:9/simple",
        PIP_RETRIES="0",
        PIP_CONFIG_FILE=os.devnull,
        PIP_NO_CACHE_DIR="1",
        PIP_FIND_LINKS="",
    )
    assert run.returncode != 0
    assert "no package index is in reach" in run.stderr.splitlines()[-2]
    assert not (make.folder / ".venv" / "installed.txt").exists()


def test_nothing_is_installed_twice(make):
    (make.folder / ".venv").mkdir()
    shutil.copy(
        ROOT / "requirements.lock", make.folder / ".venv/installed.txt"
    )
    run = make("setup", "PYTHONS=false")
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")


def test_changed_requirements_are_installed(make):
    (make.folder / ".venv").mkdir()
    (make.folder / ".venv/installed.txt").write_text("numpy==1.0\n")
    run = make("setup", "PYTHONS=false")
    assert run.returncode != 0 and "Python 3.11" in run.stderr


def test_bytecode_is_compiled():
    """Without it `import tensorflow` takes three times as long."""
    package = Path(find_spec("tensorflow").origin).parent
    compiled = list((package / "python/ops/__pycache__").glob("*.pyc"))
    sources = list((package / "python/ops").glob("*.py"))
    assert len(compiled) >= len(sources) > 100


def test_student_copies_hold_questions_but_no_answers(make):
    wrapper = f'#!/bin/sh\nexec "{sys.executable}" "$@"\n'
    python = make.folder / "venv/bin/python"
    python.parent.mkdir(parents=True)
    python.write_text(wrapper)
    python.chmod(0o755)
    shutil.copy(ROOT / "requirements.lock", make.folder / "venv/installed.txt")
    lessons = sorted((ROOT / "notebooks").glob("*.ipynb"))
    run = make(
        "student", "VENV=venv", f"NOTEBOOKS={' '.join(map(str, lessons))}"
    )
    assert run.returncode == 0, run.stderr
    student = make.folder / "build/student"
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
