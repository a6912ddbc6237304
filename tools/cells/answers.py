# @title The answer checker. Run me.
import re

from IPython import get_ipython

CHECKS = {}  # number of an exercise -> whether its check has passed


def matches(answer, wanted):
    """Tell whether answer equals wanted, or passes it where it is a test."""
    try:
        answer = np.asarray(answer)
        if callable(wanted):  # a test is asked about ordinary numbers only
            return bool(np.isfinite(answer).all() and wanted(answer))
        answer, wanted = np.squeeze(answer), np.squeeze(wanted)
        if wanted.dtype.kind == "U" or answer.shape != wanted.shape:
            return np.array_equal(answer, wanted)
        slack = 1e-3 if wanted.dtype.kind == "f" else 1e-9
        gap = np.abs(answer * 1.0 - wanted).max()
        return bool(gap <= slack * np.abs(wanted).max() + 1e-12)
    except Exception:  # too strange to be compared
        return False


def in_words(value, right):
    """Describe a wrong answer without giving the right one away."""
    kinds = {"U": "text", "b": "True or False", "c": "complex numbers"}
    kinds |= dict.fromkeys("iuf", "numbers")
    try:
        array = np.asarray(value)
    except Exception:
        return "That can't become an array. Do its rows differ in length?"
    example = np.asarray(0 if callable(right) else right)
    wanted = kinds[example.dtype.kind]
    got = kinds.get(array.dtype.kind, f"the type {type(value).__name__}")
    if got != wanted:
        return f"I expected {wanted} and got {got}."
    if got == "numbers" and not np.isfinite(array).all():
        return "It contains a NaN or an infinity. Was something divided by 0?"
    if not callable(right) and array.shape != example.shape:
        expected = example.shape or "a single number"
        return f"Its shape is {array.shape}; it should be {expected}."
    if array.size == 1:
        return f"Your answer is {array.item()}."
    return "The type and the shape are right, but the numbers aren't."


def check(number, name, answer, right, takeaway, *mistakes):
    """Print in words whether an answer is right, or what is wrong with it.

    name: what it is called; answer: what to compare, or a function for it.
    """
    CHECKS[number] = None
    if name not in globals():
        return print(f"○ Not yet: there is no {name}. Run the cell above.")
    if globals()[name] is None:
        text = f"○ Not yet: {name} is None. Write your answer in the cell "
        return print(text + "above. If that cell has an error, fix it first.")
    CHECKS[number] = False
    try:
        value = answer() if callable(answer) else answer
    except Exception as error:
        text = f"{type(error).__name__}: {error}".split("\n")[0][:100]
        return print(f"✘ Your code stopped with {text}")
    if value is None:
        CHECKS[number] = None
        return print(f"○ Not yet: {name} returns None. Complete it above.")
    if matches(value, right):
        CHECKS[number] = True
        return print("✔ Correct.", takeaway)
    for mistake, sentence in mistakes:
        if matches(value, mistake):
            return print("✘ Not right yet.", sentence)
    print("✘ Not right yet.", in_words(value, right))


def list_checks(*numbers):
    """Print whether each exercise's check has passed."""
    words = {True: "✔ passed", False: "✘ not right yet", None: "○ not yet"}
    for number in numbers:
        print(f"Exercise {number}: {words[CHECKS.get(number)]}")
    passed = sum(CHECKS.get(number) is True for number in numbers)
    print(f"{passed} of {len(numbers)} checks have passed.")


def forget_answer(result):
    """After an error in an answer's cell, forget the answer before it."""
    name = re.match(r"(\w+) = None", result.info.raw_cell or "")
    if name and not result.success:
        globals()[name[1]] = None


if shell := get_ipython():
    shell.events.register("post_run_cell", forget_answer)
