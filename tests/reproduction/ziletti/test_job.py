"""``hpcvox reproduce ziletti`` as a whole, on a handful of elemental solids with tiny networks."""

from pathlib import Path

import pytest
from PIL import Image

from hpcvox import cli
from hpcvox.networks.fingerprint.settings import SPACE_GROUPS
from hpcvox.reproduction.summary import ReproductionSummary
from hpcvox.reproduction.ziletti.border import BORDERS, DISTANCES
from hpcvox.reproduction.ziletti.claims import STATEMENTS
from hpcvox.reproduction.ziletti.fig4 import ALONG, POINTS, SHARES
from hpcvox.reproduction.ziletti.noise import DISPLACED, PERFECT, TABLES
from hpcvox.reproduction.ziletti.tables import NETWORK, SPGLIB
from hpcvox.reproduction.ziletti.work import MAKERS
from tests.support.fingerprint_network import network_folder

TINY = [
    *("crystals=140", "draws=2", "epochs=1", "tested=1", "by_symmetry=1", "asked=1", "dropouts=4"),
    *("atoms=32", "model={filters: [[4, 4], [8, 8]], kernel: 5, dense: 16}", "threads=1", "actors=1"),
]


@pytest.mark.slow
def test_the_whole_paper(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    given = ["reproduce", "ziletti", f"out={out}", *TINY]
    assert cli.main([*given, "--plan"]) == 0
    assert not out.exists(), "a plan does nothing"
    # of each draw: 3 networks; tables, 2 of Fig. 4, 3 of Fig. S1, maps, border, doubt, 2 of noise
    assert "in all 28 steps, 28 to do" in capsys.readouterr().out
    assert cli.main(given) == 0
    assert f"of {len(STATEMENTS)} claims" in capsys.readouterr().out.splitlines()[-1]

    folder = out / "ziletti"
    summary = ReproductionSummary.load(folder)
    assert summary is not None
    made = {one.name: one for one in summary.experiments}
    assert list(made) == [*MAKERS, "claims"]
    for row in (row for one in made.values() for row in one.rows):
        assert len(row.values) <= 2, row
        assert row.values or row.absent, row
    # every value of Tables S1 and S2 stands beside ours
    methods = {NETWORK, *SPGLIB.values()}
    both = [row for row in made["tables"].rows if row.where in ("Table S1", "Table S2")]
    assert len(both) == 23 * len(methods)
    assert all(len(row.values) == 2 and row.paper is not None for row in both)
    assert {row.method for row in made["trained_with_noise"].rows} == {TABLES, PERFECT, DISPLACED}
    fig4 = [row for row in made["fig4"].rows if row.values]
    assert len(fig4) == 2 * (2 * len(SHARES) + len(ALONG) * len(POINTS))
    at_borders = [row for row in made["border"].rows if row.at is not None]
    assert len(at_borders) == len(BORDERS) * len(DISTANCES) * 3
    assert [claim.statement for claim in made["claims"].claims] == [one.statement for one in STATEMENTS]
    assert all(claim.evidence != "not measured" for claim in made["claims"].claims)

    page, table = ((folder / f"ziletti.{suffix}").read_text("utf-8") for suffix in ("html", "md"))
    for text in (page, table):
        for title in ("Tables S1 and S2: ", "Fig. 4: ", "Fig. 5: ", "What the paper claims", "σ (Å)"):
            assert title in text
    assert all(f"{kind}, x" in page for kind in SPACE_GROUPS)
    figures = folder / "figures"
    assert {"tables-0.png", "fig4-0.svg", "templates.png", "maps-hex-rh.svg"} <= {
        path.name for path in figures.iterdir()
    }
    assert min(Image.open(figures / "templates.png").size) > 300

    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}
    assert cli.main(given) == 0
    assert capsys.readouterr().out.startswith("nothing to do: page ")
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_networks_that_are_given_are_not_trained(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    given = ["reproduce", "ziletti", "tables", "networks=[crystal_classes]", f"out={tmp_path}", "--plan"]
    assert cli.main(given) == 0
    assert capsys.readouterr().out.startswith("what all need: 0 steps, 0 to do")


def test_a_network_of_other_classes_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    network = network_folder(tmp_path / "network")
    assert cli.main(["reproduce", "ziletti", f"networks=[{network}]", f"out={tmp_path / 'out'}"]) == 2
    said = capsys.readouterr().err
    assert "has other classes than the paper's, which are bct 139, bct 141, hex/rh" in said
    assert not (tmp_path / "out").exists()
