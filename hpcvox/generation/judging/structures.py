"""Structures as the metrics of crystal generators see them: whether one is valid, and its fingerprint.

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
"""Å: two atoms of a valid structure are as far apart at least; an atom's own images do not count."""

MIN_VOLUME: Final = 0.1
"""Å^3: of a valid structure's cell."""

COORDINATIONS: Final = 24
"""Numbers of neighbours, from 1, that a fingerprint has."""

STRUCTURE_FEATURES: Final = 61
"""Numbers of a fingerprint: the weight of each coordination number, and its order parameters."""


def structure_valid(crystal: Crystal) -> bool:
    """Whether all distances between two atoms are at least 0.5 Å and the volume at least 0.1 Å^3."""
    one = structure(crystal)
    distances = one.distance_matrix[np.triu_indices(len(one), 1)]
    return bool((distances >= MIN_DISTANCE).all() and one.volume >= MIN_VOLUME)


def structure_fingerprint(crystal: Crystal) -> NDArray[np.float64]:
    """Mean over the sites of how their neighbours stand, (61,): ``CrystalNNFingerprint`` "ops" of matminer.

    pymatgen's ``CrystalNN`` (Pan et al. 2021, doi:10.1021/acs.inorgchem.0c02996) says how likely a site has 1, 2 …
    24 neighbours.  The fingerprint has these weights, and behind each the order parameters that pymatgen knows
    of so many neighbours (Zimmermann et al. 2017, doi:10.3389/fmats.2017.00034), times the weight.

    Raises:
        Exception: whatever pymatgen raises where a site has no neighbours that it can tell.
    """
    from pymatgen.core.local_env import CrystalNN

    one = structure(crystal)
    finder = CrystalNN()  # type: ignore[no-untyped-call]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # CrystalNN warns of every element whose radius is the covalent one
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
            values.append(weight * (value or 0.0))  # None: not defined of these
    return values


@cache
def _order_parameters() -> dict[int, list[Any]]:
    """The order parameters for each number of neighbours: pymatgen's motifs, and bond orders where it has none or one.

    One object each, as in matminer: the values of one object for several are others.
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
