"""``judge``: every candidate is counted, and lost at the first stage that it does not pass."""

import csv
import json
import os
from pathlib import Path

import numpy as np
import pytest

from hpcvox import config
from hpcvox.crystals.formats.cif.writing import cif_text
from hpcvox.crystals.record import Crystal
from hpcvox.errors import ConfigError
from hpcvox.files import durable
from hpcvox.generation.candidates import COLUMNS, read_candidates
from hpcvox.generation.judging import job as judging
from hpcvox.generation.judging.symmetrise import symmetrised
from hpcvox.generation.settings import JudgeSettings
from hpcvox.shards.reading.shard_set import ShardSet
from tests.support.generated_runs import CSCL, CUBE, generate, judge, learned, perovskite, write_run


def test_each_is_lost_where_it_is_lost(generated: Path, trained: Path, tmp_path: Path) -> None:
    known = tmp_path / "known"
    known.mkdir()
    (known / "listed.cif").write_text(cif_text(Crystal("listed", "", *perovskite(37, 50, 53, 6.3), {})))
    other = Crystal("not_asked", "", np.eye(3) * 4, CSCL, np.array([3, 9], np.uint8), {})
    (known / "not_asked.cif").write_text(cif_text(other))
    rows = judge(generated, tmp_path / "out", known=[known])
    assert {name: row["lost"] for name, row in rows.items()} == {
        "0-blob": "not-placed",
        "1-near": "not-valid",
        "1-small": "not-plausible",
        "2-binary": "other-anonymous-formula",
        "3-first": "",
        "4-again": "duplicate",
        "5-learned": "in-training-set",
        "6-on-the-list": "known",
        "7-other-structure": "same-composition",
        "8-new": "",
    }
    matches = {name: row["match"] for name, row in rows.items() if row["match"]}
    assert matches == {
        "4-again": "3-first",
        "5-learned": ShardSet.open(trained / "shards").ids[learned(trained)],
        "6-on-the-list": "listed",
        "7-other-structure": "3-first",
    }
    for folder in ("cifs", "symmetrised"):
        assert {path.name for path in (tmp_path / "out" / folder).iterdir()} == {"3-first.cif", "8-new.cif"}
    summary = json.loads((tmp_path / "out/summary.json").read_text())
    assert list(summary["funnel"].values()) == [10, 9, 8, 7, 6, 5, 4, 3, 2]
    assert sum(summary["lost"].values()) + summary["funnel"]["of a composition of their own"] == 10
    assert summary["left_and_charge_balanced"] == 2
    assert summary["plausible"] == {
        "drawn": 10,
        "plausible": 7,
        "why_not": {"not-placed": 1, "not-valid": 1, "too-dense": 1},
    }


DENSE = np.eye(3) * 2.5, CSCL, np.array([94, 8], np.uint8)
"""PuO of 27 g/cm³, of half the usual volume; no two atoms are too near."""
UNBALANCED = perovskite(11, 11, 9, 4.0)
ALONE = np.eye(3) * 1.5, CSCL[:1], np.array([8], np.uint8)


def test_what_is_not_plausible_is_lost_for_its_reason(trained: Path, tmp_path: Path) -> None:
    crystals = {"alone": ALONE, "dense": DENSE, "fine": perovskite(55, 82, 35, 5.9), "unbalanced": UNBALANCED}
    run = write_run(tmp_path / "generated", trained, crystals)
    rows = judge(run, tmp_path / "out", anonymous_formula="ABC3")
    assert {name: (row["lost"], row["code"], row["remarks"]) for name, row in rows.items()} == {
        "alone": ("not-plausible", "element", "too-dense"),
        "dense": ("not-plausible", "too-dense", "charges"),
        "fine": ("", "", ""),
        "unbalanced": ("other-anonymous-formula", "", "charges"),
    }
    assert rows["alone"]["message"] == "there is O alone, and a compound has two elements at least"
    assert [path.name for path in (tmp_path / "out/cifs").iterdir()] == ["fine.cif"]
    assert (rows["fine"]["density"], rows["fine"]["volume"]) == ("4.688", "1.058")


def test_what_a_candidate_is_lost_for_is_chosen(trained: Path, tmp_path: Path) -> None:
    crystals = {"alone": ALONE, "unbalanced": UNBALANCED}
    run = write_run(tmp_path / "generated", trained, crystals)

    def lost(implausible: list[str]) -> dict[str, str]:
        rows = judge(run, tmp_path / "out", anonymous_formula="A2B3", implausible=implausible)
        return {name: row["code"] or row["lost"] for name, row in rows.items()}

    assert lost(["charges"]) == {"alone": "other-anonymous-formula", "unbalanced": "charges"}
    assert lost([]) == {"alone": "other-anonymous-formula", "unbalanced": ""}
    summary = json.loads((tmp_path / "out/summary.json").read_text())
    assert "plausible" not in summary["funnel"]
    assert summary["plausible"] is None
    assert summary["remarks_of_those_left"] == {"charges": 1}
    rows = judge(run, tmp_path / "elements", anonymous_formula="A", implausible=["element"])
    assert (rows["alone"]["lost"], rows["alone"]["remarks"]) == ("", "element too-dense"), "it was asked for"
    with pytest.raises(ConfigError, match=r"implausible.*'element', 'too-near'"):
        judge(run, tmp_path / "out", implausible=["too-heavy"])


def test_the_last_line_says_in_words_how_many_are_plausible(generated: Path, tmp_path: Path) -> None:
    settings = config.validate(JudgeSettings, {"generated": generated, "out": tmp_path}, "test")
    assert judging.run(settings).summary.startswith(
        "of 10 candidates 7 are plausible (the others: 1 not placed, 1 not valid, 1 too dense); judged: "
        "10 drawn, 9 placed, 8 valid, 7 plausible, 6 of the base's anonymous formula, "
    )


def test_a_cif_that_cannot_be_used_is_lost_for_its_own_reason(trained: Path, tmp_path: Path) -> None:
    run = write_run(tmp_path / "generated", trained, {"torn": perovskite(55, 82, 35, 5.9)})
    (run / "cifs/torn.cif").write_text("data_torn\nloop_\n_cell_length_a 5.9\n")
    row = judge(run, tmp_path / "out")["torn"]
    assert (row["lost"], row["code"]) == ("not-valid", "no-structure")
    assert row["message"]


def test_a_folder_judged_before_there_was_plausibility_is_judged_anew(
    generated: Path, tmp_path: Path
) -> None:
    rows = judge(generated, tmp_path)
    path = tmp_path / "config.yaml"
    kept = [line for line in path.read_text().splitlines() if not line.startswith(("implausible:", "- "))]
    path.write_text("\n".join(kept) + "\n")
    assert "implausible" not in path.read_text()
    assert judge(generated, tmp_path) == rows


def test_duplicates_are_of_a_distinct_one(trained: Path, tmp_path: Path) -> None:
    """Not of another duplicate, however near that is."""
    off = np.array([[0, 0, 0], [0, 0, 0.06], [0, 0, 0], [0, 0, 0], [0, 0, 0]])
    crystals = {f"{n}": perovskite(55, 82, 35, 5.9, CUBE + n * off) for n in range(3)}
    rows = judge(write_run(tmp_path / "generated", trained, crystals), tmp_path / "out")
    assert [(row["lost"], row["match"]) for row in rows.values()] == [
        ("", ""),
        ("duplicate", "0"),
        ("duplicate", "0"),
    ]
    assert 0 < float(rows["1"]["rms"]) < float(rows["2"]["rms"])


def test_with_less_to_compare_with_there_are_fewer_stages(generated: Path, tmp_path: Path) -> None:
    rows = judge(generated, tmp_path)
    assert rows["6-on-the-list"]["lost"] == ""
    assert "not known" not in json.loads((tmp_path / "summary.json").read_text())["funnel"]
    rows = judge(generated, tmp_path, anonymous_formula="AB")
    assert [name for name, row in rows.items() if not row["lost"]] == ["2-binary"]
    assert [path.name for path in (tmp_path / "cifs").iterdir()] == ["2-binary.cif"]


def test_what_is_nearly_symmetric_is_made_so() -> None:
    noise = np.random.default_rng(0).normal(0, 0.002, CUBE.shape)
    numbers = np.array([38, 22, 8, 8, 8], np.uint8)
    rough = Crystal("x", "", np.diag([3.90, 3.91, 3.905]), (CUBE + noise) % 1, numbers, {})
    as_it_is, made = symmetrised(rough, 1e-4), symmetrised(rough, 0.1)
    assert as_it_is is not None
    assert as_it_is.group == 1
    assert made is not None
    assert (made.group, made.symbol) == (221, "Pm-3m")
    again = symmetrised(made.crystal, 1e-6)
    assert again is not None
    assert again.group == 221
    np.testing.assert_allclose(made.crystal.lattice, np.eye(3) * 3.905, atol=1e-3)


def test_a_run_of_generate_is_judged_whole(trained: Path, tmp_path: Path) -> None:
    candidates = generate(trained, tmp_path / "generated", per_condition=2)
    rows = judge(tmp_path / "generated", tmp_path / "judged")
    assert list(rows) == [row["id"] for row in candidates]


def test_what_is_no_run_of_generate_is_refused(generated: Path, tmp_path: Path) -> None:
    with pytest.raises(
        ConfigError, match=r"candidates.csv does not exist; give the folder of a finished run"
    ):
        judge(tmp_path / "nothing", tmp_path / "out")
    broken = tmp_path / "broken"
    broken.mkdir()
    for name in ("candidates.csv", "config.yaml"):
        (broken / name).write_bytes((generated / name).read_bytes())
    with pytest.raises(ConfigError, match=r"1-near\.cif: No such file"):
        judge(broken, tmp_path / "out")


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("../x", "cifs/x.cif"),
        ("/x", "cifs/x.cif"),
        (".x", ""),
        ("x", "../x.cif"),
        ("x", "/x.cif"),
        ("x", "cifs/../x.cif"),
    ],
)
def test_a_run_of_a_stranger_has_nothing_read_or_written_outside_of_its_folders(
    tmp_path: Path, name: str, file: str
) -> None:
    durable.write_csv(tmp_path / "candidates.csv", COLUMNS, [{"id": name, "cif": file}])
    with pytest.raises(
        ConfigError, match=r"candidates\.csv:row 2: .* are no id of a candidate and its file in cifs/"
    ):
        judge(tmp_path, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_cell_of_any_length_is_refused(tmp_path: Path) -> None:
    durable.write_csv(tmp_path / "candidates.csv", COLUMNS, [{"id": "x", "message": "m" * 1000}])
    before = csv.field_size_limit(500)  # readers of other tables set it higher
    try:
        with pytest.raises(ConfigError, match=r"candidates\.csv: field larger than field limit"):
            read_candidates(tmp_path)
    finally:
        csv.field_size_limit(before)


def test_a_pipe_in_the_place_of_a_table_or_a_cif_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "candidates.csv")
    with pytest.raises(ConfigError, match=r"cannot read .*candidates\.csv: it is a named pipe"):
        judge(tmp_path, tmp_path / "out")
    (tmp_path / "candidates.csv").unlink()
    durable.write_csv(tmp_path / "candidates.csv", COLUMNS, [{"id": "x", "cif": "cifs/x.cif"}])
    (tmp_path / "cifs").mkdir()
    os.mkfifo(tmp_path / "cifs" / "x.cif")
    with pytest.raises(ConfigError, match=r"x\.cif: it is a named pipe"):
        judge(tmp_path, tmp_path / "out")
