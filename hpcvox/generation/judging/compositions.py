"""Validity and fingerprints of compositions, as the metrics of crystal generators define them.

The data come from SMACT, an optional package (extra ``metrics``).

Xie et al. 2022 (CDVAE, arXiv:2110.06197): "composition validity" and the composition's half of COV.
"""

import csv
import importlib.metadata
import importlib.util
from functools import cache
from importlib import resources
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hpcvox.crystals.elements import SYMBOLS
from hpcvox.errors import MissingDependencyError

OXIDATION_STATES: Final = "smact14"
"""SMACT's first set of oxidation states, which CDVAE used; today's default of SMACT is another set."""

STATISTICS: Final = ("minimum", "maximum", "range", "mean", "avg_dev", "mode")
"""Statistics over the atoms of a composition; ``mode``: the value of the most frequent element, the lowest of several.
"""

COMPOSITION_FEATURES: Final = 132
"""22 properties of elements (Ward et al. 2016, doi:10.1038/npjcompumats.2016.28, "Magpie"), 6 statistics each."""


def require() -> None:
    """Raise :class:`MissingDependencyError` if SMACT is not installed; does not import it."""
    if importlib.util.find_spec("smact") is None:
        raise MissingDependencyError(
            "reference: the validity and the fingerprints of compositions need SMACT, which is not installed: "
            "HPCVOX_EXTRAS='chgnet metrics' make setup, or pip install 'hpcvox[metrics]'; reference=null does without"
        )


def version() -> str:
    """The version of SMACT that is installed."""
    return importlib.metadata.version("smact")


def composition_valid(numbers: NDArray[np.uint8]) -> bool:
    """Whether oxidation states exist that balance the charges, with the more electronegative elements as anions.

    All atoms of an element have the same state.  A composition of one element, or of metals only, is valid, too.

    Args:
        numbers: the atomic number of each site, (n,) uint8.
    """
    elements, counts = np.unique(numbers, return_counts=True)
    return _valid(tuple(elements.tolist()), tuple((counts // np.gcd.reduce(counts)).tolist()))


@cache
def _valid(elements: tuple[int, ...], counts: tuple[int, ...]) -> bool:
    from pymatgen.core.composition import Composition
    from smact.screening import smact_validity

    composition = Composition({SYMBOLS[z]: count for z, count in zip(elements, counts, strict=True)})
    return bool(smact_validity(composition, oxidation_states_set=OXIDATION_STATES))


def composition_fingerprint(numbers: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Magpie's statistics of a composition, (132,), each divided by its standard deviation in ``magpie_scale.csv``.

    No mean is subtracted, since it would cancel in a distance of two fingerprints.

    Args:
        numbers: the atomic number of each site, (n,) uint8.

    Raises:
        KeyError: Magpie has no data of an element (those beyond Bk).
    """
    elements, counts = np.unique(numbers, return_counts=True)
    names, deviations = _scaler()
    of_elements = np.array(
        [[_element(z)[name] for name in names] for z in elements.tolist()]
    )  # (elements, 22)
    shares = counts / counts.sum()
    least, most, mean = of_elements.min(axis=0), of_elements.max(axis=0), shares @ of_elements
    deviation = shares @ np.abs(of_elements - mean)
    mode = of_elements[counts == counts.max()].min(axis=0)
    statistics = np.stack([least, most, most - least, mean, deviation, mode], axis=1)
    return (statistics / deviations).ravel()


@cache
def _element(z: int) -> dict[str, float]:
    from smact.data_loader import lookup_element_magpie_data

    found: dict[str, float] | None = lookup_element_magpie_data(SYMBOLS[z])
    if found is None:
        raise KeyError(f"Magpie has no data of {SYMBOLS[z]}")
    return found


def scale() -> str:
    """The text of ``magpie_scale.csv``."""
    return (resources.files("hpcvox.generation.judging") / "magpie_scale.csv").read_text("utf-8")


@cache
def _scaler() -> tuple[list[str], NDArray[np.float64]]:
    """Names of the properties, and the standard deviations of their statistics, (22, 6)."""
    rows = list(csv.DictReader(line for line in scale().splitlines() if not line.startswith("#")))
    names = [row["property"] for row in rows]
    return names, np.array([[float(row[name]) for name in STATISTICS] for row in rows])
