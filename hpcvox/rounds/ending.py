"""Decides when a campaign ends by itself."""

from collections.abc import Sequence
from typing import NamedTuple

from hpcvox.rounds.settings import CampaignSettings
from hpcvox.rounds.summary import RoundDone, RoundSummary


class Done(NamedTuple):
    """A round whose finds are kept; its training may still be to come."""

    summary: RoundSummary
    progress: RoundDone


def brought_too_little(settings: CampaignSettings, summary: RoundSummary) -> bool:
    """Whether a round is the last one because it brought too few finds."""
    return summary.wanted < least_gain(settings)


def least_gain(settings: CampaignSettings) -> float:
    """How many finds a round must bring so that another one follows."""
    least = settings.min_gain
    return least if least >= 1 else least * settings.samples


def calculations_left(settings: CampaignSettings, done: Sequence[Done]) -> int | None:
    """How many crystals the budget still lets the campaign relax; None: any number."""
    most = settings.budget.calculations
    return None if most is None else max(0, most - sum(one.summary.calculations for one in done))


def why_over(settings: CampaignSettings, done: Sequence[Done]) -> str | None:
    """Why no round follows those that are ``done``, with the setting that decides it; None if another round follows."""
    if done and brought_too_little(settings, last := done[-1].summary):
        finds = "wanted finds" if settings.want else "finds"
        share = "" if settings.min_gain >= 1 else f" of {settings.samples:,} samples"
        return f"round {last.round} brought {last.wanted:,} {finds}, fewer than min_gain={settings.min_gain:g}{share}"
    if len(done) >= settings.rounds:
        return f"rounds={settings.rounds} are done"
    if calculations_left(settings, done) == 0:
        return f"budget.calculations={settings.budget.calculations:,} are used up"
    most = settings.budget.core_hours
    if most is not None and done:
        hours = [one.progress.core_hours for one in done]
        if sum(hours) + sum(hours) / len(hours) > most:
            return (
                f"{sum(hours):.2f} of budget.core_hours={most:g} are used, and another round would take about "
                f"{sum(hours) / len(hours):.2f}"
            )
    return None
