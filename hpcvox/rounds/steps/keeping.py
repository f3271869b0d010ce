"""Decides which relaxed crystals are finds.

A find is plausible, near the hull, unique, and neither known, trained on nor found before.
"""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from hpcvox.crystals.known import Known
from hpcvox.crystals.record import Crystal
from hpcvox.generation.judging.plausible import plausibility
from hpcvox.generation.settings import Reason as Implausible
from hpcvox.relaxation.summary import Column as Relaxed
from hpcvox.rounds.summary import Reason


class Ended(NamedTuple):
    """A candidate after its relaxation."""

    id: str
    crystal: Crystal | None
    """None if the relaxation has made none."""
    code: str
    """That of ``relaxed.csv``; empty if the relaxation has converged."""
    message: str
    above: Mapping[str, float]
    """Energy above the hull in eV/atom, by stage; NaN if it is not known."""

    @property
    def highest(self) -> float:
        """The highest energy above the hull of all stages, in eV/atom; NaN if one is unknown, or there is no stage."""
        figures = list(self.above.values())
        return math.nan if not figures or any(map(math.isnan, figures)) else max(figures)


class Verdict(NamedTuple):
    """Why a crystal is no find; without a ``reason`` it is one."""

    id: str
    reason: Reason | None
    match: str = ""
    """The id of the crystal that it matches."""
    message: str = ""


class Before(NamedTuple):
    """Crystals that finds must not match."""

    trained_on: Known
    known: Sequence[Known]
    finds: Known


def verdicts(
    ended: Sequence[Ended], limit: float, implausible: Sequence[Implausible], before: Before
) -> list[Verdict]:
    """Decide on each crystal; return the verdicts in the order of the crystals.

    Of several crystals that match each other, the one that is lowest above the hull is the find; of equally low ones
    it is the first by id.

    Args:
        ended: the relaxed candidates.
        limit: the highest energy above the hull of a find, in eV/atom.
        implausible: the faults of plausibility for which a crystal is no find.
        before: the crystals that finds must not match.
    """
    own = Known(())
    found: dict[str, Verdict] = {}
    ranked = sorted(ended, key=lambda one: (math.isnan(one.highest), one.highest, one.id))
    for one in ranked:
        verdict = _by_itself(one, limit, implausible)
        if verdict.reason is None:
            assert one.crystal is not None
            verdict = _compared(one.id, one.crystal, before, own)
            if verdict.reason is None:
                own.add(one.crystal)
        found[one.id] = verdict
    return [found[one.id] for one in ended]


def _by_itself(one: Ended, limit: float, implausible: Sequence[Implausible]) -> Verdict:
    if one.crystal is None:
        return Verdict(one.id, Reason.NOT_RELAXED, message=f"{one.code}: {one.message}")
    if one.code:
        return Verdict(one.id, Reason.NOT_CONVERGED, message=f"{one.code}: {one.message}")
    faults = plausibility(one.crystal).faults
    if why := next((fault for fault in faults if fault in implausible), None):
        return Verdict(one.id, Reason.NOT_PLAUSIBLE, message=f"{why}: {faults[why]}")
    if math.isnan(one.highest):
        unknown = [stage for stage, value in one.above.items() if math.isnan(value)]
        return Verdict(
            one.id,
            Reason.NO_HULL,
            message=f"it is not placed on a hull by {', '.join(unknown) or 'any calculator'}",
        )
    if one.highest > limit:
        stage = max(one.above, key=lambda name: one.above[name])
        return Verdict(one.id, Reason.ABOVE, message=f"{one.highest:.3f} eV/atom by {stage}")
    return Verdict(one.id, None)


def _compared(id: str, crystal: Crystal, before: Before, own: Known) -> Verdict:
    sets = [
        (Reason.FOUND_BEFORE, before.finds),
        (Reason.TRAINED_ON, before.trained_on),
        *((Reason.KNOWN, known) for known in before.known),
        (Reason.DUPLICATE, own),
    ]
    for reason, known in sets:
        if (match := known.match(crystal)) is not None:
            return Verdict(id, reason, match.id, f"{Relaxed.MATCH_RMS} {match.rms:.4f}")
    return Verdict(id, None)
