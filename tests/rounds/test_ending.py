"""When a campaign ends by itself."""

from pathlib import Path
from typing import Any

import pytest

from hpcvox import config
from hpcvox.files import durable
from hpcvox.rounds.ending import Done, calculations_left, why_over
from hpcvox.rounds.saying import last_words
from hpcvox.rounds.settings import CampaignSettings
from hpcvox.rounds.summary import Find, RoundDone, RoundSummary, find_columns

FIND = dict.fromkeys(find_columns([], []), "") | {Find.ID: "r1-d0-000001", Find.ABOVE: "0.01"}


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
        ([], [9, 5], None),
        ([], [9, 4], "round 2 brought 4 finds, fewer than min_gain=0.005 of 1,000 samples"),
        (["samples=200"], [9, 1], None),
        (["samples=200"], [3, 0], "round 2 brought 0 finds, fewer than min_gain=0.005 of 200 samples"),
        (["min_gain=1"], [3, 1], None),
        (["min_gain=0"], [3, 0], None),
        (["min_gain=4"], [9, 3], "round 2 brought 3 finds, fewer than min_gain=4"),
        (["rounds=2"], [9, 9], "rounds=2 are done"),
        (["budget.calculations=120"], [9, 9], None),
        (["budget.calculations=100"], [9, 9], "budget.calculations=100 are used up"),
        (["budget.core_hours=3"], [9, 9], None),
        (["budget.core_hours=2.5"], [9, 9], "2.00 of budget.core_hours=2.5 are used, and another"),
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


@pytest.mark.parametrize(
    ("given", "finds", "way"),
    [
        (["rounds=2"], [9, 9], "rounds=5"),
        (["min_gain=5"], [9, 4], "min_gain=0"),
        (["rounds=2", "min_gain=5"], [9, 4], "min_gain=0 rounds=5"),
    ],
)
def test_the_way_on_that_it_names_lets_another_round_follow(
    tmp_path: Path, given: list[str], finds: list[int], way: str
) -> None:
    before = [done(i + 1, n) for i, n in enumerate(finds)]
    ended = settings(f"out={tmp_path}", *given)
    assert why_over(ended, before)
    rounds = [one.summary for one in before]
    durable.write_csv(tmp_path / "finds.csv", find_columns([], []), [FIND])
    assert f"the same command with {way} goes on" in last_words(ended, rounds, "it does")
    assert why_over(settings(*given, *way.split()), before) is None
