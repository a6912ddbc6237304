"""Let the lessons of a fork open on Colab and in Codespaces by a click.

python tools/badges.py OWNER/NAME [BRANCH]

Writes both badges under the title of each notebook and of README.md, where
Colab's opens the first lesson, and lets README.md's link to the reader open
it where book.yml publishes it. The reader gets what a link to it is shown
with, and a link to the course. What is there already is replaced.
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


def with_address(page, repository, reader):
    """Return the reader, or its template, with what depends on an address."""
    course = f"https://github.com/{repository}"
    parts = {
        "og": f'<meta property="og:title" content="Digit reader">'
        f'<meta property="og:url" content="{reader}">'
        '<meta property="og:description" content="Write a number: a small '
        'neural network reads it, and shows you why.">',
        "course": f'<p><a href="{course}" target="_top">How it was made, step '
        "by step: the course</a></p>",
    }
    for name, text in parts.items():
        start, end = f"<!-- {name} -->", f"<!-- /{name} -->"
        page = re.sub(f"{start}.*?{end}", start + text + end, page)
    return page


def write_badges(root, repository, branch="main"):
    """Write them into lessons, README.md and the reader under `root`."""
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
    for name in ("template.html", "digit_reader.html"):
        path = root / "page" / name
        text = with_address(path.read_text("utf-8"), repository, page)
        path.write_text(text, "utf-8", newline="\n")


if __name__ == "__main__":
    if not re.fullmatch(r"[\w.-]+/[\w.-]+", " ".join(sys.argv[1:2])):
        sys.exit("Which repository? For instance: make badges REPO=ada/mnist")
    write_badges(Path(__file__).parents[1], *sys.argv[1:3])
