"""Which of the judged candidates are relaxed."""

from pathlib import Path

from hpcvox import config
from hpcvox.crystals.sources.cif_set import CifSet
from hpcvox.files import durable
from hpcvox.generation.candidates import CIFS
from hpcvox.generation.judging.summary import TABLE, Column, Stage
from hpcvox.rounds.folders import Round
from hpcvox.rounds.settings import CampaignSettings
from hpcvox.rounds.steps import choosing

ROWS = [
    ("d0-000000", "BaTiO3", "", ""),
    ("d0-000001", "BaTiO3", Stage.COMPOSITION, "d0-000000"),
    ("d0-000002", "SrTiO3", Stage.NOT_TRAINED_ON, "drawn-d3-000007"),
    ("d0-000003", "SrTiO3", Stage.NOT_TRAINED_ON, "drawn-d3-000008"),
    ("d0-000004", "CaTiO3", Stage.NOT_TRAINED_ON, "r1-d0-000005#2"),
    ("d0-000005", "KNbO3", Stage.NOT_TRAINED_ON, "given-mp-1"),
    ("d0-000006", "BaTiO3", Stage.NOT_TRAINED_ON, "drawn-d3-000009"),
    ("d0-000007", "", Stage.VALID, ""),
]


def test_those_that_are_new_and_those_that_only_the_first_network_drew_before(tmp_path: Path) -> None:
    place = Round(tmp_path, 2)
    columns = [Column.ID, Column.FORMULA, Column.LOST, Column.MATCH]
    place.judged.mkdir(parents=True)
    place.generated.mkdir()
    durable.write_csv(place.judged / TABLE, columns, [dict(zip(columns, row, strict=True)) for row in ROWS])
    with CifSet(place.generated / CIFS).replaced("folder") as add:
        for id, *_ in ROWS:
            add(f"{id}.cif", f"the CIF of {id}")
    choosing.run(config.load(CampaignSettings, None, [f"out={tmp_path}"]), place)
    chosen = CifSet(place.chosen / CIFS)
    assert chosen.names() == ["d0-000000.cif", "d0-000002.cif"], "of each composition one"
    assert chosen.read("d0-000002.cif") == b"the CIF of d0-000002"


def test_what_a_candidate_is_the_same_as() -> None:
    found = {
        row[0]: choosing.matched({Column.LOST: row[2], Column.MATCH: row[3]})
        for row in ROWS
        if row[2] != Stage.VALID
    }
    assert found["d0-000004"] == "r1-d0-000005", "without the number of its copy"
    assert found["d0-000001"] == "", "of another candidate of this round"
    assert choosing.is_drawn(found["d0-000002"])
    assert not choosing.is_drawn(found["d0-000005"])
