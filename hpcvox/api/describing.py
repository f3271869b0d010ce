"""Arrays of one crystal; with the same settings they have the same bytes as those of ``hpcvox featurize``."""

from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from hpcvox import config
from hpcvox.api.structures import CrystalLike, to_record
from hpcvox.crystals.record import Crystal
from hpcvox.descriptors import r3dvs as spots
from hpcvox.descriptors.grids import Grid
from hpcvox.featurize.sampler import Sample, alone
from hpcvox.featurize.settings import (
    DensitySettings,
    DiffractionSettings,
    FeaturizeSettings,
    GraphSettings,
    R3dvsSettings,
)

S = TypeVar("S", bound=FeaturizeSettings)


class Voxels(NamedTuple):
    """Density voxels of a crystal (Court et al. 2020, eqs. 1-2); axes along a, b, c of the cell."""

    density: NDArray[np.float32]  # (n, n, n) | e/Å³
    species: NDArray[np.uint8]  # (n, n, n) | atomic numbers, 0: none
    cell: NDArray[np.float64]  # (3, 3) | rows are the cell vectors in Å
    grid: Grid  # "periodic": the cell; "padded": the authors' box around it


class Graph(NamedTuple):
    """Nearest neighbours of every site (Xie and Grossman 2018)."""

    numbers: NDArray[np.uint8]  # (k,) | atomic numbers
    neighbours: NDArray[np.int32]  # (k, N) | the site at the end of each edge, nearest first
    distances: NDArray[np.float32]  # (k, N) | in Å


def voxelize(crystal: CrystalLike, **settings: Any) -> Voxels:
    """Make density and species voxels of a crystal.

    Args:
        crystal: see :func:`hpcvox.to_ase`.
        settings: settings of ``hpcvox featurize``: ``voxels=32``, ``grid="periodic"``, ``sigma=None``,
            ``shapes="any"`` for cells that are no cubes, ``cell="as-given"``, ``dtype="float16"`` ...

    Raises:
        Rejected: no voxels can be made of the crystal; ``code`` and the message say why.
        ConfigError: there is no such setting.
    """
    asked = _settings(DensitySettings, settings, "voxelize")
    crystal, arrays = _described(crystal, asked)
    density = arrays["density"].astype(np.float32)
    return Voxels(density, arrays["species"], crystal.lattice, asked.grid)


def diffraction_fingerprint(crystal: CrystalLike, **settings: Any) -> NDArray[np.float32]:
    """Make the 2D diffraction fingerprint of a crystal (Ziletti et al. 2018).

    Args:
        crystal: see :func:`hpcvox.to_ase`.
        settings: settings of ``hpcvox featurize descriptor=diffraction``: ``pixels=64``, ``atoms=256``,
            ``vacancies=0.0``, ``displacement=0.0``, ``seed=0`` ...

    Returns:
        (n, n, 3) float32 from 0 to 1; the channels are rotations about x, y, z.

    Raises:
        Rejected, ConfigError: see :func:`voxelize`.
    """
    asked = _settings(DiffractionSettings, settings, "diffraction_fingerprint")
    image: NDArray[np.float32] = _described(crystal, asked).arrays["fingerprint"]
    return image


def r3dvs(
    crystal: CrystalLike, *, length: float = 12.8, mean: bool = True, **settings: Any
) -> NDArray[np.float32]:
    """Make reciprocal-space voxels of a crystal's superposed atoms, (1, n, n, n) float32 in e/Å³ (Kajita et al. 2017).

    Args:
        crystal: see :func:`hpcvox.to_ase`.
        length: L* in Å; there are n = length/resolution voxels along each edge.
        mean: put the mean of the field at the centre of the cube.
        settings: settings of ``hpcvox featurize descriptor=r3dvs``: ``resolution=0.4``, ``width=0.2`` ...

    Raises:
        Rejected, ConfigError: see :func:`voxelize`.
        ValueError: ``length`` is no whole number of resolutions.
    """
    asked = _settings(R3dvsSettings, settings, "r3dvs")
    arrays = _described(crystal, asked).arrays
    found = spots.stored(arrays["g"], arrays["amplitude"], arrays["mean"])
    return spots.voxels(found, asked.resolution, length, mean)


def graph(crystal: CrystalLike, **settings: Any) -> Graph:
    """Make the graph of a crystal: its sites and their nearest neighbours, including periodic images.

    Args:
        crystal: see :func:`hpcvox.to_ase`.
        settings: settings of ``hpcvox featurize descriptor=graph``: ``neighbours=12``, ``radius=8.0`` ...

    Raises:
        Rejected, ConfigError: see :func:`voxelize`.
    """
    made, arrays = _described(crystal, _settings(GraphSettings, settings, "graph"))
    return Graph(made.numbers, arrays["neighbours"], arrays["distances"])


def _settings(kind: type[S], given: dict[str, Any], function: str) -> S:
    return config.validate(kind, {"descriptor": kind.model_fields["descriptor"].default, **given}, function)


def _described(crystal: CrystalLike, settings: FeaturizeSettings) -> Sample:
    record: Crystal = to_record(crystal)
    return alone(settings, record)
