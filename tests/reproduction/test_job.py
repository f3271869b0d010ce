"""``hpcvox reproduce kajita`` as a whole, on a handful of made-up oxides with tiny networks."""

from pathlib import Path

import pytest

from hpcvox import cli
from hpcvox.reproduction.kajita.data import TARGETS
from hpcvox.reproduction.kajita.fig4 import METHODS
from hpcvox.reproduction.summary import ReproductionSummary
from tests.support.oxide_densities import make_oxides

TINY = [
    *(
        "crystals=4",
        "replicas=[1, 2]",
        "training_sizes=[6, 10]",
        "draws=2",
        "members=1",
        "epochs=1",
        "recognition_epochs=1",
    ),
    *("resolution=0.8", "length=6.4", "model={filters: [4], dense: [4]}", "threads=1", "actors=1"),
]


@pytest.mark.slow
def test_the_whole_paper(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    oxides, out = make_oxides(tmp_path / "oxides"), tmp_path / "out"
    given = ["reproduce", "kajita", f"densities={oxides}", f"out={out}", *TINY]
    assert cli.main([*given, "--plan"]) == 0
    assert not out.exists(), "a plan does nothing"
    # 4 for all, 2·2 of Fig. 3; of 2 draws and 2 sizes the kernels and a network; 2 networks of the residuals
    assert "in all 18 steps, 18 to do" in capsys.readouterr().out
    assert cli.main([*given[:2], "fig3", *given[2:], "--plan"]) == 0
    assert "what all need: 2 steps" in capsys.readouterr().out, "Fig. 3 needs no baselines"
    assert cli.main(given) == 0
    said = capsys.readouterr().out.splitlines()[-1]
    assert said.startswith("reproduce kajita: 18 steps done; page ")
    assert "of 7 claims" in said

    folder = out / "kajita"
    page, table = ((folder / f"kajita.{suffix}").read_text("utf-8") for suffix in ("html", "md"))
    for text in (page, table):
        for title in ("Fig. 3: ", "Fig. 4: ", "Fig. 4e, f: ", "What the paper claims", "or another"):
            assert title in text
    assert (
        "| crystals recognised | as they are | 30 | not measured at this size | – | 94 % | Fig. 3a and text"
        in table
    )
    assert "| sum of one-electron energies | R3DVS | – | the data do not hold it" in table
    summary = ReproductionSummary.load(folder)
    assert summary is not None
    fig3, fig4, residuals, claims = summary.experiments
    assert {(row.at, len(row.values)) for row in fig3.rows if row.values} == {(1, 2), (2, 2)}
    assert {(row.quantity, row.method, row.at) for row in fig4.rows if row.values} == {
        (target.quantity, method, size) for target in TARGETS for method in METHODS for size in (6, 10)
    }
    assert {row.at for row in residuals.rows if row.values} == {10}
    assert len(claims.claims) == 7
    figures = {path.name for path in (folder / "figures").iterdir()}
    assert figures >= {"fig3-0.png", "fig3-0.svg", "fig4-5.png", "residuals-1.svg"}
    assert sorted(path.name for path in folder.iterdir() if path.is_dir()) == [
        ".locks",
        "figures",
        "sets",
        "steps",
    ]

    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}
    assert cli.main(given) == 0
    assert capsys.readouterr().out.startswith("nothing to do: page ")
    assert {path: path.stat().st_mtime_ns for path in before} == before
    assert cli.main([*given, "--plan"]) == 0
    assert "in all 18 steps, 0 to do" in capsys.readouterr().out


def test_fewer_crystals_than_are_to_be_told_apart_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    oxides = make_oxides(tmp_path / "oxides")
    given = ["reproduce", "kajita", "fig3", f"densities={oxides}", f"out={tmp_path / 'out'}"]
    assert cli.main(given) == 2
    assert f"crystals: 50, but {oxides} has only 14" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
