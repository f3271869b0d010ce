"""Work in groups: ``judge`` and ``hull`` have the same rows on actors, in several parts, as in one process."""

from pathlib import Path

import pytest

from hpcvox.actors import groups
from hpcvox.actors.campaign import Part
from hpcvox.actors.cluster import cluster
from hpcvox.crystals.known import Known
from hpcvox.generation.judging.summary import Stage
from hpcvox.generation.judging.verdicts import Asked, Judged, judged
from tests.support.hull_run import lay, make_relaxation, perovskite

OTHERS = ((56, 22, 8, 8, 8), (38, 40, 8, 8, 8), (20, 22, 8, 8, 8))


def verdicts() -> dict[str, Judged]:
    crystals = [perovskite(f"{n}", 3.9 + n / 100, of) for n, of in enumerate((*OTHERS, *OTHERS))]
    known = Known([perovskite("known", 4.0, OTHERS[1])])
    asked = Asked(frozenset({"too-near"}), None, 0.1)
    return dict(judged(crystals, [(Stage.NOT_KNOWN, known)], asked, 2))


@pytest.mark.slow
def test_actors_make_the_same_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_relaxation(tmp_path)
    known = {"known": [str(tmp_path / "known")]}
    lay(tmp_path, **known)
    alone, table = verdicts(), (tmp_path / "out" / "hull.csv").read_bytes()
    assert [alone[f"{n}"].row["lost"] for n in range(6)] == [
        "",
        "known",
        "",
        "duplicate",
        "duplicate",
        "duplicate",
    ]
    (tmp_path / "out" / "hull.csv").unlink()
    monkeypatch.setattr(groups, "FEW", 0)
    monkeypatch.setattr(groups, "PART", 1)
    with cluster(2):
        assert verdicts() == alone
        lay(tmp_path, **known, actors=2)
    assert (tmp_path / "out" / "hull.csv").read_bytes() == table


def test_a_group_is_in_one_part(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[list[int]] = []

    def work(part: Part[int]) -> list[int]:
        seen.append(list(part.items))
        return [-item for item in part.items]

    monkeypatch.setattr(groups, "PART", 3)
    given = [[1], [2, 3, 4, 5], [6], [7]]
    assert groups.rows_of(given, lambda: work, "test", "items", 1) == [-1, -2, -3, -4, -5, -6, -7]
    assert seen == [[1, 2, 3, 4, 5], [6, 7]]


def test_who_kills_a_process_is_lost_and_others_are_judged() -> None:
    from hpcvox.generation.judging.verdicts import _Candidate, _Worker

    one, two = perovskite("one", 3.9), perovskite("two", 3.95)
    part = Part(0, [_Candidate(one, ()), _Candidate(two, ())], fatal={0: "signal 9"})
    rows = [each.row for each in _Worker(Asked(frozenset(), None, 0.1))()(part)]
    assert [(row["lost"], row.get("code")) for row in rows] == [("not-valid", "worker-died"), ("", None)]
    assert rows[0]["message"] == "signal 9"
