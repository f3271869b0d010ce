"""The codes that the code of hpcvox rejects with, as its syntax tells them."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.support.paths import ROOT

CODE: Final = re.compile(r"[a-z]+(-[a-z]+)*")

PLACES: Final = {
    "Rejected": 0,
    "Fault": 0,
    "_rejected": 0,
    "array": 2,
    "Reject": 2,
    "Validity": 0,
    "Result": 2,
}
"""Functions that take a code, and the place of it among their arguments."""


def rejecting(room: str = "") -> set[str]:
    """The codes of a room of hpcvox, or of all: of rejections, what answers call ``code``, and pairs with words."""
    found = set()
    for path in (ROOT / "hpcvox" / room).rglob("*.py"):
        found |= set(_codes(path))
    return found


def _codes(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        given: list[ast.expr | None] = []
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
            name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
            place = PLACES.get(name)
            if place is not None and len(node.args) > place:
                given = [node.args[place]]
        elif isinstance(node, ast.Dict):
            pairs = zip(node.keys, node.values, strict=True)
            given = [value for key, value in pairs if isinstance(key, ast.Constant) and key.value == "code"]
        elif isinstance(node, ast.Assign) and any(
            isinstance(to, ast.Name) and to.id == "code" for to in node.targets
        ):
            given = [node.value]
        elif isinstance(node, ast.Return) and isinstance(node.value, ast.Tuple) and len(node.value.elts) == 2:
            first = node.value.elts[0]
            given = [first] if isinstance(first, ast.Constant) and "-" in str(first.value) else []
        for code in given:
            for each in (code.body, code.orelse) if isinstance(code, ast.IfExp) else (code,):
                if isinstance(each, ast.Constant) and CODE.fullmatch(str(each.value)):
                    yield str(each.value)
