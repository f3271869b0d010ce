"""``hpcvox hull``: the tables of a relaxation onto hulls that can be laid by hand."""

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from hpcvox import cli
from hpcvox.crystals.formats.cif.writing import cif_text
from hpcvox.errors import ConfigError, SourceError
from hpcvox.stability.tables import verdict
from tests.support.hull_run import lay, make_relaxation, perovskite


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A finished relaxation by two potentials, references, and a set of known crystals."""
    make_relaxation(tmp_path)
    return tmp_path


def hull(place: Path, **more: object) -> tuple[dict[str, dict[str, str]], dict[str, Any]]:
    """The rows of the table by id, and the summary."""
    lay(place, **more)
    with (place / "out" / "hull.csv").open(newline="") as file:
        rows = {row["id"]: row for row in csv.DictReader(file)}
    return rows, json.loads((place / "out" / "summary.json").read_text())


def test_a_crystal_is_called_stable_where_both_potentials_say_so(place: Path) -> None:
    rows, told = hull(place)
    verdicts = {name: row["verdict"] for name, row in rows.items()}
    assert verdicts == {
        "below": "stable",
        "twin": "metastable",
        "torn": "disagree",
        "high": "unstable",
        "other": "",
        "open": "",
        "bad": "",
    }
    assert [rows["torn"][f"{one}_above_hull"] for one in ("chgnet", "sevennet")] == ["-0.010000", "0.200000"]
    assert rows["torn"]["energy_above_hull"] == "0.200000"
    assert rows["below"]["chgnet_phases"] == "0.60 TiO2 (mp-2) + 0.40 SrO (mp-1)"
    codes = {name: row["code"] for name, row in rows.items() if row["code"]}
    assert codes == {"other": "no-reference", "open": "not-converged", "bad": "no-structure"}
    assert "no energy of Pu by chgnet among the references" in rows["other"]["message"]
    assert told["verdicts"] == {"stable": 1, "metastable": 1, "unstable": 1, "disagree": 1}
    assert (told["stable"], told["metastable"]) == (
        {"count": 1, "fraction": round(1 / 7, 6)},
        {"count": 2, "fraction": round(2 / 7, 6)},
    )


def test_new_and_unique_ones_are_counted_of_all_that_were_drawn(place: Path) -> None:
    rows, told = hull(place, known=[str(place / "known")], drawn=100)
    assert {name: (row["unique"], row["novel"], row["match"]) for name, row in rows.items()} == {
        "below": ("1", "0", "mp-5229"),
        "twin": ("0", "0", "mp-5229"),
        "torn": ("1", "1", ""),
        "high": ("0", "0", "mp-5229"),
        **dict.fromkeys(("other", "open", "bad"), ("", "", "")),
    }
    assert rows["torn"]["novel_formula"] == "0"
    assert (told["unique"], told["novel"]) == (
        {"count": 2, "fraction": 0.02},
        {"count": 1, "fraction": 0.01},
    )
    assert told["msun"] == told["sun"] == {"count": 0, "fraction": 0.0}
    (place / "known" / "mp-5229.cif").write_text(cif_text(perovskite("KCl", 5.0, (19, 17, 8, 8, 8))))
    _, told = hull(place, known=[str(place / "known")], metastable=0.05, overwrite=True)
    one = {"count": 1, "fraction": round(1 / 7, 6)}
    assert (told["sun"], told["msun"]) == (one, one)
    # the first and its twin are one by formula and by fingerprint, too
    assert (told["by_formula"]["msun"], told["by_fingerprint"]["msun"]) == (one, one)


def test_fingerprints_tell_the_same_arrangement_whatever_the_cell(place: Path) -> None:
    rows, told = hull(place, known=[str(place / "known")], drawn=100)
    assert {name: (row["fingerprint"], row["novel_fingerprint"]) for name, row in rows.items()} == {
        **dict.fromkeys(("below", "twin", "high"), ("A3BC_cP5_221_c_a_b:O-Sr-Ti", "0")),
        "torn": ("A3BC_cP5_221_c_b_a:O-Sr-Ti", "1"),
        **dict.fromkeys(("other", "open", "bad"), ("", "")),
    }
    none, one, two = ({"count": n, "fraction": n / 100} for n in range(3))
    assert told["by_fingerprint"] == {"unique": two, "novel": one, "sun": none, "msun": none}
    assert told["by_formula"] == {"unique": one, "novel": none, "sun": none, "msun": none}


def test_the_same_run_writes_the_same_bytes(place: Path) -> None:
    hull(place)
    before = {path.name: path.read_bytes() for path in (place / "out").iterdir()}
    hull(place)
    assert {path.name: path.read_bytes() for path in (place / "out").iterdir()}.keys() == before.keys()
    assert (place / "out" / "hull.csv").read_bytes() == before["hull.csv"]


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir() if not path.name.startswith(".")}


def test_other_settings_are_refused_and_by_overwrite_take_the_place_of_all(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    hull(place, entries=True)
    out = place / "out"
    (out / "my_notes.txt").write_text("mine")
    before = contents(out)
    with pytest.raises(ConfigError) as refused:
        hull(place, metastable=0.05)
    assert str(refused.value) == (
        f"{out} holds results of other settings: metastable (0.1 → 0.05), entries (True → False): "
        "choose another out, or overwrite=true to have it made anew"
    )
    with pytest.raises(SourceError, match="nowhere"):
        hull(place, known=[str(place / "nowhere")], overwrite=True)
    assert contents(out) == before
    hull(place, metastable=0.05, overwrite=True)
    assert "is made anew: metastable (0.1 → 0.05), entries (True → False)" in capsys.readouterr().err
    assert contents(out).keys() == {"config.yaml", "hull.csv", "my_notes.txt", "summary.json"}
    assert not (out / ".before").exists()


def test_what_was_there_is_kept_until_the_new_is_whole(place: Path) -> None:
    hull(place)
    out, cif = place / "out", place / "relaxed" / "cifs" / "below.cif"
    before = contents(out)
    cif.rename(place / "below.cif")
    with pytest.raises(SourceError, match="run hpcvox relax again"):
        hull(place, entries=True, overwrite=True)
    assert contents(out / ".before") == before
    (place / "below.cif").rename(cif)
    hull(place, entries=True)
    assert not (out / ".before").exists()
    assert len((out / "entries_chgnet.jsonl").read_text().splitlines()) == 4


def test_what_cannot_be_placed_is_said_before_anything_is_written(place: Path) -> None:
    for more, kind, said in (
        ({"calculators": ["chgnt"]}, ConfigError, "no stage 'chgnt': did you mean chgnet"),
        ({"relaxed": str(place / "known")}, SourceError, "no finished relaxation"),
        ({"metastable": -0.1}, ConfigError, "metastable"),
        ({"stable": 0.2}, ConfigError, "metastable=0.1 is below stable=0.2"),
    ):
        with pytest.raises(kind, match=said):
            hull(place, **more)
    (place / "references.csv").write_text("formula,gpaw_energy\nSr,1\n")
    with pytest.raises(ConfigError, match=r"no energies by chgnet or sevennet \(it has gpaw\)"):
        hull(place)
    assert not (place / "out").exists()


def test_verdicts() -> None:
    assert verdict([0.0], 0.0, 0.1) == "stable"
    assert verdict([0.1, 0.05], 0.0, 0.1) == "metastable"
    assert verdict([0.0, 1e-6], 0.0, 0.1) == "disagree"
    assert verdict([0.2], 0.0, 0.1) == "unstable"


def test_the_command_says_what_it_found(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = [f"{key}={place / name}" for key, name in
             (("relaxed", "relaxed"), ("references", "references.csv"), ("out", "out"))]  # fmt: skip
    assert cli.main(["hull", *given]) == 4
    said = capsys.readouterr().out
    assert "hull: 4 of 6 relaxed crystals placed: 1 stable, 1 metastable, 1 unstable, 1 disagree" in said
    assert "3 rejects (no-reference 1, no-structure 1, not-converged 1)" in said
