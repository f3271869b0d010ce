"""The last words of a campaign and of a round: what was found, how good it is, where it is, and what to do next."""

from collections.abc import Sequence
from typing import Final

from hpcvox.crystals.sources.cif_set import CifSet
from hpcvox.rounds import ending
from hpcvox.rounds.folders import CIFS, FINDS, ROUNDS
from hpcvox.rounds.reading import Row, rows
from hpcvox.rounds.settings import CampaignSettings
from hpcvox.rounds.summary import Find, RoundSummary
from hpcvox.terminal import counted

BEST: Final = 3
"""How many finds are named, those lowest above the hull first."""


def of_round(one: RoundSummary) -> str:
    """What a round has found, in one line."""
    again = one.replayed + one.found_again
    on_hull = f"{one.on_hull:,} on the hull{_wanted(one)}"
    return (
        f"round {one.round}: {one.samples:,} samples, {one.plausible:,} plausible, {one.unique:,} unique, {one.new:,} "
        f"new, {one.converged:,} relaxed, {counted(one.finds, 'find')} ({on_hull}): MSUN "
        f"{100 * one.msun:.1f} %"
        + (f"; {counted(again, 'find')} of earlier rounds came again" if again else "")
    )


def _wanted(one: RoundSummary) -> str:
    return "" if one.wanted == one.finds else f", {one.wanted:,} predicted as wanted"


def last_words(settings: CampaignSettings, done: Sequence[RoundSummary], why: str) -> str:
    """What a campaign prints at its end.

    Args:
        settings: those of the campaign, whose ``finds.csv`` is read.
        done: the rounds that are done.
        why: why no other round follows, see :func:`hpcvox.rounds.ending.why_over`.
    """
    out = settings.out
    found = lowest(rows(out / FINDS))
    samples = sum(one.samples for one in done)
    said = f"{counted(len(found), 'find')} within {settings.keep:g} eV/atom of the hull"
    drawn = f"{counted(samples, 'sample')} in {counted(len(done), 'round')}"
    lines = [
        "",
        f"campaign: {said}, from {drawn}; it ends because {why}",
        *(f"  {of_round(one)}" for one in done),
    ]
    if not found:
        return "\n".join(
            [*lines, "nothing was found; kept/lost.csv of each round says why", _next(settings, done)]
        )
    best = "; ".join(named(row) for row in found[:BEST])
    return "\n".join(
        [
            *lines,
            f"lowest above the hull: {best}",
            f"all finds: {out / FINDS}, CIFs in {CifSet(out / CIFS).place}; by round: {out / ROUNDS}",
            _next(settings, done),
        ]
    )


def lowest(finds: Sequence[Row]) -> list[Row]:
    """The finds, the lowest above the hull first."""
    return sorted(finds, key=lambda row: (float(row[Find.ABOVE]), row[Find.ID]))


def named(row: Row) -> str:
    """A find in a few words."""
    return f"{row[Find.FORMULA]} {row[Find.SYMBOL]} {float(row[Find.ABOVE]):+.3f} eV/atom ({row[Find.ID]})"


def _next(settings: CampaignSettings, done: Sequence[RoundSummary]) -> str:
    """What the user can do next."""
    if not sum(one.finds for one in done):
        return "next: with another out, draw for low energies (generate.conditions=[0]) or more samples, or raise keep"
    ended = ending.brought_too_little(settings, done[-1])
    # of a round that has brought too little, no larger number of rounds makes another follow
    changed = [
        *(["min_gain=0"] if ended else []),
        *([f"rounds={len(done) + 3}"] if len(done) >= settings.rounds else []),
    ]
    more = f"the same command with {' '.join(changed or ['a larger budget'])} goes on"
    return f"next: {more}; to relax the finds by DFT: hpcvox relax source={settings.out / CIFS} stages=[gpaw]"
