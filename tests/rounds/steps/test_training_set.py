"""What a training has: finds, so many times each, beside what is replayed."""

from pathlib import Path

from hpcvox.files import durable
from hpcvox.networks.vae.bins import bin_of
from hpcvox.networks.vae.card import VAECard
from hpcvox.rounds import reading
from hpcvox.rounds.folders import REPLAY, Round
from hpcvox.rounds.steps import placing, replaying, training_set
from hpcvox.training.folder.card import read_card
from tests.support.campaign_run import BY_ROUND, make_campaign

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
