"""Towards a property: which conditions are drawn for, what is screened for, and what hits."""

from pathlib import Path

import pytest

from hpcvox import config
from hpcvox.errors import ConfigError
from hpcvox.networks.vae.card import VAECard
from hpcvox.rounds.folders import Round
from hpcvox.rounds.settings import CampaignSettings
from hpcvox.rounds.steps import aiming
from hpcvox.screening.expression import parse
from hpcvox.screening.summary import OF_CRYSTALS
from hpcvox.training.folder.card import read_card
from tests.support.paths import ROOT

MODELS = "models=[perovskite_formation_energy]"
CARD = read_card(Path("perovskites"), VAECard)
TARGET = "heat_all"
"""What both networks that come with hpcvox know of: the condition of one, and what the other predicts."""


def settings(*given: str) -> CampaignSettings:
    return config.load(CampaignSettings, None, [MODELS, *given])


def test_what_networks_predict_can_be_wanted() -> None:
    assert aiming.targets(settings()) == [TARGET] == [CARD.condition]
    aiming.refuse_unknown(settings("want={heat_all: [0, 1]}"))
    with pytest.raises(ConfigError, match="predicts heat_al: did you mean heat_all"):
        aiming.refuse_unknown(settings("want={heat_al: [0, 1]}"))
    with pytest.raises(ConfigError, match="write the lower first"):
        settings("want={heat_all: [1, 0]}")


def test_the_campaign_that_comes_with_hpcvox_predicts_seven_properties() -> None:
    shipped = config.load(CampaignSettings, ROOT / "configs/campaign.yaml", [])
    assert aiming.targets(shipped) == [
        "band_gap", "bulk_modulus", "dielectric_constant", "formation_energy", "poisson_ratio", "refractive_index",
        "shear_modulus",
    ]  # fmt: skip
    assert aiming.predict(shipped, Round(Path("o"), 1)).metal_gap == 0.1


@pytest.mark.parametrize(
    ("given", "deciles"),
    [
        ([], list(range(10))),
        (["want={heat_all: [0.0, 0.9]}"], [0, 1, 2]),
        (["want={heat_all: [0.7, 0.8]}"], [1]),
        (["want={heat_all: [-9, -8]}"], [0]),
        (["want={heat_all: [9, 9.5]}"], [9]),
        (["want={heat_all: [0.7, 0.8]}", "generate.conditions=[4]"], [4]),
    ],
)
def test_the_bins_of_what_is_wanted_are_drawn_for(given: list[str], deciles: list[int]) -> None:
    assert aiming.deciles(settings(*given), CARD) == deciles


def test_candidates_are_screened_for_it() -> None:
    place = Round(Path("o"), 2)
    job = aiming.screen(settings("want={heat_all: [-0.5, 1.25]}", "screen.max_sites=9"), place)
    assert (job.source, job.out, job.max_sites) == (place.chosen / "cifs", place.screened, 9)
    assert job.where is not None
    clauses = parse(job.where, [TARGET, *OF_CRYSTALS]).clauses

    def passes(value: float) -> bool:
        return all(clause.holds({TARGET: value}) for clause in clauses)

    assert [passes(value) for value in (-0.51, -0.5, 1.25, 1.26)] == [False, True, True, False]
    assert aiming.predict(settings(), place).where is None


@pytest.mark.parametrize(
    ("predicted", "hits"),
    [("0.5", True), ("1.0", True), ("1.01", False), ("", False)],
)
def test_what_is_predicted_hits_or_not(predicted: str, hits: bool) -> None:
    said = {"predicted_heat_all": predicted}
    assert aiming.is_wanted(settings("want={heat_all: [0, 1]}"), said) is hits
    assert aiming.is_wanted(settings(), said), "nothing is wanted"
