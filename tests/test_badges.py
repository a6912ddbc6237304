"""`make badges`, in a copy of the course."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).parents[1]


@pytest.fixture
def copy(tmp_path):
    (tmp_path / "notebooks").mkdir()
    for path in sorted(ROOT.glob("notebooks/*.ipynb"))[:2]:
        shutil.copy(path, tmp_path / "notebooks")
    shutil.copytree(ROOT / "tools", tmp_path / "tools")
    shutil.copytree(ROOT / "page", tmp_path / "page")
    shutil.copy(ROOT / "README.md", tmp_path)
    return tmp_path


def badges(folder, *arguments):
    """Run badges.py there; return its exit code and what it complains of."""
    command = [sys.executable, folder / "tools/badges.py", *arguments]
    run = subprocess.run(command, capture_output=True, text=True)
    return run.returncode, run.stderr


def contents(folder):
    """Return the bytes of each file that may hold badges, by its path."""
    paths = [folder / "README.md", *folder.glob("notebooks/*.ipynb")]
    return {p.relative_to(folder): p.read_bytes() for p in paths}


def cells(content):
    return nbformat.reads(content.decode(), as_version=4).cells


def test_badges_lead_to_each_lesson_of_the_fork(copy):
    assert badges(copy, "ada/mnist") == (0, "")
    for path, content in contents(copy).items():
        top = content.decode().split("#", 1)[1][:900]
        colab, space = re.findall(r"svg\)\]\((https://[^)]+)\)", top)
        assert "google.com/github/ada/mnist/blob/main/notebooks/" in colab
        assert space == "https://github.com/codespaces/new/ada/mnist?ref=main"
        lesson = Path(colab.split("/")[-1])
        assert (copy / "notebooks" / lesson).exists()
        assert path.name in ("README.md", lesson.name)


def test_badges_change_one_paragraph_and_nothing_else(copy):
    before = contents(copy)
    badges(copy, "ada/mnist")
    for path, content in contents(copy).items():
        if path.suffix == ".ipynb":
            (first, *rest), (old, *same) = cells(content), cells(before[path])
            assert rest == same
            content, text = first.source, old.source
        else:
            content, text = content.decode(), before[path].decode()
            page = "digit_reader.html"  # can be tried where it is published
            address = f"https://ada.github.io/mnist/{page}"
            assert f"]({address})" in content
            text = text.replace(f"page/{page}", address)
        title, _, rest = content.split("\n\n", 2)
        assert f"{title}\n\n{rest}" == text


def test_badges_are_replaced_not_added(copy):
    badges(copy, "ada/mnist")
    once = contents(copy)
    badges(copy, "charles/engine-2", "trunk")
    assert not any(b"ada/mnist" in text for text in contents(copy).values())
    badges(copy, "ada/mnist", "main")
    assert contents(copy) == once


@pytest.mark.parametrize("arguments", [[], ["ada"], ["https://a.b/ada/mnist"]])
def test_badges_need_owner_and_name(copy, arguments):
    before = contents(copy)
    code, complaint = badges(copy, *arguments)
    assert code == 1 and "REPO=" in complaint
    assert contents(copy) == before


def test_the_reader_gets_an_address_and_a_link_to_the_course(copy):
    for _ in range(2):  # the second time, what is there is replaced
        assert badges(copy, "ada/mnist") == (0, "")
    for name in ("template.html", "digit_reader.html"):
        text = (copy / "page" / name).read_text("utf-8")
        urls = re.findall(r"https://[^'\"\s<]+", text)
        here = "https://ada.github.io/mnist/digit_reader.html"
        assert urls == [here, "https://github.com/ada/mnist"]
        rest = re.sub(r"(<!-- (og|course) -->).*?<!--", r"\1<!--", text)
        assert rest == (ROOT / "page" / name).read_text("utf-8")
