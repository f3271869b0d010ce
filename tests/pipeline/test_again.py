"""A pipeline that is run again with another setting says which steps it makes again, and why."""

from pathlib import Path

import pytest

from hpcvox import config
from hpcvox.pipeline.again import made_again
from hpcvox.pipeline.placing import placed, stages_of
from hpcvox.pipeline.plan import plan
from hpcvox.pipeline.settings import PipelineSettings
from hpcvox.pipeline.stages import STAGES

MADE = {
    "database": "crystals.csv",
    "featurize": "manifest.json",
    "train_vae": "model.safetensors",
    "generate": "candidates.csv",
    "judge": "judged.csv",
}
"""A file of each step that was run."""


def settings(out: Path, *more: str) -> PipelineSettings:
    return config.load(PipelineSettings, None, [f"out={out}", "database.energy=ewald", *more])


@pytest.fixture
def out(tmp_path: Path) -> Path:
    """The folder of a pipeline whose steps have their settings and a file each, which is all that is looked at."""
    given = settings(tmp_path)
    for stage in STAGES:
        if stage.name in MADE:
            job = placed(given, stage)
            folder = tmp_path / str(stage.folders["out"])
            folder.mkdir()
            config.save(job, folder / "config.yaml")
            (folder / MADE[stage.name]).touch()
    return tmp_path


def again(out: Path, *more: str) -> list[str]:
    given = settings(out, *more)
    return made_again(given, stages_of(given))


def test_the_same_settings_make_nothing_again(out: Path) -> None:
    assert again(out) == []
    assert again(out, "train_vae.epochs=99", "featurize.actors=1", "generate.per_condition=3") == []


def test_a_step_and_those_after_it_are_told_with_why(out: Path) -> None:
    assert again(out, "featurize.sigma=1.0", "generate.seed=3") == [
        "featurize is made again: sigma (None → 1.0)",
        "train-vae is made again: it takes what featurize makes",
        "generate is made again: seed (0 → 3)",
        "judge is made again: it takes what generate makes",
    ]


def test_steps_may_overwrite_unless_that_is_refused(out: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plan(settings(out, "train_vae.seed=3", "generate.overwrite=false"))
    assert "train-vae is made again: seed (0 → 3)\n" in capsys.readouterr().err
    planned = {name: (out / "plan" / f"{name}.yaml").read_text() for name in ("train_vae", "generate")}
    assert "overwrite: true" in planned["train_vae"]
    assert "overwrite: false" in planned["generate"]
