"""The book's settings: `make book` runs Sphinx with them on build/source."""

import re
from pathlib import Path

from docutils import nodes
from docutils.utils.math.latex2mathml import tex2mathml

ROOT = Path(__file__).parents[1]
# the address that `make badges` wrote, if it did
BADGE = re.search(
    r"colab\.research\.google\.com/github/(?P<owner>[^/]+)/(?P<name>[^/]+)/blob/"
    r"(?P<branch>.+?)/notebooks/",
    (ROOT / "README.md").read_text(encoding="utf-8"),
)

project = html_title = "Read handwriting with a neural network"
author = "the authors of the MNIST course"
copyright = "2026, MIT and CC BY 4.0"
language = "en"
extensions = ["myst_nb", "sphinx_copybutton", "sphinx_design"]
nb_execution_mode = "off"
nb_code_prompt_show = "Show the {type}"
nb_code_prompt_hide = "Hide the {type}"
nb_ipywidgets_js = {}  # a stored widget is nothing without its kernel
myst_enable_extensions = [
    "attrs_inline",
    "colon_fence",
    "deflist",
    "dollarmath",
]

html_context = {"default_mode": "auto"}  # light or dark, as the system is
html_theme = "sphinx_book_theme"
html_extra_path = ["../page/digit_reader.html"]
html_use_index = False
html_favicon = "icon.svg"
html_static_path = ["book.css"]
html_css_files = ["book.css"]
html_theme_options = {
    "navbar_persistent": [],
    "use_fullscreen_button": False,
}
if BADGE:
    address = f"https://github.com/{BADGE['owner']}/{BADGE['name']}"
    html_theme_options |= {
        "repository_url": address,
        "use_repository_button": True,
        "repository_branch": BADGE["branch"],
        "path_to_docs": "notebooks",
        "launch_buttons": {"colab_url": "https://colab.research.google.com"},
    }


def write_math(writer, node):
    """Write a formula as MathML, which browsers draw without a library."""
    block = isinstance(node, nodes.math_block)
    formula = tex2mathml(node.astext(), as_block=block)
    if block:
        formula = f'<div class="formula" tabindex="0">{formula}</div>'
    writer.body.append(formula)
    raise nodes.SkipNode


def add_codespaces(app, page, template, context, doctree):
    """Add a button beside Colab's, on lessons."""
    for group in context.get("header_buttons", []):
        if group.get("label") == "launch-buttons":
            group["buttons"].append(
                {
                    "type": "link",
                    "text": "Codespaces",
                    "tooltip": "Open in a GitHub codespace",
                    "icon": "fab fa-github",
                    "url": f"https://codespaces.new/{BADGE['owner']}/{BADGE['name']}",
                }
            )


def setup(app):
    render = write_math, None
    app.add_html_math_renderer("mathml", render, render)
    app.connect("html-page-context", add_codespaces, priority=900)
