"""The modules of lesson 9's page, each on its own: tests/page, run by Node."""

import shutil
import subprocess

from conftest import DATA, missing

ROOT = DATA.parent


def test_modules():
    if not shutil.which("node"):
        missing("Node")
    files = sorted(ROOT.glob("tests/page/*.test.js"))
    assert files
    done = subprocess.run(
        ["node", "--test", "--test-reporter=spec", *files],
        cwd=ROOT,
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stdout + done.stderr
