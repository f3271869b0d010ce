"""Placed crystals as other programs read them."""

import csv
import json
from pathlib import Path

import pandas as pd
import pytest
from pymatgen.analysis.phase_diagram import PDEntry, PhaseDiagram
from pymatgen.core import Composition, Structure
from pymatgen.entries.computed_entries import ComputedStructureEntry

from hpcvox.stability.corrections import correction
from hpcvox.stability.hull import Hull
from hpcvox.stability.references import read
from tests.support.hull_run import lay, make_relaxation


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A finished relaxation by two potentials, and references."""
    make_relaxation(tmp_path)
    return tmp_path


def entries(place: Path, potential: str) -> list[ComputedStructureEntry]:
    with (place / "out" / f"entries_{potential}.jsonl").open() as file:
        return [ComputedStructureEntry.from_dict(json.loads(line)) for line in file]


def test_entries_are_those_of_pymatgen(place: Path) -> None:
    lay(place, entries=True)
    found = entries(place, "chgnet")
    assert [(one.entry_id, one.parameters["version"]) for one in found] == [
        (name, "chgnet-1") for name in ("below", "twin", "torn", "high")
    ]
    assert found[0].energy_per_atom == pytest.approx(-4.4)
    assert found[0].structure.composition.reduced_formula == "SrTiO3"


@pytest.mark.parametrize("potential", ["chgnet", "sevennet"])
def test_pymatgen_puts_entries_on_the_hull_where_we_do(place: Path, potential: str) -> None:
    lay(place, entries=True)
    with (place / "out" / "hull.csv").open(newline="") as file:
        rows = {row["id"]: row for row in csv.DictReader(file)}
    references = Hull.of(potential, place / "references.csv")
    correct = correction(potential) or (lambda amounts: 0.0)
    known = [
        PDEntry(composition, composition.num_atoms * (phase.energy + correct(dict(phase.amounts))))
        for phase in read(potential, place / "references.csv")
        for composition in [Composition(dict(phase.amounts))]
    ]
    assert len(known) == references.phases
    diagram = PhaseDiagram(known)
    above = {one.entry_id: diagram.get_decomp_and_e_above_hull(one, allow_negative=True)[1]
             for one in entries(place, potential)}  # fmt: skip
    ours = {name: float(row[f"{potential}_above_hull"]) for name, row in rows.items() if row["verdict"]}
    assert above == pytest.approx(ours, abs=1e-5)


def test_matbench_discovery_reads_entries_as_its_tables(place: Path) -> None:
    lay(place, entries=True)
    # as its join_*_preds.py and preds/geo_opt.py do
    table = pd.read_json(place / "out" / "entries_sevennet.jsonl", lines=True).set_index("material_id")
    column = next(name for name in map(str, table) if "structure" in name)
    structures = {name: Structure.from_dict(one) for name, one in table[column].items()}
    assert list(structures) == ["below", "twin", "torn", "high"]
    assert structures["twin"].lattice.a == pytest.approx(3.98)
    assert table["energy"]["below"] == pytest.approx(5 * -4.41)


def test_lemat_genbench_reads_every_relaxed_crystal(place: Path) -> None:
    # as load_cif_files of its run_benchmarks.py finds them in a folder, and main opens them
    found = {path.stem: Structure.from_file(path) for path in (place / "relaxed" / "cifs").rglob("*.cif")}
    names = ("below", "twin", "torn", "high", "other", "open")
    assert {name: one.composition.reduced_formula for name, one in found.items()} == dict.fromkeys(
        names, "SrTiO3"
    )
    assert found["below"].lattice.a == pytest.approx(3.9)
