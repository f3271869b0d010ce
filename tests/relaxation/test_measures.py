"""Table 3's measures on crystals whose change is known."""

import numpy as np
import pytest
from ase.build import bulk

from hpcvox.relaxation.measures import bond_change, bonds, cell_change, parameters, rmsd, volume_change

ROCKSALT = bulk("MgO", "rocksalt", a=4.2, cubic=True)
LATTICE, FRAC = ROCKSALT.cell.array, ROCKSALT.get_scaled_positions()


def test_bonds_are_those_to_the_nearest() -> None:
    i, j, image = bonds(LATTICE, FRAC)
    assert len(i) == 8 * 6
    assert (ROCKSALT.numbers[i] != ROCKSALT.numbers[j]).all()
    lengths = np.linalg.norm((FRAC[j] - FRAC[i] + image) @ LATTICE, axis=1)
    assert lengths == pytest.approx(np.full(48, 2.1))
    # one atom to a cell is bound to its own images; a sharp cell has its neighbours many cells away
    assert len(bonds(3 * np.eye(3), np.zeros((1, 3)))[0]) == 6
    sheared = np.array([[3.0, 0, 0], [12.0, 3.0, 0], [0, 0, 3.0]])
    assert len(bonds(sheared, np.zeros((1, 3)))[0]) == 6


def test_bonds_change_with_the_cell_and_with_the_sites() -> None:
    assert bond_change((LATTICE, FRAC), (1.05 * LATTICE, FRAC)) == pytest.approx(5.0)
    assert bond_change((LATTICE, FRAC), (LATTICE, FRAC)) == 0
    stretched = LATTICE @ np.diag([1.03, 1.0, 1.0])
    assert bond_change((LATTICE, FRAC), (stretched, FRAC)) == pytest.approx(1.0)
    # all move together: nothing has changed, also across a face
    assert bond_change((LATTICE, FRAC), (LATTICE, FRAC - 0.3)) == pytest.approx(0.0, abs=1e-9)
    moved = FRAC.copy()
    moved[0, 0] -= 0.021 / 4.2  # of its six bonds, two change by 1 %
    second_order = 4 * 100 * (np.hypot(1, 0.01) - 1)
    expected = 2 * (2 * 1.0 + second_order) / 48
    assert bond_change((LATTICE, FRAC), (LATTICE, moved)) == pytest.approx(expected, rel=1e-6)


def test_cells_change_in_six_parameters() -> None:
    assert cell_change(LATTICE, 1.02 * LATTICE) == pytest.approx(1.0)  # three of six by 2 %
    assert volume_change(LATTICE, 1.02 * LATTICE) == pytest.approx(100 * (1.02**3 - 1))
    assert volume_change(LATTICE, 0.9 * LATTICE) < 0
    tilted = np.array([[4.2, 0, 0], [4.2 * np.cos(np.pi / 3), 4.2 * np.sin(np.pi / 3), 0], [0, 0, 4.2]])
    assert parameters(tilted) == pytest.approx([4.2, 4.2, 4.2, 90, 90, 60])
    assert cell_change(LATTICE, tilted) == pytest.approx(100 / 3 / 6)


def test_sites_move_by_their_own_way_and_not_by_drift_or_turns() -> None:
    moved = FRAC.copy()
    moved[0, 0] += 0.08 / 4.2  # of the eight sites; all drift by an eighth of that
    expected = 0.08 * np.sqrt((49 / 64 + 7 / 64) / 8)
    assert rmsd((LATTICE, FRAC), (LATTICE, moved)) == pytest.approx(expected)
    turn = np.linalg.qr(np.arange(9.0).reshape(3, 3) + np.eye(3))[0]
    assert rmsd((LATTICE, FRAC), (LATTICE @ turn, moved - 0.7)) == pytest.approx(expected)
    # a cell that grows takes its sites along
    assert rmsd((LATTICE, FRAC), (1.05 * LATTICE, FRAC)) == pytest.approx(0.0, abs=1e-9)
