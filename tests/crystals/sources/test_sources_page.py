"""docs/sources.md names every code that a reader rejects with, and every remark; and each of them has its test."""

import ast
import re

from hpcvox.crystals.formats.cif.agreement import REMARKS
from hpcvox.crystals.record import CANDIDATE
from tests.support.paths import ROOT

PAGE = (ROOT / "docs" / "sources.md").read_text()
CODE = re.compile(r"[a-z]+(-[a-z]+)*")
OTHERS = {CANDIDATE}
"""Words of the same shape that are no codes."""


def rejecting() -> set[str]:
    """The codes that the readers reject with: the first argument of a rejection, or a named one that leads to it."""
    codes = set()
    for path in (ROOT / "hpcvox" / "crystals").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
                name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
                place = {"Rejected": 0, "Fault": 0, "_rejected": 0, "array": 2}.get(name)
                if place is not None and len(node.args) > place:
                    code = node.args[place]
                    if isinstance(code, ast.Constant) and CODE.fullmatch(str(code.value)):
                        codes.add(str(code.value))
    return codes - OTHERS


def documented() -> set[str]:
    """The codes in the first column of the page's table of codes."""
    table = PAGE.split("## Codes")[1]
    rows = re.findall(r"^\| (`[^|]*) \|", table, re.MULTILINE)
    return {code for row in rows for code in re.findall("`([a-z-]+)`", row)}


def test_the_page_names_the_codes_that_there_are() -> None:
    assert documented() == rejecting()
    assert "symmetry" in rejecting()


def test_the_page_names_the_remarks_that_there_are() -> None:
    table = PAGE.split("| what disagrees")[1].split("\n\n")[0]
    remarks = {
        code for row in table.splitlines() if "remark" in row for code in re.findall("`([a-z-]+)`", row)
    }
    assert remarks == set(REMARKS)


def test_every_code_has_its_test() -> None:
    tests = "".join(
        path.read_text()
        for folder in ("crystals", "featurize", "shards")
        for path in sorted((ROOT / "tests" / folder).rglob("test_*.py"))
    )
    assert [code for code in sorted(documented() | set(REMARKS)) if f'"{code}"' not in tests] == []
