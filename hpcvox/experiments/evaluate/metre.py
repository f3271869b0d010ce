"""METRe and cRMSE: fairer forms of the match rate and the RMSE (Martirossyan et al. 2025, arXiv:2509.12178).

The match rate compares a crystal only with its own reconstruction, although that of another polymorph may match better.
The mean RMSE leaves out crystals without a match, so that a worse model may have the better figure.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Final, NamedTuple

from hpcvox.crystals.record import Crystal
from hpcvox.experiments.evaluate.compare import STOL, structure_rms

UNMATCHED: Final = STOL
"""The value in the cRMSE of a crystal without a match, in (volume/site)^(1/3): the matcher's tolerance."""


class Metre(NamedTuple):
    """The two figures of a set of true crystals."""

    metre: float
    """Share of the true crystals that at least one found crystal of the same composition matches."""
    crmse: float
    """Mean over all true crystals of the least RMS distance to a found one, in (volume/site)^(1/3)."""


def metre(true: Sequence[Crystal], found: Sequence[Crystal]) -> Metre:
    """How well ``found`` covers ``true``."""
    by_formula: defaultdict[str, list[Crystal]] = defaultdict(list)
    for crystal in found:
        by_formula[crystal.formula].append(crystal)
    least = []
    for crystal in true:
        each = [structure_rms(crystal, other) for other in by_formula[crystal.formula]]
        least.append(min((rms for rms in each if rms is not None), default=None))
    matched = [rms for rms in least if rms is not None]
    unmatched = len(true) - len(matched)
    return Metre(len(matched) / len(true), (sum(matched) + UNMATCHED * unmatched) / len(true))
