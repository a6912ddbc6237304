"""The page's modules become one script: tools/bundle.py, and lesson 9."""

import base64
import shutil
import zlib
from pathlib import Path

import form
import nbformat
import pytest
from bundle import bundle
from lessons import names_of

PAGE = Path(__file__).parents[1] / "page"
TEMPLATE = "<style>{{style}}</style><script>{{script}}</script>{{card}}"


@pytest.fixture
def script(tmp_path):
    """Return a function: texts of modules, main first -> their script."""

    def bundled(main, **others):
        (tmp_path / "template.html").write_text(TEMPLATE)
        (tmp_path / "style.css").write_text("p {\n  margin: 0;\n}\n")
        for name, text in {"main": main, **others}.items():
            path = tmp_path / f"{name}.js"
            path.write_text(text, encoding="utf-8")
        page = bundle(tmp_path)
        before, after = "<style>\np {\n  margin: 0;\n}\n</style>", "{{card}}"
        assert page.startswith(before + "<script>\n")
        assert page.endswith("</script>" + after)
        return page.split("<script>\n")[1].split("</script>")[0]

    return bundled


def test_one_module(script):
    text = "// π\nconst text = `\\n ${1} \\1`;\n"
    assert script(text) == '"use strict";\n\n' + text


def test_modules_come_once_each_after_what_it_imports(script):
    assert script(
        'import { b } from "./b.js";\nimport {c} from "./c.js";\n\nb(c);\n',
        b="// of b\n\n"
        'import {\n  c,\n  $d,\n} from "./c.js";\n'
        "export function b() {\n  return c + $d;\n}\n",
        c='import "./main.js";\n'
        "export const c = 1,\n  e = 2;\nexport let $d;\n"
        "export async function f() {}\nexport class G {}\n",
        unused="export default 1;\n",
    ) == (
        '"use strict";\n\n'
        "const c = 1,\n  e = 2;\nlet $d;\nasync function f() {}\nclass G {}\n"
        "\n// of b\n\nfunction b() {\n  return c + $d;\n}\n"
        "\nb(c);\n"
    )


@pytest.mark.parametrize(
    "line",
    [
        "export default function f() {}",
        "export default f;",
        "export { f };",
        'export * from "./b.js";',
        'import * as b from "./b.js";',
        'import b from "./b.js";',
        'import {f as g} from "./b.js";',
        'import {f} from "b";',
        "import {f} from './b.js';",
        'import {f} from "./b.js"',
    ],
)
def test_says_what_it_cannot_do(script, line):
    with pytest.raises(ValueError) as error:
        script("function f() {}\n" + line + "\n", b="export const f = 1;\n")
    assert str(error.value) == f"main.js: bundle.py can't do this: {line}"


@pytest.mark.parametrize(
    "declared",
    [
        "export const twice = 1;",
        "let twice;",
        "export function twice() {}",
        "async function twice() {}",
        "function* twice() {}",
        "class twice {}",
        "const [a, [twice]] = [1, [2]];",
        "const [\n  a,\n  twice,\n] = list.map((id) => id);",
        "const { a, b: twice = 4, ...rest } = {};",
        "const { ...twice } = {};",
    ],
)
def test_a_name_declared_in_two_modules_is_refused(script, declared):
    main = 'import "./b.js";\n'
    with pytest.raises(ValueError, match="^b.js and main.js .*: rename one$"):
        script(main + "function twice() {}\n", b=declared + "\n")
    script(main + "const n = 4;\nconst b = [n];\n", b=declared + "\n")


def test_names_inside_a_function_may_be_the_same(script):
    text = "function {}() {{\n  const n = 1;\n  return n;\n}}\n"
    script('import "./b.js";\n' + text.format("a"), b=text.format("b"))


def test_a_module_that_is_not_there_is_named(script):
    with pytest.raises(FileNotFoundError, match="other.js"):
        script('import "./other.js";\n')


# In lesson 9


def test_lesson_alone_has_the_same_template(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert names_of("09", "template")["template"] == bundle(PAGE)


def test_lesson_in_the_course_takes_what_the_folder_holds(
    tmp_path, monkeypatch
):
    shutil.copytree(PAGE, tmp_path / "page")
    style = tmp_path / "page/style.css"
    style.write_text("p { margin: 1px; }", encoding="utf-8")
    (tmp_path / "notebooks").mkdir()
    monkeypatch.chdir(tmp_path / "notebooks")
    template = names_of("09", "template")["template"]
    assert template == bundle(tmp_path / "page") != bundle(PAGE)


def test_letters_are_kept_where_they_hold_the_page(tmp_path, monkeypatch):
    """Other versions of zlib write others; here, another level does."""
    text = "The same page.\n" * 99
    monkeypatch.setattr(form, "LESSON_9", tmp_path / "lesson.ipynb")

    def packed(letters):
        cell = nbformat.v4.new_code_cell(f'PACKED = "{letters}"  # noqa')
        notebook = nbformat.v4.new_notebook(cells=[cell])
        nbformat.write(notebook, form.LESSON_9)
        return form.packed(text)

    def letters(text, level):
        return base64.b85encode(zlib.compress(text.encode(), level)).decode()

    other, own = letters(text, 0), letters(text, 9)
    assert packed(other) == other != own
    for worthless in (letters("Another page.", 0), other[:-5], "no, no"):
        assert packed(worthless) == own
