"""The smoothing of a density against sums in real space, the grid, the primitive cell, and the names of files."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpcvox.calculators.density import grid_shape, smoothed

LATTICE = np.array([[3.1, 0.0, 0.0], [0.4, 3.4, 0.0], [-0.5, 0.3, 2.9]])
FRAC = np.array([[0.1, 0.2, 0.3], [0.6, 0.75, 0.9]])
VOLUME = float(np.linalg.det(LATTICE))


def gaussians(shape: tuple[int, int, int], charges: list[float], widths: list[float]) -> np.ndarray:
    """Σ over atoms and images of q exp(-r²/2w²) / (2πw²)^3/2, summed in real space, e/Å^3."""
    points = np.stack(np.meshgrid(*(np.arange(n) / n for n in shape), indexing="ij"), -1)
    out = np.zeros(shape)
    for site, charge, width in zip(FRAC, charges, widths, strict=True):
        for image in itertools.product((-1, 0, 1), repeat=3):
            squared = (((points - site + np.array(image)) @ LATTICE) ** 2).sum(-1)
            out += charge * np.exp(-squared / (2 * width**2)) / (2 * np.pi * width**2) ** 1.5
    return out


@pytest.mark.parametrize("shape", [(32, 32, 32), (31, 33, 40), (64, 72, 60)])
def test_smoothing_is_that_of_gaussians(shape: tuple[int, int, int]) -> None:
    """A Gaussian of width w becomes one of √(w² + σ²), and a missing point charge one of σ; finer grids, too."""
    fine = gaussians((40, 44, 38), [5.0, 3.0], [0.3, 0.35])
    got = smoothed(fine, LATTICE, FRAC, np.array([1.25, -0.25]), 9, 0.2, shape)
    wide = [np.hypot(0.3, 0.2), np.hypot(0.35, 0.2)]
    expected = gaussians(shape, [5.0, 3.0], wide) + gaussians(shape, [1.25, -0.25], [0.2, 0.2])
    assert got.mean() * VOLUME == pytest.approx(9, abs=1e-12)
    np.testing.assert_allclose(got, expected, rtol=0, atol=1e-5)


def test_lost_electrons_and_negative_densities_are_refused() -> None:
    fine = gaussians((40, 44, 38), [5.0, 3.0], [0.3, 0.35])
    with pytest.raises(ValueError, match=r"8\.0000 electrons, not 9"):
        smoothed(fine, LATTICE, FRAC, np.zeros(2), 9, 0.2, (32, 32, 32))
    with pytest.raises(ValueError, match="negative"):
        smoothed(fine, LATTICE, FRAC, np.array([-4.0, 4.0]), 8, 0.2, (32, 32, 32))


@given(
    edges=st.tuples(*(st.floats(2, 40) for _ in range(3))),
    voxels=st.sampled_from([8, 32, 64]),
    sigma=st.floats(0.1, 1),
)
def test_no_grid_is_coarser_than_the_smoothing(
    edges: tuple[float, float, float], voxels: int, sigma: float
) -> None:
    for edge, count in zip(edges, grid_shape(np.diag(edges), voxels, sigma), strict=True):
        assert count >= voxels
        assert count % 2 == 0
        assert edge / count <= 0.7 * sigma * (1 + 1e-12)
        assert count == voxels or edge / (count - 2) > 0.7 * sigma
