"""The lattice constant of least energy, on the real potential and on known curves."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from hpcvox.calculators.chgnet import Potential, installed
from hpcvox.crystals.record import Crystal
from hpcvox.database.prototypes.compounds import enumerate_prototypes, primitive
from hpcvox.database.references import structures
from hpcvox.database.relax import Relaxed, relax

needs_chgnet = pytest.mark.skipif(not installed(), reason="CHGNet is not installed")


class Parabolas:
    """Energies with their minimum at the scale that the crystal's id names."""

    def energies(self, crystals: Sequence[Crystal], scales: NDArray[np.float64]) -> NDArray[np.float64]:
        centres = np.array([float(crystal.id) for crystal in crystals])
        return np.asarray((scales - centres) ** 2 * (1 + scales) - 1.0)


def named(name: str) -> Crystal:
    return Crystal(name, "", np.eye(3), np.zeros((1, 3)), np.array([1], dtype=np.uint8), {})


def test_minima_are_found_and_their_absence_is_said() -> None:
    results = relax([named(s) for s in ("1.0", "0.9", "1.3", "2.5", "0.1", "nan")], Parabolas())
    for result, centre in zip(results[:3], (1.0, 0.9, 1.3), strict=True):
        assert isinstance(result, Relaxed)
        assert result.scale == pytest.approx(centre, abs=5e-4)
        assert result.energy == pytest.approx(-1.0, abs=1e-5)
    assert all(isinstance(result, str) and "minimum" in result for result in results[3:])


@pytest.fixture(scope="module")
def chgnet() -> Potential:
    """CHGNet as it comes."""
    return Potential()


@needs_chgnet
def test_relaxed_cells_agree_with_ase(chgnet: Potential) -> None:
    """Against BFGS on the hydrostatic strain, to 0.005 Å; and the formation energy of MgO."""
    from ase import Atoms
    from ase.filters import FrechetCellFilter
    from ase.optimize import BFGS
    from chgnet.model.dynamics import CHGNetCalculator

    chosen = {p.id: p for p in enumerate_prototypes() if p.id in ("MgO-rocksalt", "SrTiO3-perovskite")}
    cells = {name: primitive(p, p.start) for name, p in chosen.items()}
    results = dict(zip(cells, relax(list(cells.values()), chgnet), strict=True))
    expected = {"MgO-rocksalt": 4.254, "SrTiO3-perovskite": 3.943}
    for name, cell in cells.items():
        result = results[name]
        assert isinstance(result, Relaxed)
        a = chosen[name].start * result.scale
        assert a == pytest.approx(expected[name], abs=0.005)
        atoms = Atoms(cell.numbers, cell=cell.lattice, scaled_positions=cell.frac, pbc=True)
        atoms.calc = CHGNetCalculator(use_device="cpu")
        strained: Any = FrechetCellFilter(atoms, hydrostatic_strain=True)  # ASE takes it for atoms
        BFGS(strained, logfile=None).run(fmax=0.01, steps=50)
        scale = (atoms.get_volume() / np.linalg.det(cell.lattice)) ** (1 / 3)
        assert a == pytest.approx(chosen[name].start * scale, abs=0.005)
    mgo = results["MgO-rocksalt"]
    assert isinstance(mgo, Relaxed)
    elements = [
        min(r.energy for r in relax(structures(s), chgnet) if isinstance(r, Relaxed)) for s in ("Mg", "O")
    ]
    assert mgo.energy - sum(elements) / 2 == pytest.approx(-3.0, abs=0.15)  # measured: -3.12 eV/atom


@needs_chgnet
def test_one_energy_alone_is_that_of_a_batch(chgnet: Potential) -> None:
    cells = [primitive(p, p.start) for p in enumerate_prototypes()[:3]]
    together = chgnet.energies(cells, np.ones(3))
    alone = [chgnet.energies([cell], np.ones(1))[0] for cell in cells]
    np.testing.assert_allclose(together, alone, atol=5e-6)
    assert together.dtype == np.float64


@pytest.mark.parametrize(
    ("symbol", "bond", "neighbours"),
    [("B", 1.85, 5), ("Se", 2.45, 2), ("P", 2.30, 3), ("C", 1.75, 4), ("N", 1.15, 1)],
)
def test_reference_structures_have_the_bonds_of_the_element(
    symbol: str, bond: float, neighbours: int
) -> None:
    kinds = {"B": "alpha", "Se": "chain", "P": "black", "C": "diamond", "N": "molecule"}
    cell = next(c for c in structures(symbol) if c.id == f"{symbol}-{kinds[symbol]}")
    steps = np.indices((5, 5, 5)).reshape(3, -1).T - 2
    vectors = (cell.frac[:, None, None] - cell.frac[None, :, None] + steps) @ cell.lattice
    distances = np.linalg.norm(vectors, axis=-1).reshape(cell.n_sites, -1)
    counts = ((distances > 0.1) & (distances < bond)).sum(axis=1)
    assert counts.min() >= neighbours


def test_every_element_of_the_prototypes_has_references() -> None:
    for symbol in ("H", "Li", "Ga", "Pu", "Eu", "Hg", "S", "Mn"):
        cells = structures(symbol)
        assert cells
        assert all(np.linalg.det(cell.lattice) / cell.n_sites > 4 for cell in cells)
        assert len({cell.id for cell in cells}) == len(cells)
