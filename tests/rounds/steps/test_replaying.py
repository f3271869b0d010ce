"""What is replayed: which crystals, whatever their order, and where they come from."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from hpcvox import config
from hpcvox.crystals.formats.cif.writing import cif_text
from hpcvox.crystals.record import Crystal
from hpcvox.errors import SourceError
from hpcvox.files import durable
from hpcvox.networks.vae.card import VAECard
from hpcvox.rounds import reading
from hpcvox.rounds.folders import REPLAY
from hpcvox.rounds.settings import CampaignSettings
from hpcvox.rounds.steps import placing, replaying
from hpcvox.training.folder.card import read_card
from tests.support.campaign_run import FRAC

CARD = read_card(Path("perovskites"), VAECard)


def table(path: Path, numbers: Sequence[int], condition: str = "heat_all") -> Path:
    """Perovskites of barium whose second cations have these atomic numbers."""
    rows = []
    for z in numbers:
        crystal = Crystal(f"c{z}", "made", np.eye(3) * 4, FRAC, np.array([56, z, 8, 8, 8], np.uint8), {})
        rows.append({"material_id": crystal.id, condition: z / 100, "cif": cif_text(crystal)})
    durable.write_csv(path, ["material_id", condition, "cif"], rows)
    return path


def replayed(folder: Path, source: Path, *given: str) -> list[reading.Row]:
    settings = config.load(
        CampaignSettings, None, [f"out={folder}", f"replay={source}", "replayed=4", *given]
    )
    (folder / REPLAY).mkdir(parents=True)
    replaying.run(settings, CARD)
    return reading.rows(folder / REPLAY / replaying.TABLE)


def test_which_are_replayed_depends_on_ids_and_seed_and_not_on_their_order(tmp_path: Path) -> None:
    metals = list(range(22, 31))
    rows = replayed(tmp_path / "a", table(tmp_path / "a.csv", metals))
    assert len(rows) == 4
    assert rows == replayed(tmp_path / "b", table(tmp_path / "b.csv", metals[::-1]))
    assert rows != replayed(tmp_path / "c", tmp_path / "a.csv", "seed=1")
    for row in rows:
        assert row[placing.ROLE] == "replay"
        assert f"given-c{round(100 * float(row['heat_all']))}" == row[placing.ID]


def test_crystals_without_the_condition_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="no column 'heat_all' for a target: columns of numbers: gap"):
        replayed(tmp_path / "a", table(tmp_path / "a.csv", [22, 23], condition="gap"))


def test_of_a_network_that_comes_with_hpcvox_the_crystals_are_drawn() -> None:
    assert replaying.comes_from(CampaignSettings()) == replaying.DRAWN
    assert replaying.comes_from(config.load(CampaignSettings, None, ["replay=a.csv"])) == replaying.GIVEN
