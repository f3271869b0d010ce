"""``hpcvox reproduce court`` as a whole, on made-up cubic crystals with tiny networks."""

from pathlib import Path

import pytest

from hpcvox import cli
from hpcvox.reproduction.court.claims import CLAIMS
from hpcvox.reproduction.court.table4 import PAPER
from hpcvox.reproduction.summary import ReproductionSummary
from tests.support.cubic_crystals import make_table

TINY = [
    *("energy=energy", "properties={formation_energy: energy, band_gap: gap, bulk_modulus: bulk}"),
    *("crystals=60", "property_crystals=60", "draws=2", "voxels=16", "threads=1", "actors=1"),
    *("unet_epochs=1", "vae_epochs=1", "cgcnn_epochs=1", "tested=4", "encoded=20", "steps=4", "random=1"),
    *("bases=1", "around=4"),
    "unet={patch: 2, down: [[8, 8], [8, 16]], bottom: [16, 16], up: [[16, 8], [8, 8]], features: 4}",
    "vae.patch=2",
    "vae.encoder=[8, 8]",
    "vae.bottleneck=4",
    "vae.hidden=16",
    "vae.latent=8",
    "vae.seed_channels=4",
    "vae.decoder=[8, 8]",
    "vae.elements=0",
    "vae.naming=0",
    "vae.cell=maps",
]


@pytest.mark.slow
def test_the_whole_paper(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table, out = make_table(tmp_path / "crystals.csv"), tmp_path / "out"
    given = ["reproduce", "court", f"source={table}", f"known=[{table}]", f"out={out}", *TINY]
    assert cli.main([*given, "--plan"]) == 0
    assert not out.exists(), "a plan does nothing"
    # 3 sets; of each draw 2 UNets, 3 VAEs, 3 properties, 3 evaluations, latent, line, 3 judged properties, random,
    # bases, selection, known
    assert "in all 43 steps, 43 to do" in capsys.readouterr().out
    assert cli.main(given) == 0
    said = capsys.readouterr().out.splitlines()[-1]
    assert said.startswith("reproduce court: 43 steps done; page ")
    assert f"of {len(CLAIMS)} claims" in said

    folder = out / "court"
    summary = ReproductionSummary.load(folder)
    assert summary is not None
    names = [one.name for one in summary.experiments]
    assert names == ["fig2", "fig4", "table1", "fig6", "table2", "table3", "table4", "table5", "claims"]
    made = dict(zip(names, summary.experiments, strict=True))
    assert all(row.values or row.absent for one in summary.experiments for row in one.rows)
    assert {len(row.values) for row in made["table5"].rows if row.quantity == "recall of the UNet"} == {2}
    told = {(row.quantity, row.method): row for row in made["table1"].rows}
    assert len(told["MAE", "bulk modulus"].values) == 2
    assert told["SMAPE", "shear modulus"].absent.startswith("the data have no column of it")
    assert {row.method for row in made["table4"].rows} >= PAPER.keys()
    assert [row.absent for row in made["table3"].rows] == 12 * ["not relaxed here: relax=[chgnet] does it"]
    assert len(made["claims"].claims) == len(CLAIMS)
    told_of_crystals = next(
        fact for name, fact in summary.facts.items() if name.startswith("crystals of the maps")
    )
    assert "62 inputs, 1 not read (cif-syntax), 60 drawn, 1 lost (not-cubic), 59 used" in told_of_crystals
    for name in (
        "court.html",
        "court.md",
        "figures/fig2a.png",
        "figures/fig2b.svg",
        "figures/fig5-bulk_modulus.png",
    ):
        assert (folder / name).stat().st_size > 0

    assert cli.main(given) == 0
    assert capsys.readouterr().out.startswith("nothing to do: page ")
    assert cli.main([*given, "--plan"]) == 0
    assert "in all 43 steps, 0 to do" in capsys.readouterr().out
