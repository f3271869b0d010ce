"""A job's summary is what it wrote, or says why not."""

from pathlib import Path

import pytest

from hpcvox.errors import SummaryError
from hpcvox.files.summary import OrAbsent, Part, Summary
from hpcvox.files.timings import Timings


class Inner(Part):
    """A group."""

    share: float | None


class Small(Summary):
    """A summary of two keys that are always there, and one that need not be."""

    count: int
    groups: dict[str, Inner]
    base: OrAbsent[str] = None


def test_what_is_written_is_read_again_and_what_has_no_value_is_not_there(tmp_path: Path) -> None:
    small = Small(count=3, groups={"a": Inner(share=None), "b": Inner(share=0.5)})
    small.save(tmp_path)
    text = (tmp_path / "summary.json").read_text()
    assert text == (
        '{\n  "count": 3,\n  "groups": {\n    "a": {\n      "share": null\n    },\n'
        '    "b": {\n      "share": 0.5\n    }\n  }\n}\n'
    )
    assert Small.load(tmp_path) == small
    Small(count=3, groups={}, base="x").save(tmp_path)
    assert '"base": "x"' in (tmp_path / "summary.json").read_text()


def test_where_there_is_no_file_there_is_no_summary(tmp_path: Path) -> None:
    assert Small.load(tmp_path) is None


def test_keys_that_are_not_known_are_passed_over(tmp_path: Path) -> None:
    (tmp_path / "summary.json").write_text('{"count": 1, "groups": {}, "of another version": [1]}')
    assert Small.load(tmp_path) == Small(count=1, groups={})


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{", "is damaged"),
        ("[]", "is damaged"),
        ('{"count": "many", "groups": {}}', "count: "),
        ('{"count": 1, "groups": {"a": {"share": "x"}}}', r"groups\.a\.share"),
        ("\0" * 100, "is damaged"),
        ("[" * 100_000, "is damaged"),
    ],
)
def test_what_is_damaged_is_said_with_its_place(tmp_path: Path, text: str, said: str) -> None:
    (tmp_path / "summary.json").write_text(text)
    with pytest.raises(SummaryError, match=rf"summary\.json.*{said}"):
        Small.load(tmp_path)


def test_times_add_up_over_runs(tmp_path: Path) -> None:
    path = tmp_path / "timings.json"
    for seconds in (1.04, 2.0):
        Timings.load(path).add("database", seconds, path)
    assert path.read_text() == '{\n  "database": 3.0\n}\n'
    assert Timings.load(path).total == 3.0
    path.write_text("{")
    with pytest.raises(SummaryError, match="remove it"):
        Timings.load(path)
