"""From the figures that bench.py measured to its tables. All pure.

A row is a dict: `what` is timed, in which `unit`; `ours` and `against` as
{"name", "values"}, where a peer that failed has an "error"; `others` as a
list of such; `goals` as a list of {"figure", "value", "limit", "least"}:
`least` where the value may not be below the limit, not above it; a `note`.
"""

from statistics import median

MARKS = "<!-- bench -->", "<!-- /bench -->"
IN_WORDS = {  # for the course's README: ours, against
    "the cosine recipe": (
        "lesson 3's cosine recipe, to 98 % of unseen digits",
        "ten plain epochs, which end below it",
    ),
    "the CNN": (
        "lesson 6's convolutional network, trained to the end",
        "Keras's own example, which makes more mistakes",
    ),
    "to 98.0 %": (
        "the dense network to 98 %, by a compiled step of TensorFlow",
        "the fastest of JAX, PyTorch and scikit-learn",
    ),
    "an epoch of lesson 7": (
        "an epoch of lesson 7, in NumPy alone",
        "the same network in Keras",
    ),
    "a drawing to its answer": (
        "lesson 5, from a drawing to its answer",
        "OpenCV and `predict`, as most tutorials do it",
    ),
}


def figure(value, unit):
    """Return a value as it is printed: three digits and its unit."""
    if unit == "%":
        return f"{value:.2%}".replace("%", " %")
    text = f"{value:.3g}" if value < 1000 else f"{value:.0f}"
    return f"{text} {unit}".strip()


def spread(side, unit):
    """Return `median unit (lowest to highest, n runs)` of one side."""
    if not side:
        return ""
    if not side.get("values"):
        return f"{side['name']}: not measured, {side['error']}"
    values = side["values"]
    low, high = figure(min(values), ""), figure(max(values), "")
    text = f"{side['name']}: {figure(median(values), unit)}"
    return f"{text} ({low} to {high}, n={len(values)})"


def ratio(row):
    """Return the median of ours over that of the other side, or None."""
    sides = [row["ours"], row["against"]]
    if not all(side and side.get("values") for side in sides):
        return None
    ours, against = (median(side["values"]) for side in sides)
    return ours / against


def goal_text(goal):
    """Return a goal in words: `ratio at most 0.0833`."""
    bound = "at least" if goal["least"] else "at most"
    limit = figure(goal["limit"], goal["unit"])
    return f"{goal['figure']} {bound} {limit}"


def lack(goal):
    """Return by how much a goal is missed, in words; "" where it is met."""
    value, limit = goal["value"], goal["limit"]
    if value >= limit if goal["least"] else value <= limit:
        return ""
    text = f"{goal['figure']} {figure(value, goal['unit'])}"
    if goal["unit"] == "%":
        side = "below" if goal["least"] else "above"
        return f"{text}, {figure(abs(value - limit), '%')} {side} the goal"
    return f"{text}, {value / limit:.3g} times the goal"


def verdict(row):
    """Return `met`, `falls short: ...`, `as measured` or `not measured`."""
    if not row["ours"].get("values"):
        return "not measured"
    if any(goal["value"] is None for goal in row["goals"]):
        return "not measured"
    lacks = [text for text in map(lack, row["goals"]) if text]
    if lacks:
        return "falls short: " + "; ".join(lacks)
    return "met" if row["goals"] else "as measured"


def table(rows):
    """Return the whole table as text: a block of lines for each row."""
    lines = []
    for row in rows:
        share = ratio(row)
        start = f"{share:.3f}" if share is not None else "  -  "
        lines.append(f"\n{start}  {row['what']}: {verdict(row)}")
        for side in [row["ours"], row["against"], *row["others"]]:
            if side:
                lines.append(f"         {spread(side, row['unit'])}")
        for goal in row["goals"]:
            lines.append(f"         goal: {goal_text(goal)}")
        if row["note"]:
            lines.append(f"         {row['note']}")
    return "\n".join(lines).lstrip("\n")


def readme(rows):
    """Return what stands in benchmarks/README.md between the two marks.

    Each machine has a table: only what stands in one row can be compared.
    """
    if not rows:
        return "Nothing is measured yet: run `make bench`."
    return "\n\n".join(
        machine_table(machine, [r for r in rows if r["machine"] == machine])
        for machine in dict.fromkeys(row["machine"] for row in rows)
    )


def machine_table(machine, rows):
    """Return what was measured on one machine as Markdown."""
    days = " and ".join(sorted({row["date"] for row in rows}))
    lines = [f"Measured on {machine}, {days}. Times are medians."]
    lines += ["", "| ratio | ours | against | goal |", "|---|---|---|---|"]
    for row in rows:
        share = ratio(row)
        cells = ["" if share is None else f"{share:.2g}"]
        for side in (row["ours"], row["against"]):
            text = ""
            if side and side.get("values"):
                text = figure(median(side["values"]), row["unit"])
                text = f"{side['name']}: {text}"
            cells.append(text)
        cells[1] = f"{row['what']}, {cells[1]}"
        goals = ", ".join(map(goal_text, row["goals"]))
        cells.append(f"{goals}: {verdict(row)}" if goals else verdict(row))
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def in_words(rows):
    """Return the few rows that the course's README shows, as Markdown.

    Of two rows with one name it is the last: lesson 3's recipe as it runs it.
    """
    ratios = {row["what"]: ratio(row) for row in rows}
    lines = ["| times as fast | ours | against |", "|---|---|---|"]
    for what, (ours, against) in IN_WORDS.items():
        if ratios.get(what):
            lines.append(f"| {1 / ratios[what]:.2g} | {ours} | {against} |")
    return "\n".join(lines)


def between_marks(text, new):
    """Return the text of a README with `new` between the two marks."""
    before, rest = text.split(MARKS[0])
    _, after = rest.split(MARKS[1])
    return f"{before}{MARKS[0]}\n{new}\n{MARKS[1]}{after}"
