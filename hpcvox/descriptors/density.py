"""Court's density and species voxels of an orthogonal cell (Court et al. 2020, eqs. 1-3)."""

import math
from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from hpcvox.descriptors.grids import BOXES, Grid
from hpcvox.descriptors.radii import RADII, no_radius
from hpcvox.errors import Rejected

REACH = 6.0
"""A Gaussian is computed up to this many standard deviations; beyond, it is below 2e-8 of its peak."""

COARSE = 1.0
"""Voxels farther apart than this many standard deviations are coarse: the sum of a Gaussian over them is wrong.

By Poisson's formula the sum over points a step h apart, times h, is the integral times
1 + 2 Σ_k exp(-2π² k² σ²/h²) cos(2πk x/h), with x the centre's offset.  The error is up to 5e-9 at h = σ, which float32
cannot show, 1e-6 at 1.17 σ, 1.4 % at 2 σ, and 50 % at 3.8 σ.
"""

QUANTA = 2.0**19
"""Squared distances are compared in units of 1/QUANTA Å²; in a tie the heavier element gets the voxel."""

FAR = np.int32(2**31 - 1)
"""A value greater than any key; its low byte is 255, so that it means species 0."""

NO_RADIUS, UNRESOLVED = 1, 2


class Voxels(NamedTuple):
    """A crystal on the grid: ``density`` in e/Å³, (n, n, n) float32; ``species``, (n, n, n) uint8."""

    density: NDArray[np.float32]
    species: NDArray[np.uint8]


def voxelize(
    lengths: NDArray[np.float64],
    frac: NDArray[np.float64],
    numbers: NDArray[np.uint8],
    grid: Grid = "periodic",
    n: int = 32,
    out: Voxels | None = None,
    widths: NDArray[np.float64] = RADII,
) -> Voxels:
    """Compute the density and the species matrices of a crystal in an orthogonal cell.

    The density is M(v) = (2π)^(-3/2) Σ_i Z_i / σ_i³ exp(-d²/(2 σ_i²)) with the mean ionic radius σ_i = r_i
    (Court et al. 2020, eq. 1; or ``widths``) and d from the voxel's centre.  The species is the atomic number of the
    nearest site with d < r (eq. 2), else 0; every site has at least the voxel that holds it.

    On a coarse grid, the values of a Gaussian at the voxel centres no longer sum to Z_i.  Along an axis whose voxels
    are longer than σ_i they are divided by their own sum (see :data:`COARSE`), so that the voxels of the periodic
    grid hold Σ Z_i electrons in a cell of any size, to float32's rounding.  Along other axes they are as eq. 1 has
    them.  The average over each voxel (a difference of error functions) would be as exact.  But it would change every
    map, that of a perovskite by 0.3 % at its peaks, and in an oblique cell it is no product of three axes.  A Gaussian
    that is divided by its sum keeps its shape, and placement, which goes by ratios, finds the same positions.

    On the ``periodic`` grid both count every periodic image; on ``padded`` only the cell's own sites.
    The order of the sites changes the density by rounding at most, and the species not at all.

    Args:
        lengths: cell lengths a, b, c in Å, (3,) float64.
        frac: fractional coordinates in [0, 1), (k, 3) float64.
        numbers: atomic numbers, (k,) uint8.
        grid: ``periodic``, the cell; or ``padded``, from -1/4 to 5/4 of each length.
        n: voxels along each edge.
        out: arrays to fill, C-contiguous; made where None.
        widths: σ in Å by atomic number, (MAX_Z + 1,) float64.

    Returns:
        density (n, n, n) float32 in e/Å³, species (n, n, n) uint8; axes along a, b, c.

    Raises:
        Rejected: an element has no radius (``no-radius``), or two sites share a voxel (``sites-unresolved``).
    """
    if out is None:
        out = Voxels(np.empty((n, n, n), np.float32), np.empty((n, n, n), np.uint8))
    box = BOXES[grid]
    fault, site = _fill(lengths, frac, numbers, RADII, widths, *box, out.density, out.species)
    refuse(fault, site, frac, numbers, n, grid)
    return out


def refuse(
    fault: int, site: int, frac: NDArray[np.float64], numbers: NDArray[np.uint8], n: int, grid: str
) -> None:
    """Raise Rejected for the ``fault`` that a kernel found at ``site`` of the n³ ``grid``; 0 means no fault."""
    if fault == NO_RADIUS:
        raise no_radius(int(numbers[site]))
    if fault == UNRESOLVED:
        raise Rejected(
            "sites-unresolved",
            f"site {frac[site].round(4).tolist()} (Z={numbers[site]}) shares a voxel of the "
            f"{n}³ {grid} grid with another site: use a finer grid",
        )


@numba.njit(cache=True, error_model="numpy")
def _axis_gaussian(table, centre, width, step, wraps):  # type: ignore[no-untyped-def]
    """Fill ``table`` (n,) with exp(-(x_j - centre)²/(2 width²)) at x_j = (j + 0.5) step.

    On a coarse grid it is scaled so that the sum over all x_j, those beyond the box too, is that of a fine one.

    Walks outwards from the nearest voxel with two multiplications a step: the second difference of a
    Gaussian's logarithm is constant.  Where the axis wraps, the walk goes round, which sums the images.
    """
    n = table.size
    table[:] = 0.0
    nearest = int(math.floor(centre / step))
    offset = (nearest + 0.5) * step - centre
    inverse = 1.0 / (width * width)
    curve = math.exp(-step * step * inverse)
    coarse = step > COARSE * width
    # a value that is scaled later starts at 1: far from all centres a narrow Gaussian would be 0 at each
    peak = 1.0 if coarse else math.exp(-0.5 * offset * offset * inverse)
    above, below, total = peak, peak, peak
    ratio_above = math.exp(-(offset * step + 0.5 * step * step) * inverse)
    ratio_below = math.exp(-(-offset * step + 0.5 * step * step) * inverse)
    up = down = nearest % n if wraps else nearest
    if 0 <= up < n:
        table[up] = peak
    for _ in range(int(REACH * width / step) + 1):
        above *= ratio_above
        below *= ratio_below
        ratio_above *= curve
        ratio_below *= curve
        total += above + below
        up += 1
        down -= 1
        if wraps:
            up = 0 if up == n else up
            down = n - 1 if down < 0 else down
        if 0 <= up < n:
            table[up] += above
        if 0 <= down < n:
            table[down] += below
    if coarse:
        table *= math.sqrt(2.0 * math.pi) * width / (step * total)


@numba.njit(cache=True, error_model="numpy")
def _axis_distance(table, centre, step, wraps, limit):  # type: ignore[no-untyped-def]
    """Fill ``table`` (n,) with the squared distance of each voxel centre to the nearest image, as a key.

    A key is the distance in units of 1/QUANTA Å², clipped to ``limit``, shifted left by eight bits.
    """
    n = table.size
    length = n * step
    for j in range(n):
        d = (j + 0.5) * step - centre
        if wraps:
            d -= length * math.floor(d / length + 0.5)
        table[j] = np.int32(min(d * d, limit) * QUANTA) << 8


@numba.njit(cache=True, error_model="numpy")
def _label(keys, reach, numbers, species):  # type: ignore[no-untyped-def]
    """Fill ``species`` (n, n, n) with the nearest site's element by the keys of the axes (sites, 3, n), else 0.

    The nearest site is the least key: distance first, then (eight low bits) the heavier element.
    """
    n, sites = species.shape[0], numbers.size
    sheets = np.empty((sites, n * n), np.int32)
    first, last = np.full(sites, n), np.zeros(sites, np.int64)  # rows of a sheet that may be in reach
    for i in range(sites):
        for y in range(n):
            if keys[i, 1, y] < reach[i]:
                first[i], last[i] = min(first[i], y), y + 1
                flat = np.int32(keys[i, 1, y] + (255 - numbers[i]))
                for z in range(n):
                    sheets[i, y * n + z] = flat + keys[i, 2, z]
            else:
                sheets[i, y * n : (y + 1) * n] = reach[i]
    best = np.empty(n * n, np.int32)
    for x in range(n):
        best[:] = FAR
        for i in range(sites):
            away, end = keys[i, 0, x], reach[i]
            if away < end:
                part, sheet = best[first[i] * n : last[i] * n], sheets[i, first[i] * n : last[i] * n]
                for v in range(part.size):
                    key = np.int32(sheet[v] + away)
                    part[v] = min(part[v], key if key < end else FAR)
        labels = species[x].reshape(n * n)
        for v in range(n * n):
            labels[v] = 255 - (best[v] & 255)


@numba.njit(cache=True, error_model="numpy", fastmath={"contract"})
def _fill(lengths, frac, numbers, radii, widths, origin, extent, wraps, density, species):  # type: ignore[no-untyped-def]
    """Fill both matrices; return (fault, site), which is (0, 0) if there is no fault."""
    n = density.shape[0]
    sites = numbers.size
    planes = np.empty((sites, n, n), np.float32)
    columns = np.empty((sites, n), np.float32)
    keys = np.empty((sites, 3, n), np.int32)
    reach = np.empty(sites, np.int32)
    own = np.empty((sites, 3), np.int64)
    gaussian = np.empty((3, n), np.float64)
    for i in range(sites):
        atom = numbers[i]
        if atom < 1 or atom >= radii.size:
            return NO_RADIUS, i
        radius, width = radii[atom], widths[atom]
        for axis in range(3):
            step = lengths[axis] * extent / n
            centre = (frac[i, axis] - origin) * lengths[axis]
            own[i, axis] = min(max(int(math.floor(centre / step)), 0), n - 1)
            _axis_gaussian(gaussian[axis], centre, width, step, wraps)
            _axis_distance(keys[i, axis], centre, step, wraps, radius * radius)
        for other in range(i):
            if own[other, 0] == own[i, 0] and own[other, 1] == own[i, 1] and own[other, 2] == own[i, 2]:
                return UNRESOLVED, i
        scale = atom / ((2.0 * math.pi) ** 1.5 * width**3)
        for z in range(n):
            columns[i, z] = scale * gaussian[2, z]
        for x in range(n):
            for y in range(n):
                planes[i, x, y] = gaussian[0, x] * gaussian[1, y]
        reach[i] = np.int32(radius * radius * QUANTA) << 8
    np.dot(planes.reshape(sites, n * n).T, columns, density.reshape(n * n, n))

    _label(keys, reach, numbers, species)
    for i in range(sites):
        species[own[i, 0], own[i, 1], own[i, 2]] = numbers[i]
    return 0, 0
