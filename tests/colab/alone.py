"""`make colab`: each lesson alone in an empty folder, on Colab's packages."""

import os
import re
import shutil
from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

ROOT = Path(__file__).parents[2]
LESSONS = sorted((ROOT / "notebooks").glob("*.ipynb"))
FULL, SAMPLE = (ROOT / "data" / f"mnist{s}.npz" for s in ("", "-sample"))
# What a lesson finds there: Colab's own module, and MNIST through Keras.
EDGE = f"""
import sys
from types import SimpleNamespace
sys.modules["google.colab"] = SimpleNamespace(files=None)
import keras.src.datasets.mnist as source
source.get_file = lambda *args, **kwargs: {os.fspath(FULL)!r}
del source, sys, SimpleNamespace
"""


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_lesson_runs_alone(path, tmp_path, monkeypatch):
    if not FULL.exists():  # nothing can be downloaded: beside the notebook
        shutil.copy(SAMPLE, tmp_path)
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "3")  # EDGE imports Keras
    notebook = nbformat.read(path, as_version=4)
    text = "\n".join(cell.source for cell in notebook.cells)
    missing = re.findall(r'find_spec\("(\w+)"\)', text)  # so it installs them
    imports = "\n".join(f"import {name}" for name in missing)
    notebook.cells.insert(0, nbformat.v4.new_code_cell(EDGE))
    notebook.cells.append(nbformat.v4.new_code_cell(imports))
    place = {"metadata": {"path": os.fspath(tmp_path)}}
    NotebookClient(
        notebook, timeout=600, startup_timeout=300, resources=place
    ).execute()
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            assert output.get("name") != "stderr", output.text
            assert "No canvas here" not in output.get("text", ""), output.text
