"""The tables in exercises/; answers.py gives their answers in the lessons."""

from pathlib import Path

import nbformat
import pytest
from answers import exercises, table_of

LESSONS = sorted(Path(__file__).parents[1].glob("notebooks/*.ipynb"))


@pytest.mark.parametrize("path", LESSONS, ids=lambda path: path.stem)
def test_every_exercise_has_its_answers_in_order(path):
    cells = nbformat.read(path, as_version=4).cells
    tags = [tag for cell in cells for tag in cell.metadata.get("tags", [])]
    assert [*table_of(path)] in (
        [*exercises(cells)],
        [],
    )  # [] has a new lesson
    assert tags.count("check") == len(exercises(cells)) >= 2
