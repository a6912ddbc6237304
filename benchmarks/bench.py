"""Time the course against what people would use instead, side by side.

    make bench                            all rows, about 40 minutes
    make bench BENCH="--rows cnn epoch"   these rows only
    make bench BENCH=--full               trains to the end what is else timed
                                          in part, sets up from nothing: hours
    make bench BENCH=--quick              tries everything on 6,000 images

Each piece runs in a process of its own, in turn with the others of its row.
The figures go to build/bench.json and, unless --quick, into results.json and
the tables of both README.md, where rows not measured in this run are kept.
"""

import argparse
import datetime
import json
import os
import platform
import re
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from statistics import mean, median

import psutil
from table import between_marks, in_words, ratio, readme, table

HERE = Path(__file__).parent
ROOT = HERE.parent
RESULTS = HERE / "results.json"
SEEDS = 5
PEOPLE = "mistakes in 1,797"


def say(*words):
    print(f"{time.strftime('%H:%M:%S')}", *words, flush=True)


def run(piece, **options):
    """Run `script.piece` in a process of its own; return its dict.

    What fails returns {"error": its last line}.
    """
    script, name = piece.split(".")
    command = [sys.executable, HERE / f"{script}.py", name]
    child = subprocess.run(
        [*command, json.dumps(options)], capture_output=True, text=True
    )
    if child.returncode:
        return {"error": child.stderr.strip().splitlines()[-1]}
    return json.loads(child.stdout.splitlines()[-1])


def in_turn(contenders, times):
    """Run each contender so many times, A B A B; return lists of dicts.

    contenders: {name: (piece, options)}, `seed` is added where it is None;
    times: how often, or {name: how often}.
    """
    results = {name: [] for name in contenders}
    if isinstance(times, int):
        times = dict.fromkeys(contenders, times)
    for i in range(max(times.values())):
        for name, (piece, options) in contenders.items():
            if i >= times[name]:
                continue
            if "seed" in options:
                options = {**options, "seed": i + 1}
            results[name].append(run(piece, **options))
            say(f"{name}, {i + 1} of {times[name]}:", shown(results[name][-1]))
    return results


def shown(result):
    """Return a dict of figures in a few words, for a progress line."""
    return ", ".join(
        f"{key} {value:.4g}" if isinstance(value, float) else f"{key} {value}"
        for key, value in result.items()
    )


def side(name, results, key="seconds", scale=1):
    """Return one side of a row: its name and all its values."""
    values = [r[key] * scale for r in results if key in r]
    errors = [r["error"] for r in results if "error" in r]
    return {"name": name, "values": values, "error": "; ".join(errors[:1])}


def fastest(sides, good=()):
    """Return the side of the lowest median, and a list of the others.

    Where one of the sides has its name in `good`, only such are compared.
    """
    measured = [s for s in sides if s["values"]]
    chosen = [s for s in measured if s["name"] in good] or measured or sides
    first = min(chosen, key=lambda s: median(s["values"] or [0]))
    return first, [s for s in sides if s is not first]


def accuracy(results):
    """Return the mean accuracy of these runs, None where there is none."""
    scores = [r["accuracy"] for r in results if "accuracy" in r]
    return mean(scores) if scores else None


def goal(figure, value, limit, unit="", least=False):
    return {
        **{"figure": figure, "value": value, "limit": limit},
        **{"unit": unit, "least": least},
    }


def row(what, ours, against=None, others=(), unit="s", note="", most=None):
    """Return a row; `most` is the limit of its ratio."""
    result = {
        **{"what": what, "unit": unit, "note": note, "goals": []},
        **{"ours": ours, "against": against, "others": list(others)},
    }
    if most is not None:
        result["goals"].append(goal("ratio", ratio(result), most))
    return result


def scores(results):
    """Return the mean accuracy of each of the contenders, as a sentence."""
    means = {name: accuracy(tries) for name, tries in results.items()}
    known = [f"{n} {score:.2%}" for n, score in means.items() if score]
    return "Mean test accuracy: " + ", ".join(known) + "."


# The rows. Each function yields one or more.


def better(args):
    own = {"batch 256": "fast", "as in lesson 3": "lesson"}
    contenders = {"plain recipe": ("pieces.plain_recipe", args.seed)}
    for name, setting in own.items():
        options = {"setting": setting, **args.seed}
        contenders[name] = "pieces.better_recipe", options
    times = dict.fromkeys(own, args.seeds)
    results = in_turn(contenders, {"plain recipe": args.repeats, **times})
    plain = side("plain recipe, 10 epochs", results["plain recipe"])
    note = scores(results)
    for name in own:
        ours = side(name, results[name])
        most = 1 / 12 if name == "batch 256" else None
        new = row("the cosine recipe", ours, plain, note=note, most=most)
        score = accuracy(results[name])
        new["goals"].append(goal("accuracy", score, 0.98, "%", least=True))
        yield new


def seeds(args):
    """What lesson 3's recipe and lesson 4's rival get, over several seeds."""
    names = {
        "the cosine recipe": "cosine",
        "ten plain epochs": "plain",
        "the cosine recipe, 64 neurons a layer": "half",
    }
    contenders = {
        name: ("pieces.held_back", {"recipe": recipe, **args.seed})
        for name, recipe in names.items()
    }
    results = in_turn(contenders, args.seeds)
    sides = [side(n, tries, "mistakes") for n, tries in results.items()]
    unit = "mistakes in 5,000"
    yield row("lesson 3, validation images", *sides[:2], sides[2:], unit=unit)


def peers(args):
    own = ["fit, 50 steps a trip", "fit, XLA, 50 steps a trip"]
    own.append("tf.function, XLA step")  # all with the peers' batches of 128
    contenders = {
        **{w: ("pieces.epochs_by", {"way": w, **args.seed}) for w in own},
        "PyTorch, tensors indexed": ("peers.torch_recipe", args.seed),
        "PyTorch, DataLoader": (
            "peers.torch_recipe",
            {"loader": True, **args.seed},
        ),
        "JAX, an epoch in a scan": ("peers.jax_recipe", args.seed),
        "scikit-learn": ("peers.sklearn_recipe", args.seed),
    }
    results = in_turn(contenders, args.repeats)
    good = {n for n, r in results.items() if (accuracy(r) or 0) >= 0.98}
    sides = [side(name, tries) for name, tries in results.items()]
    ours, slower = fastest(sides[: len(own)], good)
    peer, others = fastest(sides[len(own) :], good)
    note = scores(results)
    yield row("to 98.0 %", ours, peer, slower + others, note=note, most=1)


def epoch(args):
    from pieces import WAYS

    contenders = {"the floor": ("pieces.matrix_product", {})}
    for way in WAYS:
        options = {"way": way, "epochs": 4, **args.seed}
        contenders[way] = "pieces.epochs_by", options
    results = in_turn(contenders, args.repeats)
    floor = side("its products alone", results.pop("the floor"))
    sides = [side(way, tries, "epoch") for way, tries in results.items()]
    ours, others = fastest(sides)
    yield row("an epoch", ours, floor, others, most=4)


def cnn(args):
    ours, keras, torch = "lesson 6", "Keras's example", "PyTorch's example"
    pieces = {
        **{ours: "pieces.cnn", keras: "pieces.keras_example"},
        **{torch: "peers.torch_example"},
    }
    epochs = dict.fromkeys(pieces, 1)
    times = args.repeats
    if args.full:
        epochs = dict.fromkeys(pieces)  # as many as the recipe says
        times = {ours: args.seeds, keras: 1, torch: 1}
    contenders = {
        name: (piece, {"epochs": epochs[name], **args.seed})
        for name, piece in pieces.items()
    }
    results = in_turn(contenders, times)
    sides = {name: side(name, tries) for name, tries in results.items()}
    own = sides.pop(ours)
    against, others = fastest(list(sides.values()))
    note = "Timed over one epoch, for the whole training; no accuracies."
    note = scores(results) if args.full else note
    new = row("the CNN", own, against, others, note=note, most=0.5)
    if args.full:
        rivals = [accuracy(results[name]) for name in (keras, torch)]
        best = max([score for score in rivals if score], default=None)
        score = accuracy(results[ours])
        if best:
            new["goals"].append(goal("accuracy", score, best, "%", least=True))
        new["goals"].append(goal("accuracy", score, 0.995, "%", least=True))
    yield new


def recipe(args):
    """What each part of lesson 6's recipe adds. Only --full."""
    from pieces import lesson_6

    contenders = {
        name: ("pieces.cnn_recipe", {"name": name, **args.seed})
        for name in lesson_6()["RECIPES"]
    }
    results = in_turn(contenders, args.repeats)
    unit = "mistakes in 10,000"
    plain, *parts, whole = (side(n, r, unit) for n, r in results.items())
    yield row("lesson 6, held-out writers", whole, plain, parts, unit=unit)


def reader(args):
    """Lesson 6's network for everybody, drawing included. Only --full."""
    runs = {"lesson 6": ("pieces.cnn_reader", args.seed)}
    results = in_turn(runs, args.repeats)["lesson 6"]
    time = side("lesson 6", results)
    new = row("a network of eleven classes, drawn and trained", time)
    seconds = median(time["values"]) if time["values"] else None
    new["goals"] = [goal("time", seconds, 90, "s")]
    score = accuracy(results)
    new["goals"].append(goal("accuracy", score, 0.995, "%", least=True))
    yield new
    ours = side("eleven classes", results, "people")
    yield row("thirteen people's digits", ours, unit=PEOPLE)


def people(args):
    """The same people, read by lesson 6's ten classes. Only --full."""
    runs = {"ten classes": ("pieces.cnn_people", args.seed)}
    results = in_turn(runs, args.repeats)["ten classes"]
    ours = side("ten classes", results, "people")
    yield row("thirteen people's digits", ours, unit=PEOPLE)


def numpy(args):
    contenders = {
        "NumPy": ("pieces.numpy_epoch", args.images),
        "Keras": ("pieces.keras_epoch", args.images),
    }
    results = in_turn(contenders, args.repeats)
    sides = [side(name, tries) for name, tries in results.items()]
    yield row("an epoch of lesson 7", *sides)


def answer(args):
    contenders = {
        "lesson 5": ("pieces.read_as_lesson_5", {}),
        "plain recipe": ("pieces.read_plainly", {}),
    }
    results = in_turn(contenders, args.repeats)
    for what in ("drawing", "photo"):
        sides = [side(n, t, what, 1000) for n, t in results.items()]
        most = 0.1 if what == "drawing" else None
        new = row(f"a {what} to its answer", *sides, unit="ms", most=most)
        if what == "drawing" and sides[0]["values"]:
            ours = median(sides[0]["values"])
            new["goals"].append(goal("time", ours, 20, "ms"))
        yield new


def notebooks(args):
    paths = sorted((ROOT / "notebooks").glob("*.ipynb"))
    names = [path.name for path in paths[: 2 if args.quick else None]]
    contenders = {n: ("pieces.notebook", {"name": n}) for n in names}
    results = in_turn(contenders, 3 if args.full else 1)
    whole = {"name": f"all {len(names)}", "values": [], "error": ""}
    for runs in zip(*results.values(), strict=True):
        if all("seconds" in one for one in runs):
            whole["values"].append(sum(one["seconds"] for one in runs))
        else:
            errors = [one["error"] for one in runs if "error" in one]
            whole["error"] = errors[0]
    new = row("the course", whole)
    total = median(whole["values"]) if whole["values"] else None
    new["goals"].append(goal("time", total, 480, "s"))
    yield new
    for name, tries in results.items():
        number = str(int(name[:2]))
        time_of = side("top to bottom", tries)
        cell = side("slowest cell", tries, "slowest")
        new = row(f"lesson {number}", time_of, others=[cell])
        if time_of["values"]:
            new["note"] = f"The slowest cell begins: {tries[-1]['cell']}"
            limit = 100 if number == "6" else 60
            slowest = median(cell["values"])
            memory = median([one["memory"] for one in tries])
            new["goals"].append(goal("slowest cell", slowest, limit, "s"))
            new["goals"].append(goal("memory", memory, 2, "GB"))
        yield new


def lab(args):
    say("make lab, the second time: once to warm up, then", args.repeats)
    seconds = [seconds_to_page() for _ in range(args.repeats + 1)][1:]
    found = {"name": "make lab", "values": seconds, "error": ""}
    new = row("the second start, to a served page", found)
    new["goals"].append(goal("time", median(seconds), 5, "s"))
    yield new


def seconds_to_page(limit=120):
    """Start `make lab`; return the seconds until it serves lesson 1."""
    with tempfile.TemporaryDirectory() as folder:
        env = {**os.environ, "JUPYTER_RUNTIME_DIR": folder, "BROWSER": "true"}
        started = time.perf_counter()
        server = subprocess.Popen(
            ["make", "lab"],
            cwd=ROOT,
            env=env,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            while time.perf_counter() < started + limit:
                if page_is_served(Path(folder)):
                    return time.perf_counter() - started
                time.sleep(0.05)
            raise SystemExit(f"make lab served no page in {limit} s")
        finally:
            os.killpg(server.pid, signal.SIGTERM)
            server.wait()


def page_is_served(folder):
    """Say whether the server that writes to folder answers with lesson 1."""
    for path in folder.glob("jpserver-*.json"):
        try:
            about = json.loads(path.read_text())
            page = "lab/tree/notebooks/01_explore_data.ipynb"
            address = f"{about['url']}{page}?token={about['token']}"
            with urllib.request.urlopen(address, timeout=10) as answer:
                return answer.status == 200
        except (OSError, ValueError):  # not yet
            pass
    return False


def setup(args):
    """Set up a clone of the committed state from nothing. Only --full."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["git", "clone", "-q", ROOT, folder], check=True)
        times = []
        for _ in range(2):
            started = time.perf_counter()
            subprocess.run(
                ["make", "setup"], cwd=folder, check=True, capture_output=True
            )
            times.append(time.perf_counter() - started)
            say(f"make setup: {times[-1]:.1f} s")
    found = {"name": "make setup", "values": times[:1], "error": ""}
    again = {"name": "once more", "values": times[1:], "error": ""}
    yield row("set-up from nothing", found, others=[again])


ROWS = [
    better,
    seeds,
    peers,
    epoch,
    cnn,
    reader,
    people,
    recipe,
    numpy,
    notebooks,
    answer,
    lab,
    setup,
]
ROWS = {function.__name__: function for function in ROWS}


def machine():
    """Return processor, cores and memory in one line."""
    cpu = platform.processor() or platform.machine()
    info = Path("/proc/cpuinfo")
    if info.exists():
        names = re.findall(r"model name\s*: (.+)", info.read_text())
        cpu = names[0] if names else cpu
    gigabytes = psutil.virtual_memory().total / 2**30
    cores = psutil.cpu_count()
    return f"{cpu}, {cores} cores, {gigabytes:.0f} GB, {platform.system()}"


def merged(old, new):
    """Return the rows with the new ones in the place of the old."""
    kept = [r for r in old if r["key"] not in {r["key"] for r in new}]
    return sorted(kept + new, key=lambda r: [*ROWS].index(r["key"]))


def main():
    lines = __doc__.splitlines()
    parser = argparse.ArgumentParser(description=lines[0])
    parser.add_argument("--rows", nargs="+", choices=ROWS, metavar="ROW")
    parser.add_argument("--repeats", type=int, default=3, help="runs of each")
    parser.add_argument("--full", action="store_true", help="hours")
    parser.add_argument("--quick", action="store_true", help="6,000 images")
    args = parser.parse_args()
    if not (ROOT / "data" / "mnist.npz").exists():
        raise SystemExit("Needs the full MNIST: python data/get_mnist.py")
    args.seeds = SEEDS
    if args.quick:
        args.repeats = args.seeds = 1
    args.images = {"images": 6000} if args.quick else {}
    args.seed = {"seed": None, **args.images}
    long = [] if args.full else ["reader", "people", "recipe", "setup"]
    default = [name for name in ROWS if name not in long]

    rows = []
    about = {"machine": machine(), "date": datetime.date.today().isoformat()}
    for name in args.rows or default:
        say(f"row: {name}")
        for new in ROWS[name](args):
            rows.append({"key": name, **about, **new})
        (ROOT / "build").mkdir(exist_ok=True)
        text = json.dumps(rows, indent=1)
        (ROOT / "build" / "bench.json").write_text(text + "\n")
    if not args.quick:
        whole = merged(json.loads(RESULTS.read_text()), rows)
        RESULTS.write_text(json.dumps(whole, indent=1) + "\n")
        for page, text in [
            (HERE / "README.md", readme(whole)),
            (ROOT / "README.md", in_words(whole)),
        ]:
            page.write_text(between_marks(page.read_text(), text))
    print("\nRatio first.\n")
    print(table(rows))


if __name__ == "__main__":
    main()
