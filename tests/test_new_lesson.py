"""A lesson more, as CONTRIBUTING.md says: a notebook, a row and `make form`.

Lesson 1 is copied behind the last one, in a copy of the course.
"""

import os
import re
import shutil
import subprocess
import sys

import pytest
from conftest import DATA

ROOT = DATA.parent
FORM = ["notebooks", "exercises", "glossary", "links", "badges"]
ROW = r"^\| \[{} .+\|\n"


def run(folder, *command):
    """Run a Python command in the folder as a contributor would."""
    outer = ("PYTEST_", "NOTHING_MISSING")
    env = {k: v for k, v in os.environ.items() if not k.startswith(outer)}
    env["PYTHONPATH"] = "tools"  # as `make book` sets it
    done = subprocess.run(
        [sys.executable, *command],
        cwd=folder,
        env=env,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """The course with a lesson more, on the sample: its folder."""
    folder = tmp_path_factory.mktemp("course") / "course"
    left_out = ".venv*", ".git", "build", "mnist.npz*", "*.keras", "part-*"
    shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns(*left_out))
    lessons = sorted(folder.glob("notebooks/*.ipynb"))
    shutil.copy(lessons[1], lessons[1].with_name("11_another.ipynb"))
    readme = folder / "README.md"
    text = readme.read_text(encoding="utf-8")
    row, last = (re.search(ROW.format(n), text, re.M)[0] for n in (1, 10))
    row = row.replace("[1 ", "[11 ").replace(lessons[1].stem, "11_another")
    readme.write_text(text.replace(last, last + row), encoding="utf-8")
    run(folder, "tools/form.py")
    return folder


def test_new_lesson_has_the_form_of_the_others(course):
    text = (course / "notebooks/11_another.ipynb").read_text(encoding="utf-8")
    assert "Exercise 11.4: " in text and "Check 11.4" in text
    assert 'list_checks(\\"11.1\\", ' in text and "Exercise 1.1" not in text
    tests = [f"tests/test_{name}.py" for name in FORM]
    said = run(course, "-m", "pytest", "-q", *tests)
    assert "skipped" not in said


def test_new_lesson_is_in_the_book(course, tmp_path):
    run(course, "book/sources.py", str(tmp_path))
    index = (tmp_path / "index.md").read_text(encoding="utf-8")
    assert ":link: 11_another\n" in index
    assert (tmp_path / "11_another.png").exists()


@pytest.mark.slow
def test_new_lesson_runs_with_its_exercises(course):
    said = run(
        course,
        *["-m", "pytest", "-v"],
        *["tests/test_exercises.py", "notebooks/11_another.ipynb"],
    )
    assert re.search(r"Exercise 11\.4 PASSED", said)
