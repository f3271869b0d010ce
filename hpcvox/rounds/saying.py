"""The words that a campaign ends with: what was found, how good it is, where it lies, and what to do next."""

from collections.abc import Sequence
from typing import Final

from hpcvox.crystals.sources.cif_set import CifSet
from hpcvox.rounds.folders import CIFS, FINDS
from hpcvox.rounds.reading import Row, rows
from hpcvox.rounds.settings import CampaignSettings
from hpcvox.rounds.summary import Find, RoundSummary
from hpcvox.terminal import counted

BEST: Final = 3
"""Finds that are named."""


def of_round(one: RoundSummary) -> str:
    """A round in one line."""
    again = one.replayed + one.found_again
    on_hull = f"{one.on_hull:,} on the hull{_wanted(one)}"
    return (
        f"round {one.round}: {one.samples:,} samples, {one.plausible:,} plausible, {one.unique:,} unique, {one.new:,} "
        f"new, {one.converged:,} relaxed, {counted(one.finds, 'find')} ({on_hull}): MSUN "
        f"{100 * one.msun:.1f} %" + (f"; {counted(again, 'find')} of before came again" if again else "")
    )


def _wanted(one: RoundSummary) -> str:
    return "" if one.wanted == one.finds else f", {one.wanted:,} as wanted by prediction"


def last_words(settings: CampaignSettings, done: Sequence[RoundSummary], why: str) -> str:
    """All of them."""
    out = settings.out
    found = lowest(rows(out / FINDS))
    samples = sum(one.samples for one in done)
    said = f"{counted(len(found), 'find')} within {settings.keep:g} eV/atom of the hull"
    of = f"{counted(samples, 'sample')} in {counted(len(done), 'round')}"
    lines = ["", f"campaign: {said}, of {of}; it ends, for {why}", *(f"  {of_round(one)}" for one in done)]
    if not found:
        return "\n".join(
            [*lines, "nothing was found: each round's kept/lost.csv says why", _next(settings, done)]
        )
    best = "; ".join(named(row) for row in found[:BEST])
    return "\n".join(
        [
            *lines,
            f"the lowest: {best}",
            f"all: {out / FINDS}, CIFs in {CifSet(out / CIFS).place}; by round: {out / 'rounds.csv'}",
            _next(settings, done),
        ]
    )


def lowest(finds: Sequence[Row]) -> list[Row]:
    """The finds, those that are lowest above the hull first."""
    return sorted(finds, key=lambda row: (float(row[Find.ABOVE]), row[Find.ID]))


def named(row: Row) -> str:
    """A find in a few words."""
    return f"{row[Find.FORMULA]} {row[Find.SYMBOL]} {float(row[Find.ABOVE]):+.3f} eV/atom ({row[Find.ID]})"


def _next(settings: CampaignSettings, done: Sequence[RoundSummary]) -> str:
    """What to do next."""
    if not done or not done[-1].finds:
        return (
            "next: lower energies (generate.conditions=[0]), more samples, or a wider keep, with another out"
        )
    more = f"rounds={len(done) + 3} goes on"
    return f"next: {more}; DFT for the finds: hpcvox relax source={settings.out / CIFS} stages=[gpaw]"
