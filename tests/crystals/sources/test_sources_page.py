"""docs/sources.md names every remark, and every code that a reader rejects with has its test.

What each code means is in docs/troubleshooting.md (tests/test_troubleshooting.py).
"""

import re

from hpcvox.crystals.formats.cif.agreement import REMARKS
from hpcvox.crystals.record import CANDIDATE
from tests.support.codes import rejecting
from tests.support.paths import ROOT

PAGE = (ROOT / "docs" / "sources.md").read_text("utf-8")


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
    assert [
        code
        for code in sorted((rejecting("crystals") - {CANDIDATE}) | set(REMARKS))
        if f'"{code}"' not in tests
    ] == []
