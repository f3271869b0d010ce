"""Cells and records: conventional cells, formulas."""

import csv
import lzma
from pathlib import Path

import numpy as np
import pytest

from hpcvox.crystals.cells import conventional, is_cubic, lattice_from_parameters
from hpcvox.crystals.elements import ATOMIC_NUMBERS
from hpcvox.crystals.parse import parse
from hpcvox.crystals.record import Crystal, Entry
from hpcvox.errors import Rejected


def made(lattice: object, frac: object, symbols: str) -> Crystal:
    numbers = np.array([ATOMIC_NUMBERS[s] for s in symbols.split()], dtype=np.uint8)
    return Crystal(
        "x", "test", np.array(lattice, dtype=float), np.array(frac, dtype=float), numbers, {"e": 1.0}
    )


def test_a_primitive_rocksalt_becomes_a_cube() -> None:
    primitive = made(lattice_from_parameters(3, 3, 3, 60, 60, 60), [[0, 0, 0], [0.5] * 3], "Mg O")
    cube = conventional(primitive)
    assert is_cubic(cube.lattice)
    assert cube.n_sites == 8
    assert cube.formula == "MgO"
    assert cube.lattice[0, 0] == pytest.approx(3 * np.sqrt(2))
    assert cube.targets == {"e": 1.0}
    assert cube.numbers.dtype == np.uint8


@pytest.mark.parametrize("angle", [60.0, np.degrees(np.arccos(-1 / 3))])
def test_unfolding_agrees_with_spglib(angle: float) -> None:
    """The same atoms at the same distances as spglib's cell, for a crystal without other symmetry."""
    lattice = lattice_from_parameters(4, 4, 4, angle, angle, angle)
    primitive = made(lattice, [[0.01, 0, 0], [0.3, 0.42, 0.11], [0.61, 0.7, 0.83]], "Mg O Ti")
    cube = conventional(primitive)
    assert is_cubic(cube.lattice)
    assert abs(np.linalg.det(cube.lattice)) == pytest.approx(
        np.linalg.det(lattice) * cube.n_sites / primitive.n_sites
    )
    assert fingerprint(cube) == pytest.approx(fingerprint(primitive), abs=1e-6)


def fingerprint(crystal: Crystal) -> list[float]:
    """The 40 shortest distances of one atom of each element."""
    steps = np.indices((9, 9, 9)).reshape(3, -1).T - 4
    found: list[float] = []
    for z in sorted(set(crystal.numbers.tolist())):
        here = crystal.frac[crystal.numbers == z][0]
        vectors = (crystal.frac[:, None, :] + steps[None] - here) @ crystal.lattice
        found += sorted(np.linalg.norm(vectors, axis=-1).ravel())[:40]
    return found


def test_a_cube_is_left_as_it_is() -> None:
    displaced = made(4 * np.eye(3), [[0, 0, 0], [0.51, 0.5, 0.49]], "Cs Cl")
    assert conventional(displaced) is displaced


def test_is_cubic_has_a_tolerance() -> None:
    assert is_cubic(np.diag([4.0, 4.0, 4.002]))
    assert not is_cubic(np.diag([4.0, 4.0, 4.05]))
    assert is_cubic(np.diag([4.0, 4.0, 4.05]), tolerance=0.01)
    assert not is_cubic(np.diag([4.0, 4.0, 4.002]), tolerance=1e-4)
    assert not is_cubic(lattice_from_parameters(4, 4, 4, 90, 90, 89.5), tolerance=0.05)  # right angles are
    assert not is_cubic(lattice_from_parameters(4, 4, 4, 90, 90, 91))
    assert not is_cubic(lattice_from_parameters(4, 4, 4, 60, 60, 60))


def test_what_has_no_symmetry_group_is_rejected() -> None:
    flat = made([[3, 0, 0], [0, 4, 0], [0, 0, 5]], [[0, 0, 0], [0, 0, 0]], "O O")
    with pytest.raises(Rejected) as caught:
        conventional(flat)
    assert caught.value.code == "symmetry"


@pytest.mark.parametrize(
    ("symbols", "formula"),
    [
        ("O O O Ti Sr", "SrTiO3"),
        ("O Mg", "MgO"),
        ("Mg Mg O O", "MgO"),
        ("Al Cu Cu Mn", "MnAlCu2"),
        ("H H", "H"),
        ("Na N O O O", "NaNO3"),
    ],
)
def test_formula(symbols: str, formula: str) -> None:
    n = len(symbols.split())
    assert made(9 * np.eye(3), np.zeros((n, 3)), symbols).formula == formula


def test_all_of_the_three_classes_are_cubic_in_the_end(shared_data: Path) -> None:
    cubic = 0
    total = 0
    with lzma.open(shared_data / "mp_inorganic_36737.csv.xz", "rt", newline="") as table:
        for i, row in enumerate(csv.DictReader(table)):
            if i % 10 or row["structure_class"] in ("non_cubic", "other_cubic"):
                continue
            (parsed,) = parse(Entry(i, row["material_id"], "mp", row["cif"].encode(), {}))
            assert isinstance(parsed, Crystal)
            cubic += is_cubic(conventional(parsed).lattice)
            total += 1
    assert total > 300
    assert cubic >= 0.99 * total
