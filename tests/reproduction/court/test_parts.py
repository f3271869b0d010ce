"""What the experiments of Court et al. compute of networks, samples and crystals, without these."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hpcvox import config
from hpcvox.crystals.record import Crystal
from hpcvox.generation.judging.summary import Column, Stage
from hpcvox.networks.unet.settings import TrainUNetSettings
from hpcvox.networks.vae.settings import TrainVAESettings
from hpcvox.reproduction.court import bench, claims, fig6, line, table1, table2, table4, table5
from hpcvox.reproduction.court.sets import Sets, drawn, sets
from hpcvox.reproduction.court.settings import PAPER_UNET, PAPER_VAE, CourtSettings
from hpcvox.reproduction.experiment import beside
from hpcvox.reproduction.rows import row
from hpcvox.reproduction.steps import Steps
from tests.support.cubic_crystals import make_table
from tests.support.paths import ROOT


def crystal(name: str, **targets: float) -> Crystal:
    return Crystal(name, name, np.eye(3), np.zeros((1, 3)), np.array([1], np.uint8), targets)


def test_smape_is_of_the_mean_of_both_and_at_most_200() -> None:
    mae, smape = table1.errors(np.array([1.0, 0.0, -1.0, 0.0]), np.array([3.0, 0.0, 1.0, 2.0]))
    assert mae == pytest.approx(1.5)
    assert smape == pytest.approx((100 + 0 + 200 + 200) / 4)


def test_crystals_are_drawn_until_each_property_has_enough() -> None:
    found = [crystal(f"c{i}", common=i, **({"rare": i} if i % 10 == 0 else {})) for i in range(100)]
    some = drawn(found, ["common", "rare"], 8, 0)
    assert sum("rare" in one.targets for one in some) == 8
    assert len(some) == 8, "those with the rare one have the common one, too"
    assert len(drawn(found, ["common", "rare"], 20, 0)) == 20
    assert sum("rare" in one.targets for one in drawn(found, ["common", "rare"], 20, 0)) == 10
    assert drawn(found, ["common"], None, 0) == found
    assert [one.id for one in drawn(found, ["common"], 5, 1)] != [
        one.id for one in drawn(found, ["common"], 5, 0)
    ]


def test_samples_are_selected_in_the_papers_order() -> None:
    """A copy of a sample is lost where that is lost, and of a composition the lowest energy stays."""
    stages: dict[str, tuple[str, str, str, float | None]] = {
        "a": ("", "", "SrTiO3", -3.0),
        "b": (Stage.DISTINCT, "a", "SrTiO3", -3.2),
        "c": (Stage.NOT_TRAINED_ON, "t", "CaTiO3", -3.0),
        "d": (Stage.DISTINCT, "c", "CaTiO3", -3.0),
        "e": (Stage.ANONYMOUS, "", "CsCl", -3.0),
        "f": (Stage.COMPOSITION, "a", "SrTiO3", -2.0),
        "g": ("", "", "BaTiO3", None),
        "h": ("", "", "BaZrO3", -3.5),
    }
    found = fig6.Sampled(
        samples=10,
        failures={"no-atoms": 2},
        ids=list(stages),
        formulas=[formula for _, _, formula, _ in stages.values()],
        energies=[energy for *_, energy in stages.values()],
        trained_kinds=["ABC3"],
    )
    verdicts: dict[str, dict[str, Any]] = {
        name: {Column.LOST: str(stage), Column.MATCH: match, Column.FORMULA: formula}
        for name, (stage, match, formula, _) in stages.items()
    }
    made = table2.funnel(found, verdicts, -3.0)
    assert made.left == [10, 8, 7, 5, 3, 2]
    assert made.unpredicted == 1
    assert dict(made.best) == {"b": -3.2, "h": -3.5}


def test_the_element_that_changes_on_a_line_is_found() -> None:
    ends = [{58: 1, 24: 1, 8: 3}, {70: 1, 24: 1, 8: 3}]
    assert line.changed({67: 1, 24: 1, 8: 3}, ends) == 67
    assert line.changed(ends[1], ends) == 70
    for other in ({67: 1, 25: 1, 8: 3}, {67: 2, 24: 1, 8: 3}, {67: 1, 24: 1, 8: 2}, {24: 1, 8: 3}):
        assert line.changed(other, ends) == 0


@pytest.mark.parametrize(
    ("low", "high", "holds"),
    [
        ([0.1, 0.12, 0.11], [0.2, 0.22, 0.2], True),
        ([0.2, 0.22, 0.2], [0.1, 0.12, 0.11], False),
        ([0.1, 0.3, 0.2], [0.2, 0.1, 0.3], None),
    ],
)
def test_a_claim_of_two_rows_is_judged_by_their_spread(
    low: list[float], high: list[float], holds: bool | None
) -> None:
    rows = [
        row(table5.EMD, one.label, "Å", "lower", values)
        for one, values in ((bench.DFC, low), (bench.PLAIN, high))
    ]
    told = {claim.statement: claim.holds for claim in claims.judged(rows)}
    assert told["DFC lowers the EMD"] is holds
    assert told["Ionic radii lower the EMD"] is None, "a row is missing"


def test_a_claim_of_one_row_is_judged_by_its_limits() -> None:
    for percent, holds in ((75.0, False), (77.0, True)):
        rows = [row(fig6.VALID, fig6.RANDOM, "%", "higher", [percent, percent])]
        assert {one.statement: one.holds for one in claims.judged(rows)}[
            "76 % of random samples are valid"
        ] is holds


def test_every_value_of_the_papers_tables_is_there(tmp_path: Path) -> None:
    settings = CourtSettings(source=make_table(tmp_path / "table.csv"), out=tmp_path / "out", energy="energy")
    made = bench.Bench(settings, _sets(settings), Steps(settings.folder))
    held = [value for one in (table1, table2, table4, table5) for value in one.experiment(made).values]
    told = beside([], held, "lower")
    numbers = [one.paper for one in told]
    assert len(numbers) == len(held)
    # of the text: Table 1, row of the Poisson ratio; Table 2; Table 4, Sc2RuRh; Table 5; Table 6
    for some in (
        (0.051, 16.72, 8448, 1585),
        (890, 350, 250, 60, 20),
        (137.26, 55.71),
        (0.112, 0.25, 87),
        (3e-6,),
    ):
        assert set(some) <= set(numbers)
    assert all(one.absent for one in told)


def _sets(settings: CourtSettings) -> Sets:
    columns = settings.properties.model_copy(update={"formation_energy": "energy", "band_gap": "gap"})
    return sets(settings.model_copy(update={"properties": columns}))


def test_full_size_has_the_papers_networks() -> None:
    unet = config.load(TrainUNetSettings, ROOT / "configs" / "train_unet_paper.yaml")
    vae = config.load(TrainVAESettings, ROOT / "configs" / "train_vae_paper.yaml")
    assert isinstance(unet, TrainUNetSettings)
    assert isinstance(vae, TrainVAESettings)
    assert (unet.model, vae.model) == (PAPER_UNET, PAPER_VAE)
    full = CourtSettings(size="full").scale
    assert (full.unet_epochs, full.vae_epochs) == (unet.epochs, vae.epochs)
    assert (full.bases, full.around, 10 * full.random, full.encoded) == (12, 1000, 1000, 5000)
