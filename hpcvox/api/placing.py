"""Turns voxels into a crystal, by the placement that ``hpcvox generate`` uses."""

from typing import Any

import numpy as np
from ase import Atoms
from numpy.typing import NDArray

from hpcvox import config
from hpcvox.api.describing import Voxels
from hpcvox.api.structures import to_ase
from hpcvox.crystals.record import Crystal
from hpcvox.descriptors.radii import widths
from hpcvox.generation.placement.cell import as_fitted
from hpcvox.generation.placement.place import place as place_atoms
from hpcvox.generation.settings import PlacementSettings


def place(
    voxels: Voxels,
    mask: NDArray[np.float32] | None = None,
    *,
    sigma: float | None = None,
    **settings: Any,
) -> Atoms:
    """Place the atoms of a voxel map; the inverse of :func:`hpcvox.voxelize`.

    Args:
        voxels: density, species and cell.
        mask: probability that each voxel is occupied, (n, n, n); None: voxels with an element in ``species`` are.
        sigma: the setting ``sigma`` with which the density was made.
        settings: settings of ``placement`` in ``hpcvox generate``: ``mask_threshold``, ``drop_voxels`` ...

    Raises:
        Rejected: ``empty``, ``too-many-sites``, ``no-cell`` or ``not-finite``: the map holds no crystal.
        ConfigError: there is no such setting.
    """
    rules = config.validate(PlacementSettings, settings, "place").rules(by_unet=True)
    occupied = (voxels.species > 0).astype(np.float32) if mask is None else mask
    lattice = as_fitted(np.asarray(voxels.cell, np.float64))
    found = place_atoms(
        voxels.density, voxels.species, occupied, lattice, voxels.grid, widths=widths(sigma), rules=rules
    )
    return to_ase(Crystal("placed", "placed", found.lattice, found.frac, found.numbers, {}))
