"""METRe and cRMSE: the match rate and the RMSE made fair (Martirossyan et al. 2025, arXiv:2509.12178).

The match rate compares a crystal with its own reconstruction alone, although one of another polymorph may be the better
match; and the mean RMSE leaves out what does not match, so that a worse model may have the better figure.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Final, NamedTuple

from hpcvox.crystals.record import Crystal
from hpcvox.experiments.evaluate.compare import STOL, structure_rms

UNMATCHED: Final = STOL
"""What a crystal that nothing matches adds to the cRMSE, in (volume/site)^(1/3): the matcher's tolerance."""


class Metre(NamedTuple):
    """Of a set of true crystals."""

    metre: float
    """Share of them that some crystal found of the same composition matches."""
    crmse: float
    """Mean over all of them of the least RMS distance to one, in (volume/site)^(1/3)."""


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
