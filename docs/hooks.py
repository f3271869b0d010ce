"""Hooks of MkDocs, of mkdocs.yml.

Formulas become MathML, which browsers draw by themselves, without a script from elsewhere.  The page of changes is
CHANGELOG.md, whose links are relative to the root.
"""

import html
import re
from pathlib import Path
from typing import Any

from latex2mathml.converter import convert

ROLE = re.compile(r":(?:attr|class|data|func|meth|mod):(?=\s*<code>)")
"""What docstrings put before a name: Sphinx's mark of what the name is of."""

FORMULA = re.compile(r'<(span|div) class="arithmatex">\\([(\[])(.*?)\\[)\]]</\1>', re.DOTALL)


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """A page's text: that of the changes is another file's."""
    if page.file.src_uri != "changelog.md":
        return markdown
    changes = Path(__file__).parents[1] / "CHANGELOG.md"
    return changes.read_text("utf-8").replace("](docs/", "](")


def on_page_content(content: str, **_: Any) -> str:
    """The page's HTML, with MathML where ``pymdownx.arithmatex`` has found LaTeX, and without marks of Sphinx."""
    content = ROLE.sub("", content)
    return FORMULA.sub(lambda found: mathml(html.unescape(found[3]), found[2] == "["), content)


def mathml(latex: str, block: bool) -> str:
    """One formula; a wide one scrolls by itself on a phone."""
    drawn = convert(latex.strip(), display="block" if block else "inline")
    return f'<div class="formula">{drawn}</div>' if block else drawn
