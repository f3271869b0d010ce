"""When a campaign ends by itself."""

from collections.abc import Sequence
from typing import NamedTuple

from hpcvox.rounds.settings import CampaignSettings
from hpcvox.rounds.summary import RoundDone, RoundSummary


class Done(NamedTuple):
    """A round that is done up to its finds."""

    summary: RoundSummary
    progress: RoundDone


def brought_too_little(settings: CampaignSettings, summary: RoundSummary) -> bool:
    """Whether a round is the last because of what it brought."""
    return summary.wanted < settings.min_gain


def calculations_left(settings: CampaignSettings, done: Sequence[Done]) -> int | None:
    """Crystals that may still be relaxed; None: any number."""
    most = settings.budget.calculations
    return None if most is None else max(0, most - sum(one.summary.calculations for one in done))


def why_over(settings: CampaignSettings, done: Sequence[Done]) -> str | None:
    """Why no round follows those that are ``done``, and what would let one; None where one does."""
    if done and brought_too_little(settings, last := done[-1].summary):
        finds = "wanted finds" if settings.want else "finds"
        return f"round {last.round} brought {last.wanted:,} {finds}, and min_gain={settings.min_gain:,} ends it there"
    if len(done) >= settings.rounds:
        return f"rounds={settings.rounds} are done"
    if calculations_left(settings, done) == 0:
        return f"budget.calculations={settings.budget.calculations:,} are used up"
    most = settings.budget.core_hours
    if most is not None and done:
        hours = [one.progress.core_hours for one in done]
        if sum(hours) + sum(hours) / len(hours) > most:
            return (
                f"budget.core_hours={most:g}: {sum(hours):.2f} are used, and a round has taken "
                f"{sum(hours) / len(hours):.2f}"
            )
    return None
