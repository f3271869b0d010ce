"""Sites that are too near: judged by their elements, exactly, in cells of any shape."""

import ase.data
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from hpcvox.crystals.cells import lattice_from_parameters
from hpcvox.crystals.elements import ATOMIC_NUMBERS, COVALENT_RADII_A
from hpcvox.crystals.overlap import LEAST_DISTANCES_A, MIN_DISTANCE_A, overlapping, plane_spacings

lengths = st.floats(0.6, 40.0)
angles = st.sampled_from([60.0, 90.0, 120.0]) | st.floats(50, 130)


def least(pair: str) -> float:
    first, second = pair.split("-")
    return float(LEAST_DISTANCES_A[ATOMIC_NUMBERS[first], ATOMIC_NUMBERS[second]])


def test_radii_are_those_of_ase() -> None:
    np.testing.assert_allclose(COVALENT_RADII_A[1:97], ase.data.covalent_radii[1:97], atol=1e-12)
    assert len(COVALENT_RADII_A) == 119
    assert not any(COVALENT_RADII_A[97:])


def test_least_distances_lie_below_real_bonds_and_above_what_is_none() -> None:
    np.testing.assert_array_equal(LEAST_DISTANCES_A, LEAST_DISTANCES_A.T)
    assert LEAST_DISTANCES_A.min() == MIN_DISTANCE_A
    # As short as they come: C2H2, N2, O2, F2, uranyl, vanadyl, H2, O-H, α-U, Cs at 4 GPa.
    real = {
        "C-C": 1.18,
        "N-N": 1.09,
        "O-O": 1.2,
        "F-F": 1.41,
        "O-U": 1.7,
        "O-V": 1.55,
        "H-H": 0.74,
        "H-O": 0.9,
    }
    for pair, distance in (real | {"U-U": 2.5, "Cs-Cs": 3.1}).items():
        assert least(pair) < 0.85 * distance, pair
    for pair, distance in {"C-C": 0.46, "O-O": 0.5, "Fe-Fe": 0.9, "Cs-Cs": 2.0, "H-Cs": 0.6}.items():
        assert least(pair) > distance, pair
    # Hydrogens of published X-ray structures.
    for pair, distance in {"H-C": 0.46, "H-N": 0.47, "H-O": 0.48}.items():
        assert least(pair) < distance, pair


@given(
    cell=st.tuples(lengths, lengths, lengths, angles, angles, angles),
    frac=hnp.arrays(np.float64, (4, 3), elements=st.floats(0, 0.999999)),
    numbers=hnp.arrays(np.uint8, 4, elements=st.sampled_from([1, 6, 9, 26, 55])),
)
@settings(max_examples=200, deadline=None)
def test_the_worst_pair_agrees_with_all_images(
    cell: tuple[float, ...], frac: np.ndarray, numbers: np.ndarray
) -> None:
    """Also where an atom's own image is the nearest, and cells are thinner than the distance asked for."""
    try:
        lattice = lattice_from_parameters(*cell)
    except ValueError:
        return
    spacing = float(plane_spacings(lattice).min())
    if spacing < MIN_DISTANCE_A:
        return
    table = LEAST_DISTANCES_A
    n = [int(np.ceil(3 / s)) + 1 for s in plane_spacings(lattice)]
    shifts = np.stack(np.meshgrid(*(np.arange(-k, k + 1) for k in n), indexing="ij"), -1).reshape(-1, 3)
    distances = np.empty((4, 4))
    for i in range(4):
        for j in range(4):
            vectors = (frac[j] - frac[i] + shifts) @ lattice
            far = np.linalg.norm(vectors, axis=1)
            distances[i, j] = (far[(shifts != 0).any(axis=1)] if i == j else far).min()
    ratios = distances / table[numbers[:, None], numbers]
    found = overlapping(lattice, frac, numbers, spacing)
    sizes = 4 * table[numbers, numbers].min() ** 3 * np.pi / 6 / 0.75
    if found is None:
        assert ratios.min() >= 1 - 1e-9
    else:
        assert found.distance == pytest.approx(distances[found.first, found.second], abs=1e-9)
        assert found.least == table[numbers[found.first], numbers[found.second]]
        assert found.distance < found.least
        if sizes < np.linalg.det(lattice):  # else any pair will do
            assert found.distance / found.least == pytest.approx(ratios.min(), abs=1e-9)


def test_a_crowd_of_sites_is_refused_at_once() -> None:
    rng = np.random.default_rng(0)
    found = overlapping(4.0 * np.eye(3), rng.random((10_000, 3)), np.full(10_000, 8, np.uint8), 4.0)
    assert found is not None
