"""The benchmarks' table, its README, and that peers train the same network.

The figures themselves are made by `make bench`.
"""

import json
from pathlib import Path

import keras
import peers
import pieces
import pytest
import table
from bench import goal, merged, row, run

ROOT = Path(__file__).parents[1]
PARAMETERS = 118_282


def side(name, *values, error=""):
    return {"name": name, "values": list(values), "error": error}


def results(*rows):
    about = {"key": "peers", "machine": "an abacus", "date": "2001-02-03"}
    return [{**about, **row} for row in rows]


def test_a_row_shows_medians_spread_and_ratio():
    new = row("fit", side("ours", 3, 2, 4), side("theirs", 30, 24, 40), most=1)
    text = table.table(results(new))
    assert text.startswith("0.100  fit: met\n")
    assert "ours: 3 s (2 to 4, n=3)" in text
    assert "theirs: 30 s (24 to 40, n=3)" in text
    assert "goal: ratio at most 1\n" in text + "\n"


@pytest.mark.parametrize(
    ("most", "score", "words"),
    [
        (0.2, 0.981, "falls short: ratio 0.25, 1.25 times the goal"),
        (0.3, 0.979, "falls short: accuracy 97.90 %, 0.10 % below the goal"),
        (0.3, 0.98, "met"),
        (0.3, None, "not measured"),
    ],
)
def test_a_row_that_falls_short_is_printed_as_such(most, score, words):
    new = row("fit", side("ours", 1), side("theirs", 4), most=most)
    new["goals"].append(goal("accuracy", score, 0.98, "%", least=True))
    assert f"fit: {words}" in table.table(results(new))
    assert words in table.readme(results(new))


def test_a_peer_that_failed_leaves_no_figure():
    failed = side("JAX", error="No module named 'jax'")
    new = row("fit", side("ours", 1, 1, 1), failed, most=1)
    text = table.table(results(new))
    assert "JAX: not measured, No module named 'jax'" in text
    assert table.verdict(new) == "not measured" and table.ratio(new) is None
    assert "JAX" not in table.readme(results(new))


def test_a_new_row_replaces_the_old_one_and_names_its_machine():
    (new,) = results(row("new", side("ours", 1)))
    other = {**new, "what": "other", "key": "cnn", "machine": "a slide rule"}
    assert merged([{**new, "what": "old"}, other], [new]) == [new, other]
    text = table.readme([new, other])
    assert text.index("abacus") < text.index("new")
    assert text.index("new") < text.index("a slide rule") < text.index("other")


@pytest.mark.parametrize(
    ("page", "shown"),
    [("benchmarks/README.md", table.readme), ("README.md", table.in_words)],
)
def test_the_readme_shows_the_committed_figures(page, shown):
    figures = ROOT / "benchmarks" / "results.json"
    figures = json.loads(figures.read_text(encoding="utf-8"))
    text = (ROOT / page).read_text(encoding="utf-8")
    assert table.between_marks(text, shown(figures)) == text


def test_the_readme_tells_how_fast_in_words():
    what = "an epoch of lesson 7"
    new = row(what, side("NumPy", 2), side("Keras", 5))
    (line,) = table.in_words(results(new)).splitlines()[2:]
    assert line.startswith("| 2.5 | an epoch of lesson 7, ")


def test_what_fails_in_its_process_is_told():
    assert "KeyError" in run("peers.no_such_piece")["error"]


# The same network everywhere


def test_plain_network():
    assert pieces.plain_network(keras).count_params() == PARAMETERS


def test_lesson_3_network(full_mnist):
    lesson = pieces.lesson_3(*pieces.mnist(120)[:2])
    assert lesson["make_model"]().count_params() == PARAMETERS
    assert {"train", "cosine", "train_cosine"} <= set(lesson)


def test_torch_network():
    pytest.importorskip("torch", reason="PyTorch is in .venv-bench only")
    parameters = peers.torch_network().parameters()
    assert sum(p.numel() for p in parameters) == PARAMETERS


def test_torch_example_network():
    pytest.importorskip("torch", reason="PyTorch is in .venv-bench only")
    parameters = peers.torch_example_network().parameters()
    assert sum(p.numel() for p in parameters) == 1_199_882  # as published


def test_jax_network():
    arrays = [a for layer in peers.jax_network(seed=1) for a in layer]
    assert sum(a.size for a in arrays) == PARAMETERS


def test_sklearn_network(full_mnist):
    x, y, _, _ = pieces.mnist(200)
    model = peers.sklearn_network(seed=1)
    model.partial_fit(x.reshape(-1, 784), y, classes=range(10))
    arrays = model.coefs_ + model.intercepts_
    assert sum(a.size for a in arrays) == PARAMETERS


def test_keras_example_network():
    network = pieces.keras_example_network(keras)
    assert network.count_params() == 34_826  # as published
