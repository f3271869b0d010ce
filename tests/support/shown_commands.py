"""The commands that the README and the pages of docs/ show: those of their ``sh`` blocks, and what these include."""

import re
import textwrap
from pathlib import Path
from typing import Final

import yaml

from tests.support.paths import ROOT

INCLUDED: Final = re.compile(r'^--8<-- "(.+?)(?::(\w+))?"$', re.MULTILINE)
"""A file, or a part of it, that a page shows: the path below docs/, and the name of the part."""

_BLOCK: Final = re.compile(r"^( *)```(sh|python)\n(.*?)^\1```$", re.DOTALL | re.MULTILINE)


def pages() -> list[Path]:
    """README.md, then all pages in the order of the site's navigation."""

    class Loader(yaml.SafeLoader):
        """Of mkdocs.yml, whose own tags say nothing here."""

    Loader.add_multi_constructor("!", lambda *_: None)
    Loader.add_multi_constructor("tag:", lambda *_: None)

    def below(entry: object) -> list[str]:
        if isinstance(entry, dict):
            return [path for one in entry.values() for path in below(one)]
        return [path for one in entry for path in below(one)] if isinstance(entry, list) else [str(entry)]

    nav = yaml.load((ROOT / "mkdocs.yml").read_text("utf-8"), Loader)["nav"]  # noqa: S506 # a SafeLoader
    return [ROOT / "README.md", *(ROOT / "docs" / path for path in below(nav))]


def blocks(page: Path, language: str) -> list[str]:
    """The text of the page's blocks in one language, with what they include."""
    found = _BLOCK.findall(page.read_text("utf-8"))
    return [INCLUDED.sub(_part, textwrap.dedent(text)) for _, name, text in found if name == language]


def commands(text: str) -> list[str]:
    """The commands of shell code, one a line, without comments."""
    lines = (line.partition(" #")[0].rstrip() for line in text.replace("\\\n", " ").splitlines())
    return [re.sub(r" +", " ", line) for line in lines if line and not line.startswith("#")]


def shown() -> dict[str, list[str]]:
    """Every command that is shown, once, in the order of the pages, and the names of the pages that show it."""
    found: dict[str, list[str]] = {}
    for page in pages():
        for block in blocks(page, "sh"):
            for command in commands(block):
                found.setdefault(command, []).append(page.relative_to(ROOT).as_posix())
    return found


def _part(found: re.Match[str]) -> str:
    text = (ROOT / "docs" / found[1]).read_text("utf-8")
    if found[2] is None:
        return text
    (part,) = re.findall(
        rf"^# --8<-- \[start:{found[2]}\]\n(.*?)^# --8<-- \[end:{found[2]}\]", text, re.DOTALL | re.MULTILINE
    )
    return str(part)
