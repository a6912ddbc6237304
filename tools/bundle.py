"""Make one file of the folder page, for lesson 9: tools/form.py calls it.

It does as much as that folder needs: modules import from each other by
`import {a, b} from "./c.js";`, and export by a word before a declaration.
"""

import re


def bundle(folder):
    """Return the folder's template.html with its style and script put in.

    The script: the modules that main.js needs, each after those that it
    imports. They come to share one scope, so no name may be declared twice.
    """
    imports = r'^import (?:\{\s*[\w$]+(?:,\s*[\w$]+)*,?\s*\} from )?"\./(.+)";'
    kinds = r"(?:async )?function\b|class\b|const\b|let\b|var\b"
    names = r"([\w$]+|[\[{][^;]*?[\]}](?= =))"  # or several, taken apart
    begun, script, owners = set(), ['"use strict";\n'], {}

    def add(name):
        begun.add(name)
        text = (folder / name).read_text(encoding="utf-8")
        for other in re.findall(imports, text, re.M):
            if other not in begun:
                add(other)
        text = re.sub(imports + "\n*", "", text, flags=re.M)
        text = re.sub(rf"^export (?={kinds})", "", text, flags=re.M)
        if left := re.search(r"^(import|export)\b.*", text, re.M):
            raise ValueError(f"{name}: bundle.py can't do this: {left[0]}")
        for found in re.findall(rf"^(?:{kinds})[ *]+{names}", text, re.M):
            for own in re.findall(r"[A-Za-z_$][\w$]*(?!\s*[\w$:])", found):
                if owners.setdefault(own, name) != name:
                    both = f"{owners[own]} and {name}"
                    raise ValueError(f"{both} both declare {own}: rename one")
        script.append(text)

    add("main.js")
    page = (folder / "template.html").read_text(encoding="utf-8")
    style = (folder / "style.css").read_text(encoding="utf-8")
    page = page.replace("{{style}}", "\n" + style)
    return page.replace("{{script}}", "\n" + "\n".join(script))
