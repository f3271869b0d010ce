"""Which finds are selected for the last relaxation, and by what."""

import csv
from pathlib import Path

from hpcvox.relaxation.settings import RelaxSettings
from hpcvox.rounds.folders import FINDS
from hpcvox.rounds.steps import final
from hpcvox.rounds.summary import Find
from hpcvox.stability.settings import HullSettings
from tests.support.campaign_run import make_campaign


def test_the_lowest_finds_are_selected(tmp_path: Path) -> None:
    settings = make_campaign(tmp_path / "out", "final.stages=[gpaw]", "final.most=3")
    assert final.choose(settings) == 3
    with (settings.out / FINDS).open(newline="") as file:
        finds = sorted(csv.DictReader(file), key=lambda row: (float(row[Find.ABOVE]), row[Find.ID]))
    chosen = {path.stem for path in (settings.out / "final" / "chosen" / "cifs").glob("*.cif")}
    assert chosen == {row[Find.ID] for row in finds[:3]}


def test_without_stages_there_is_no_selection(tmp_path: Path) -> None:
    settings = make_campaign(tmp_path / "out")
    assert final.choose(settings) == 0
    assert final.told(settings) == ""
    assert not (settings.out / "final").exists()


def test_they_are_put_on_a_hull_of_energies_by_the_same_calculator_alone(tmp_path: Path) -> None:
    table = tmp_path / "references.csv"
    given = ("final.stages=[sevennet, gpaw]", "relax.symprec=0.5", f"references={table}")
    settings = make_campaign(tmp_path / "out", *given)
    for columns, placed in (
        ("chgnet_energy", None),
        ("energy", None),  # of the potential of the rounds, whichever that is
        ("chgnet_energy,gpaw_energy", ["gpaw"]),
        ("sevennet_energy,gpaw_energy", ["sevennet", "gpaw"]),
    ):
        table.write_text(f"formula,{columns}\nSr{',0' * (columns.count(',') + 1)}\n")
        (_, relaxed), *rest = final.jobs(settings)
        assert isinstance(relaxed, RelaxSettings)
        assert [stage.calculator for stage in relaxed.stages] == ["sevennet", "gpaw"]
        assert (relaxed.symprec, relaxed.limit) == (0, 0)
        hulls = [job.calculators for _, job in rest if isinstance(job, HullSettings)]
        assert hulls == ([] if placed is None else [placed])
