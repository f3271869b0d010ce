"""Which relaxed crystals are finds: plausible, near the hull, unique, and neither trained on nor found before."""

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
    """What a relaxation has left of a candidate."""

    id: str
    crystal: Crystal | None
    """None: there is none."""
    code: str
    """Of ``relaxed.csv``; empty where all is well."""
    message: str
    above: Mapping[str, float]
    """eV/atom above the hull, by stage; NaN where that is not known."""

    @property
    def highest(self) -> float:
        """eV/atom above the hull as the calculator has it that says the most; NaN where one does not know."""
        figures = list(self.above.values())
        return math.nan if not figures or any(map(math.isnan, figures)) else max(figures)


class Verdict(NamedTuple):
    """Why a crystal is no find; it is one where there is no reason."""

    id: str
    reason: Reason | None
    match: str = ""
    """What it is the same as."""
    message: str = ""


class Before(NamedTuple):
    """What a find is not: each is asked for in this order."""

    trained_on: Known
    known: Sequence[Known]
    finds: Known


def verdicts(
    ended: Sequence[Ended], limit: float, implausible: Sequence[Implausible], before: Before
) -> list[Verdict]:
    """A verdict on each crystal, the order theirs.

    Of several that have become the same, the one that is lowest above the hull is the find, then the first by id.

    Args:
        limit: eV/atom above the hull, at most.
        implausible: faults for which a relaxed crystal is none.
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
            message=f"by {', '.join(unknown) or 'no calculator'} it has no place on a hull",
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
