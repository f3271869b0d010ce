"""Eigenvalues of the Ewald sum matrix: the Coulomb-matrix baseline of Kajita et al. 2017 for periodic crystals."""

import numpy as np
from ase import Atoms
from dscribe.descriptors import EwaldSumMatrix
from numpy.typing import NDArray

from hpcvox.descriptors.clusters import Cell
from hpcvox.errors import Rejected

ACCURACY = 1e-5
"""Relative accuracy of the Ewald sums."""


def ewald_spectrum(cell: Cell, size: int) -> NDArray[np.float64]:
    """The eigenvalues λ of the Ewald sum matrix divided by their number, greatest |λ| first, then zeros.

    The matrix (Faber et al. 2015, eq. 4) holds in x_ij, i ≠ j, the electrostatic energy of the point charges
    Z_i and Z_j with all images of both, and in x_ii that of Z_i with its own images, in a neutralising background:
    x_ij = Z_i Z_j φ(r_i - r_j) and x_ii = ½ Z_i² lim_{r→0} (φ(r) - 1/r), with φ the potential of a unit charge at
    every lattice point and of the background, of mean zero over the cell.  The division makes crystals of different
    size comparable.

    Args:
        cell: the crystal, of k sites.
        size: length of the result, at least the number of sites.

    Returns:
        (size,) float64 in e²/Å.

    Raises:
        Rejected: the cell has more than ``size`` sites (``too-many-sites``) or none (``no-sites``).
    """
    k = len(cell.numbers)
    if k == 0:
        raise Rejected("no-sites", "an Ewald sum needs a site")
    if k > size:
        raise Rejected("too-many-sites", f"{k} sites; the spectrum holds at most {size}")
    atoms = Atoms(numbers=cell.numbers, scaled_positions=cell.frac, cell=cell.lattice, pbc=True)
    flat = EwaldSumMatrix(n_atoms_max=k, permutation="none").create(atoms, accuracy=ACCURACY)
    matrix = np.asarray(flat, np.float64).reshape(k, k)
    values = np.linalg.eigvalsh((matrix + matrix.T) / 2)
    out = np.zeros(size)
    out[:k] = values[np.argsort(-np.abs(values), kind="stable")] / k
    return out
