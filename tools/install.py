"""Install the course's packages; do nothing where they are installed.

python tools/install.py [VENV [LIST ...]]

Makes the virtual environment VENV (.venv) and installs into it what each
LIST (requirements.lock) names. Any Python 3 may run this: where it is not one
that the course can use, one that is found on the machine makes VENV. A list
that changed since then makes it anew.
"""

import platform
import shutil
import subprocess
import sys
from pathlib import Path

SERIES = "3.13", "3.12", "3.11"  # of which every package has wheels
NEEDS = {"requirements.lock": "660 MB to download, 2.9 GB on the disk"}
GIGABYTES = 3.5  # on the disk, with what pip downloads first
NO_PYTHON = (
    "Python 3.11, 3.12 or 3.13 is needed and was not found: install one from "
    "python.org, then run this again."
)
INTEL_MAC = (
    "TensorFlow has no package for Macs with an Intel processor any more (its "
    "last was 2.16): use Colab, see README.md. If this Mac has Apple's, it is "
    "Python that is for Intel: take one from python.org, then run this again."
)
NO_VENV = (
    "Python cannot make {}: on Debian and Ubuntu, install python3-venv, then "
    "run this again."
)
NO_ROOM = (
    f"The disk is too full: the packages need {GIGABYTES} GB here, then run "
    "this again."
)
NO_INDEX = (
    "The packages could not be installed, most often because no package index "
    "is in reach: check the network, then run this again."
)


def find_python():
    """Return the command, a list, of a Python that the course can use."""
    if "{}.{}".format(*sys.version_info) in SERIES:
        return [sys.executable]
    for series in SERIES:
        if path := shutil.which("python" + series):
            return [path]
        found = ["py", "-" + series]  # Windows
        if shutil.which("py") and run(*found, "-c", "", quiet=True):
            return found
    sys.exit(NO_PYTHON)


def run(*command, quiet=False):
    """Run a command; say whether it succeeded."""
    out = subprocess.DEVNULL if quiet else None
    done = subprocess.run(list(map(str, command)), stdout=out, stderr=out)
    return done.returncode == 0


def install(venv, lists):
    """Install the lists, paths, into the folder `venv`, made if need be."""
    installed = venv / "installed"
    copies = {path: installed / "-".join(path.parts) for path in lists}
    kept = {p: c.read_bytes() for p, c in copies.items() if c.exists()}
    missing = [path for path in lists if path not in kept]
    bin = venv / ("Scripts" if platform.system() == "Windows" else "bin")
    if not installed.exists() or any(p.read_bytes() != kept[p] for p in kept):
        missing = lists
        if (platform.system(), platform.machine()) == ("Darwin", "x86_64"):
            sys.exit(INTEL_MAC)
        if shutil.disk_usage(".").free < GIGABYTES * 1e9:
            sys.exit(NO_ROOM)
        python = find_python()
        print(f"Making {venv} with {python[0]} ...", flush=True)
        if not run(*python, "-m", "venv", "--clear", venv):
            sys.exit(NO_VENV.format(venv))
    for path in missing:
        needs = NEEDS.get(path.as_posix(), "a minute or two")
        print(f"Installing {path}, once: {needs} ...", flush=True)
        log = venv / "pip.log"
        log.unlink(missing_ok=True)
        pip = [bin / "python", "-m", "pip", "install", "--compile"]
        pip += ["--disable-pip-version-check", "--log", log, "-r", path]
        if path.suffix == ".lock":
            pip += ["--require-hashes"]
        if not run(*pip):
            full = "No space left" in log.read_text("utf-8", "replace")
            sys.exit(NO_ROOM if full else NO_INDEX)
        if (venv / "share/jupyter/lab").exists():  # or it asks about news
            lab = [bin / "jupyter", "labextension", "disable"]
            news = "@jupyterlab/apputils-extension:announcements"
            run(*lab, "--level=sys_prefix", news, quiet=True)
        installed.mkdir(exist_ok=True)
        shutil.copy(path, copies[path])


if __name__ == "__main__":
    venv, *lists = sys.argv[1:] or [".venv"]
    install(Path(venv), [Path(p) for p in lists or ["requirements.lock"]])
