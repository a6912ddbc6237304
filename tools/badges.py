"""Let the lessons of a fork open on Colab and in Codespaces by a click.

python tools/badges.py OWNER/NAME [BRANCH]

Writes both badges under the title of each notebook and of README.md, where
Colab's opens the first lesson, and lets README.md's link to the reader open
it where book.yml publishes it. What is there already is replaced.
"""

import re
import sys
from pathlib import Path

import nbformat

COLAB = "https://colab.research.google.com"
CODESPACES = "https://github.com/codespaces"
BADGES = re.compile(r"\[!\[Open in Colab\]\(.+\n\n")


def with_badges(text, repository, branch, lesson):
    """Return Markdown with the badges of a lesson under its title."""
    badges = (
        f"[![Open in Colab]({COLAB}/assets/colab-badge.svg)]({COLAB}/github/"
        f"{repository}/blob/{branch}/notebooks/{lesson}) "
        f"[![Open in Codespaces]({CODESPACES}/badge.svg)]"
        f"({CODESPACES}/new/{repository}?ref={branch})"
    )
    title, rest = BADGES.sub("", text).split("\n\n", 1)
    return f"{title}\n\n{badges}\n\n{rest}"


def write_badges(root, repository, branch="main"):
    """Write the badges into the lessons and the README under `root`."""
    paths = sorted((root / "notebooks").glob("*.ipynb"))
    for path in paths:
        notebook = nbformat.read(path, as_version=4)
        first = notebook.cells[0]
        first.source = with_badges(first.source, repository, branch, path.name)
        nbformat.write(notebook, path)
    readme = root / "README.md"
    text = readme.read_text("utf-8")
    text = with_badges(text, repository, branch, paths[0].name)
    page = "https://{}.github.io/{}/digit_reader.html".format(
        *repository.split("/")
    )
    text = re.sub(r"(?<=\]\()[^()]+/digit_reader\.html", page, text)
    readme.write_text(text, "utf-8", newline="\n")


if __name__ == "__main__":
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", " ".join(sys.argv[1:2])):
        sys.exit("Which repository? For instance: make badges REPO=ada/mnist")
    write_badges(Path(__file__).parents[1], *sys.argv[1:3])
