"""Densities and energies as they are read, and the targets that are computed of them."""

from pathlib import Path

import numpy as np
import pytest

from hpcvox.crystals.fields.cube import BOHR, HARTREE
from hpcvox.crystals.record import Crystal
from hpcvox.errors import SourceError
from hpcvox.reproduction.kajita.data import TARGETS, exchange_term, ion_energy, read, targets
from tests.support.oxide_densities import make_oxides


def test_crystals_come_in_the_order_of_the_table_and_some_by_seed(tmp_path: Path) -> None:
    folder = make_oxides(tmp_path / "oxides", 12)
    every = read(folder, None, 0)
    assert [one.crystal.id for one in every][:2] == ["MgO_cscl", "CaO_cscl"]
    assert (every[2].energy, every[2].kinetic, every[2].crystal.formula) == (-8.2, 22.0, "SrO")
    some = [one.crystal.id for one in read(folder, 8, 0)]
    assert len(some) == 8
    assert some == [one.crystal.id for one in every if one.crystal.id in some]
    assert some != [one.crystal.id for one in read(folder, 8, 1)]


def test_a_crystal_has_all_targets(tmp_path: Path) -> None:
    (one,) = read(make_oxides(tmp_path / "oxides", 1), None, 0)
    found = dict(zip((target.name for target in TARGETS), targets(one), strict=True))
    assert found["cohesive"] == 4.0  # of each of two atoms
    assert found["gap"] == 4.0
    assert found["exchange"] > 0 > found["ions"]


def test_the_exchange_term_of_a_homogeneous_density_is_that_of_its_formula() -> None:
    """E_x = -3/4 (3/π)^⅓ n^⁴ᐟ³ V, and E_x - ∫ v_x n = -E_x/3."""
    density, edge = 0.4, 3.0
    in_bohr, volume = density * BOHR**3, (edge / BOHR) ** 3
    energy = -0.75 * (3 / np.pi) ** (1 / 3) * in_bohr ** (4 / 3) * volume * HARTREE
    found = exchange_term(np.full((4, 4, 4), density), edge * np.eye(3))
    assert found == pytest.approx(-energy / 3, rel=1e-6)


def test_ions_in_a_neutralising_background_have_the_energy_of_the_wigner_crystal() -> None:
    """Of hydrogen's nuclei, simple cubic: -1.418649 e²/a for each (Coldwell-Horsfall and Maradudin 1960)."""
    a = 3.0
    crystal = Crystal("H", "", a * np.eye(3), np.zeros((1, 3)), np.array([1], np.uint8), {})
    assert ion_energy(crystal) == pytest.approx(-1.418649 * BOHR * HARTREE / a, rel=1e-5)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("band_gap_eV", "gap", "no column band_gap_eV; it is to have name, "),
        ("MgO_cscl", "FrO_cscl", "no density of FrO_cscl"),
        ("CaO_cscl", "MgO_cscl", "has MgO_cscl twice"),
        ("-8.1,", ",", "CaO_cscl: could not convert.*remove the row"),
        ("-8.1,", "nan,", "CaO_cscl has a value that is not finite"),
    ],
)
def test_what_cannot_be_used_is_said_with_its_place(tmp_path: Path, old: str, new: str, said: str) -> None:
    folder = make_oxides(tmp_path / "oxides", 3)
    table = folder / "index.csv"
    table.write_text(table.read_text("utf-8").replace(old, new, 1), "utf-8")
    with pytest.raises(SourceError, match=said):
        read(folder, None, 0)
    (folder / "oxides.npz").write_bytes(b"PK")
    table.unlink()
    make_oxides(tmp_path / "whole", 3).joinpath("index.csv").rename(table)
    with pytest.raises(SourceError, match=r"oxides\.npz cannot be read"):
        read(folder, None, 0)
