"""Finished parts of a job on disk."""

import json
from pathlib import Path

from hpcvox.files.kept_parts import KeptParts


def test_a_part_counts_for_its_work_and_under_its_name_alone(tmp_path: Path) -> None:
    parts = KeptParts(tmp_path / "parts", {"seed": 1})
    assert parts.load("a") is None
    parts.save("a", [{"x": 0.1}, "why", [1, None]])
    assert parts.load("a") == [{"x": 0.1}, "why", [1, None]]
    assert KeptParts(tmp_path / "parts", {"seed": 2}).load("a") is None
    whole = (tmp_path / "parts/a.json").read_text()
    (tmp_path / "parts/b.json").write_text(whole)
    assert parts.load("b") is None
    for torn in (whole[:-1], "[]", "", "null"):
        (tmp_path / "parts/a.json").write_text(torn)
        assert parts.load("a") is None


def test_a_part_of_before_names_were_written_is_known(tmp_path: Path) -> None:
    parts = KeptParts(tmp_path, {"seed": 1})
    parts.save("a", [1])
    tree = json.loads((tmp_path / "a.json").read_text())
    del tree["part"]
    (tmp_path / "a.json").write_text(json.dumps(tree))
    assert parts.load("a") == [1]


def test_others_are_removed(tmp_path: Path) -> None:
    parts = KeptParts(tmp_path, None)
    for name in ("a", "b", "c"):
        parts.save(name, [])
    parts.remove_others(iter(["b", "never made"]))
    assert [path.name for path in tmp_path.iterdir()] == ["b.json"]
