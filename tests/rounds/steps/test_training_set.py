"""What a training has: finds, so many times each, beside what is replayed."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from hpcvox.crystals.formats.cif.writing import cif_text
from hpcvox.crystals.sources.cif_set import CifSet
from hpcvox.files import durable
from hpcvox.networks.vae.bins import bin_of
from hpcvox.networks.vae.card import VAECard
from hpcvox.rounds import reading
from hpcvox.rounds.folders import CIFS, REPLAY, Round
from hpcvox.rounds.steps import placing, replaying, training_set
from hpcvox.training.folder.card import read_card
from tests.support.campaign_run import BY_ROUND, make_campaign
from tests.support.hull_run import perovskite

CARD = read_card(Path("perovskites"), VAECard)


def test_finds_of_all_rounds_so_far_and_the_replayed(tmp_path: Path) -> None:
    settings = make_campaign(tmp_path / "c", "repeat=3")
    line = {placing.ID: "drawn-d3-000001", placing.ROLE: "replay", "heat_all": "1.3", placing.CIF: "a CIF"}
    (tmp_path / "c" / REPLAY).mkdir()
    durable.write_csv(tmp_path / "c" / REPLAY / replaying.TABLE, replaying.columns(CARD), [line])
    for number, finds in ((1, len(BY_ROUND[1])), (2, sum(map(len, BY_ROUND.values())))):
        place = Round(tmp_path / "c", number)
        training_set.run(settings, place, CARD)
        rows = reading.rows(place.training)
        assert [row[placing.ROLE] for row in rows] == ["find"] * 3 * finds + ["replay"]
        assert len({row[placing.ID] for row in rows}) == len(rows)
        assert rows[-1] == line
    # the middle of the bin where no network predicts the condition, else what it predicts
    values = [float(row["heat_all"]) for row in rows if row[placing.ID] == "r1-d0-000003"]
    assert values == [0.1 * 3]


def test_a_value_of_each_bin_is_in_it() -> None:
    for decile in range(CARD.conditions):
        assert bin_of([replaying.middle(CARD, decile)], CARD.edges) == [decile]  # type: ignore[arg-type]


def test_a_find_whose_relaxed_cell_is_no_shape_of_the_voxels_trains_as_it_was_drawn(tmp_path: Path) -> None:
    settings = make_campaign(tmp_path / "c", "repeat=1")
    place = Round(tmp_path / "c", 1)
    find, *others = reading.kept(place)
    name = find["cif"].rpartition("/")[2]
    drawn = perovskite(find["candidate"], 4.1, (19, 30, 9, 9, 9))
    place.generated.mkdir(parents=True)
    with CifSet(place.generated / CIFS).replaced("folder") as add:
        add(f"{find['candidate']}.cif", cif_text(drawn))
    relaxed = replace(drawn, lattice=np.diag([3.9, 3.9, 4.4]))
    (place.kept / CIFS / name).write_text(cif_text(relaxed))
    outcome = training_set.run(settings, place, CARD)
    rows = {row[placing.ID]: row for row in reading.rows(place.training)}
    assert rows[find["id"]][placing.ROLE] == placing.AS_DRAWN
    assert "_cell_length_c   4.100000" in rows[find["id"]][placing.CIF]
    assert {rows[row["id"]][placing.ROLE] for row in others} == {"find"}
    assert "(1 as drawn, for" in outcome.summary
