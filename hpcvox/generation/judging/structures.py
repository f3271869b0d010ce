"""Validity and fingerprints of structures, as the metrics of crystal generators define them.

Xie et al. 2022 (CDVAE, arXiv:2110.06197): "structure validity" and the structure's half of COV.
"""

import warnings
from functools import cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hpcvox.crystals.known import structure
from hpcvox.crystals.record import Crystal

MIN_DISTANCE: Final = 0.5
"""Least distance in Å of two atoms of a valid structure; an atom's own periodic images do not count."""

MIN_VOLUME: Final = 0.1
"""Least volume in Å^3 of a valid structure's cell."""

COORDINATIONS: Final = 24
"""Highest coordination number in a fingerprint; the lowest is 1."""

STRUCTURE_FEATURES: Final = 61
"""Length of a fingerprint: for each coordination number its weight and its order parameters."""


def structure_valid(crystal: Crystal) -> bool:
    """Whether all distances between two atoms are at least 0.5 Å and the volume at least 0.1 Å^3."""
    one = structure(crystal)
    distances = one.distance_matrix[np.triu_indices(len(one), 1)]
    return bool((distances >= MIN_DISTANCE).all() and one.volume >= MIN_VOLUME)


def structure_fingerprint(crystal: Crystal) -> NDArray[np.float64]:
    """The mean over all sites of their coordination, (61,): ``CrystalNNFingerprint`` with preset "ops" of matminer.

    pymatgen's ``CrystalNN`` (Pan et al. 2021, doi:10.1021/acs.inorgchem.0c02996) gives the probability that a site has
    1, 2 … 24 neighbours.  The fingerprint holds each probability, followed by pymatgen's order parameters for that
    number of neighbours (Zimmermann et al. 2017, doi:10.3389/fmats.2017.00034) times the probability.

    Raises:
        Exception: pymatgen may raise anything if it finds no neighbours of a site.
    """
    from pymatgen.core.local_env import CrystalNN

    one = structure(crystal)
    finder = CrystalNN()  # type: ignore[no-untyped-call]
    with warnings.catch_warnings():
        warnings.simplefilter(
            "ignore"
        )  # CrystalNN warns of each element for which it has only a covalent radius
        sites = np.array([_site(finder.get_nn_data(one, i), one[i]) for i in range(len(one))])
    mean: NDArray[np.float64] = sites.mean(axis=0)
    return mean


def _site(found: Any, site: Any) -> list[float]:
    values: list[float] = []
    for count in range(1, COORDINATIONS + 1):
        weight = found.cn_weights.get(count, 0.0)
        values.append(weight)
        sites = [site, *(neighbour["site"] for neighbour in found.cn_nninfo.get(count, ()))]
        for order in _order_parameters().get(count, ()):
            value = (
                weight and order.get_order_parameters(sites, 0, indices_neighs=list(range(1, count + 1)))[0]
            )
            values.append(weight * (value or 0.0))  # None: the parameter is not defined for these neighbours
    return values


@cache
def _order_parameters() -> dict[int, list[Any]]:
    """The order parameters for each number of neighbours: pymatgen's motifs, and bond orders if it has at most one.

    Each parameter has an object of its own, as in matminer, because one object for several gives other values.
    """
    from pymatgen.core.local_env import CN_OPT_PARAMS, LocalStructOrderParams

    kinds: dict[int, list[Any]] = {1: [["sgl_bd"]]}
    for count, motifs in CN_OPT_PARAMS.items():
        kinds[count] = list(motifs.values())
    for count in (9, 10, 11, 12):
        kinds[count] = [*kinds.get(count, []), ["q2"], ["q4"], ["q6"]]
    return {
        count: [LocalStructOrderParams([name], parameters=[*(given or [None])]) for name, *given in orders]
        for count, orders in kinds.items()
    }
