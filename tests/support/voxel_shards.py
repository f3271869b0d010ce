"""Small shard sets of real voxels for the tests of training: perovskites on a coarse grid."""

from functools import cache
from itertools import product
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hpcvox.descriptors.density import voxelize
from hpcvox.descriptors.oblique import voxelize_oblique
from hpcvox.shards.layout import density_arrays, shard_name
from hpcvox.shards.manifest import Manifest
from hpcvox.shards.writing.buffer import Provenance, ShardBuffer

# Displaced from the ideal places, or turning a crystal would change nothing.
FRAC = np.array([[0.03, 0, 0], [0.5, 0.46, 0.5], [0.5, 0.5, 0.05], [0.52, 0, 0.5], [0.01, 0.53, 0.5]])
A_SITES = {"Ca": 20, "Sr": 38, "Ba": 56, "La": 57, "K": 19, "Na": 11}
B_SITES = {"Ti": 22, "Zr": 40, "Nb": 41, "Mn": 25}
X_SITES = {"O": 8, "F": 9}
SMALL_UNET = "model={patch: 2, down: [[8, 8], [8, 16]], bottom: [16, 16], up: [[16, 8], [8, 8]], features: 4}"
SMALL_VAE = "model={patch: 2, encoder: [8, 8], bottleneck: 4, hidden: 16, latent: 8, seed_channels: 4, decoder: [8, 8]}"


# Rows of a cell of unit lengths: angles of 66°, 84° and 102°.
OBLIQUE = np.array([[1.0, 0.0, 0.0], [-0.2, 0.98, 0.0], [0.1, 0.42, 0.9]])


@cache
def _made(
    za: int, zb: int, zx: int, voxels: int, oblique: bool
) -> tuple[NDArray[np.float64], NDArray[np.float32], NDArray[np.uint8]]:
    """The cell, the density and the species of a perovskite."""
    lengths = np.full(3, 3.6 + 0.004 * (za + zb) - 0.02 * zx)
    numbers = np.array([za, zb, zx, zx, zx], np.uint8)
    if oblique:
        lattice = np.diag(lengths) @ OBLIQUE
        return lattice, *voxelize_oblique(lattice, FRAC, numbers, voxels)
    return np.diag(lengths), *voxelize(lengths, FRAC, numbers, n=voxels)


def make_shards(
    folder: Path, voxels: int = 16, shards: int = 2, oblique: bool = False, copies: int = 1
) -> Path:
    """A shard set of 48 perovskites with a target ``energy``, in ``shards`` shards of equal size.

    Their cells are cubes, or every other one is an ``oblique`` cell.  ``copies`` makes the set so many times as long.
    """
    folder.mkdir(parents=True)
    crystals = list(product(A_SITES.items(), B_SITES.items(), X_SITES.items()))
    size = len(crystals) // shards
    lines = []
    for shard in range(copies * shards):
        buffer = ShardBuffer(density_arrays(voxels, "float16"), size)
        for i in range(shard * size, (shard + 1) * size):
            (a, za), (b, zb), (x, zx) = crystals[i % len(crystals)]
            numbers = np.array([za, zb, zx, zx, zx], np.uint8)
            lattice, density, species = _made(za, zb, zx, voxels, oblique and i % 2 == 1)
            slot = buffer.slot()
            slot["density"][:] = density
            slot["species"][:] = species
            slot["mask"][:] = np.packbits(species > 0, axis=-1)
            slot["cell"][:] = lattice
            formula = f"{a}{b}{x}3"
            name = formula if i < len(crystals) else f"{formula}-{i // len(crystals)}"
            buffer.commit(i, name, formula, f"made:{i}", numbers, FRAC, {"energy": -0.01 * za + 0.003 * zb})
        provenance = Provenance("density", "periodic", {"voxels": voxels}, "0", "made", shard * size, size)
        lines.append(buffer.write(folder / shard_name(shard), provenance))
    n = copies * len(crystals)
    Manifest("density", "periodic", {"voxels": voxels}, "0", "made", n, n, 0, {}, tuple(lines)).save(folder)
    return folder
