"""What a later step would be refused for is told before the first one starts."""

from pathlib import Path

import pytest
from ase.build import bulk
from ase.db import connect

from hpcvox import config
from hpcvox.errors import ConfigError
from hpcvox.pipeline.plan import plan
from hpcvox.pipeline.settings import PipelineSettings

FITS = ["train_vae.condition=my_energy", "train_vae.bins=3"]
"""Settings that fit the crystals of these tests."""


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A database of ASE of twelve salts with an energy, and a note of one."""
    path = tmp_path / "crystals.db"
    pairs = [(cation, anion) for cation in ("Li", "Na", "K", "Rb") for anion in ("F", "Cl", "Br")]
    for number, (cation, anion) in enumerate(pairs):
        atoms = bulk(f"{cation}{anion}", "rocksalt", a=4.0 + 0.1 * number)
        connect(path).write(atoms, my_energy=-3.0 + 0.1 * number)
    return path


def planned(source: Path, *overrides: str) -> str:
    given = [f"source={source}", f"out={source.parent / 'out'}", *overrides]
    return plan(config.load(PipelineSettings, None, given)).summary


def test_what_fits_is_planned(source: Path) -> None:
    steps = planned(source, "train_vae.condition=my_energy", "train_vae.bins=3")
    assert "train_cgcnn" in steps
    assert "train_cgcnn" not in planned(source, "train_vae.condition=null")


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (
            [],
            r"train_vae.condition=formation_energy: .* has no such target: .*valid: my_energy; .*=null trains",
        ),
        (["train_vae.condition=my_enrgy"], "did you mean my_energy"),
        (
            ["train_vae.condition=my_energy", "train_cgcnn.target=gap"],
            "train_cgcnn.target=gap: .* screen=null does without",
        ),
        (["train_vae.condition=my_energy", "featurize.targets=[]"], "valid: none"),
        (
            ["train_vae.condition=null", "featurize.max_sites=1"],
            "too-many-sites .a higher max_sites takes them",
        ),
        (["train_vae.condition=null", "train_vae.held_out_fraction=0.001"], "both are needed"),
        ([*FITS, "train_vae.initial=perovskits"], "train_vae.initial=perovskits: .*did you mean perovskites"),
        (
            [*FITS, "train_vae.initial=perovskites", "featurize.voxels=16"],
            "is for 32³ periodic voxels, and featurize makes 16³",
        ),
        ([*FITS, "featurize.voxels=16"], r"set train_vae.model.decoder=\[128,64\]"),
        (
            [*FITS, "train_unet={model: {patch: 4}}", "featurize.voxels=24"],
            "train_unet.model.down: 2 levels and patches of 4³ take a multiple of 16 voxels .*voxels=16 or voxels=32",
        ),
        ([*FITS, "generate.conditions=[0, 3]"], "generate.conditions: 3 is none of the 3 bins"),
        ([*FITS, "judge.known=[absent.csv]"], "judge.known=absent.csv: there is no such file"),
        (
            [*FITS, "screen.rank=my_enrgy"],
            "screen.rank: there will be no column my_enrgy: did you mean my_energy",
        ),
        ([*FITS, "screen.where=gap > 1"], "screen.where: .*gap"),
        (
            [*FITS, "screen.references=known.csv", "screen.formation_energy=my_enrgy"],
            "screen.formation_energy: no network .* the target my_enrgy, .*: did you mean my_energy. valid: my_energy",
        ),
        (
            [*FITS, "screen.references=known.csv", "screen.formation_energy=my_energy"],
            "screen.reference_energy: there is no column 'formation_energy' in known.csv: did you mean formation_e",
        ),
    ],
)
def test_what_does_not_is_told_at_once(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, overrides: list[str], said: str
) -> None:
    (tmp_path / "known.csv").write_text("formula,formation_e\nSrO,-3.0\n")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=said):
        planned(source, *overrides)
    assert not (source.parent / "out").exists()


def test_a_folder_that_cannot_be_made_is_told_in_a_line(source: Path) -> None:
    with pytest.raises(ConfigError, match="the folder cannot be made"):
        planned(source, *FITS, f"out={source}/below/a/file")
