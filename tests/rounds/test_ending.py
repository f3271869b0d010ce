"""When a campaign ends by itself."""

from typing import Any

import pytest

from hpcvox import config
from hpcvox.rounds.ending import Done, calculations_left, why_over
from hpcvox.rounds.settings import CampaignSettings
from hpcvox.rounds.summary import RoundDone, RoundSummary


def done(number: int, finds: int, hours: float = 1.0, calculations: int = 50) -> Done:
    counts: dict[str, Any] = dict.fromkeys(RoundSummary.model_fields, 0)
    counts |= {"round": number, "finds": finds, "wanted": finds, "calculations": calculations, "reasons": {}}
    return Done(RoundSummary(**counts), RoundDone(seconds={"relax": hours * 1800}, cores=2))


def settings(*given: str) -> CampaignSettings:
    return config.load(CampaignSettings, None, ["rounds=5", *given])


@pytest.mark.parametrize(
    ("given", "finds", "said"),
    [
        ([], [], None),
        ([], [3, 1], None),
        ([], [3, 0], "round 2 brought 0 finds, fewer than min_gain=1"),
        (["min_gain=0"], [3, 0], None),
        (["min_gain=4"], [9, 3], "round 2 brought 3 finds, fewer than min_gain=4"),
        (["rounds=2"], [3, 3], "rounds=2 are done"),
        (["budget.calculations=120"], [3, 3], None),
        (["budget.calculations=100"], [3, 3], "budget.calculations=100 are used up"),
        (["budget.core_hours=3"], [3, 3], None),
        (["budget.core_hours=2.5"], [3, 3], "2.00 of budget.core_hours=2.5 are used, and another"),
        (["budget.core_hours=0.5"], [], None),
    ],
)
def test_why_no_round_follows(given: list[str], finds: list[int], said: str | None) -> None:
    why = why_over(settings(*given), [done(i + 1, n) for i, n in enumerate(finds)])
    assert why is None if said is None else said in (why or "")


def test_what_a_budget_leaves_to_relax() -> None:
    rounds = [done(1, 3, calculations=50), done(2, 3, calculations=60)]
    assert calculations_left(settings(), rounds) is None
    assert calculations_left(settings("budget.calculations=130"), rounds) == 20
    assert calculations_left(settings("budget.calculations=90"), rounds) == 0
