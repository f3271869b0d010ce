"""docs/troubleshooting.md has every code, error and exit status that there is, and no other."""

import re
from enum import Enum

from hpcvox import errors
from hpcvox.crystals.formats.cif.agreement import REMARKS
from hpcvox.crystals.record import CANDIDATE
from hpcvox.generation.judging.plausible import REASONS
from hpcvox.generation.judging.summary import Stage
from hpcvox.process import outcome
from tests.support.codes import rejecting
from tests.support.paths import ROOT

PAGE = (ROOT / "docs" / "troubleshooting.md").read_text("utf-8")

NO_CODES = {CANDIDATE, "none", "built-in"}
"""Words of the same shape that are no codes."""


def rows(heading: str) -> list[list[str]]:
    """The cells of the tables below a heading, without their headers."""
    text = PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    cells = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in re.findall(r"^\|.*\|$", text, re.MULTILINE)
    ]
    ruled = [n for n, row in enumerate(cells) if set(row[0]) == {"-"}]
    return [row for n, row in enumerate(cells) if n not in ruled and n + 1 not in ruled]


def firsts(heading: str) -> list[str]:
    """What stands in backticks in the first cells below a heading."""
    return [code for row in rows(heading) for code in re.findall(r"`([^`]+)`", row[0])]


def test_every_reject_has_its_line_and_no_other() -> None:
    told = firsts("Rejects")
    assert len(set(told)) == len(told)
    assert set(told) == rejecting() - NO_CODES
    assert {"symmetry", "not-cubic", "timeout", "too-close"} < set(told)


def test_every_remark_has_its_line_and_no_other() -> None:
    assert set(firsts("Remarks")) == set(REMARKS)


def test_every_stage_and_reason_of_a_lost_candidate_has_its_line() -> None:
    assert isinstance(Stage.PLACED, Enum)
    assert firsts("Lost candidates") == [*Stage, *REASONS]


def test_every_error_has_its_line() -> None:
    kinds = {
        name
        for name, kind in vars(errors).items()
        if isinstance(kind, type) and issubclass(kind, errors.HpcvoxError) and kind is not errors.HpcvoxError
    }
    assert set(firsts("Errors")) == kinds


def test_every_exit_status_has_its_line() -> None:
    told = {int(row[0]) for row in rows("Exit status")}
    statuses = {
        outcome.COMPLETE,
        outcome.COMPLETE_WITH_REJECTS,
        outcome.INTERRUPTED,
        errors.HpcvoxError.exit_status,
    }
    assert told == statuses | {1}  # what `shards verify` ends with


def test_every_line_says_what_to_do() -> None:
    for heading in ("Errors", "Rejects", "Remarks", "What often happens"):
        assert all(row[-1] for row in rows(heading)), heading
