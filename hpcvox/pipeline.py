"""``pipeline``: every job in turn, from crystals to the report, each in its own folder below one."""

import importlib
import json
import time
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import Field

from hpcvox import config, durable
from hpcvox.config import Settings
from hpcvox.database.settings import DatabaseSettings
from hpcvox.errors import ConfigError
from hpcvox.experiments.settings import EvaluateSettings
from hpcvox.featurize.settings import DensitySettings
from hpcvox.generation.settings import GenerateSettings
from hpcvox.outcome import COMPLETE, COMPLETE_WITH_REJECTS, Outcome
from hpcvox.report.settings import ReportSettings
from hpcvox.training.settings import TrainUNetSettings, TrainVAESettings


class PipelineSettings(Settings):
    """The settings of every stage; the folders of all are below ``out``."""

    out: Path = Field(Path("runs/pipeline"), description="folder of everything")
    source: Path | None = Field(
        None, description="crystals to use in place of the built-in ones (see featurize.source)"
    )
    database: DatabaseSettings = Field(DatabaseSettings(), description="built-in crystals")
    featurize: DensitySettings = Field(DensitySettings(), description="crystals → voxels")
    train_unet: TrainUNetSettings = Field(TrainUNetSettings(), description="density → elements")
    train_vae: TrainVAESettings = Field(TrainVAESettings(), description="density → latent → density")
    evaluate: EvaluateSettings = Field(EvaluateSettings(), description="errors on held-out crystals")
    generate: GenerateSettings = Field(GenerateSettings(), description="latent → crystals")
    report: ReportSettings = Field(ReportSettings(), description="one HTML file")


class Stage(NamedTuple):
    """A job of the pipeline, its function (loaded when its turn comes), and where below ``out`` its folders are."""

    name: str
    function: str
    folders: dict[str, str]


STAGES = (
    Stage("database", "hpcvox.database.build:run", {"out": "database"}),
    Stage("featurize", "hpcvox.featurize.engine:run", {"source": "database/crystals.csv", "out": "shards"}),
    Stage("train_unet", "hpcvox.training.job:train_unet", {"shards": "shards", "out": "unet"}),
    Stage("train_vae", "hpcvox.training.job:train_vae", {"shards": "shards", "unet": "unet", "out": "vae"}),
    Stage(
        "evaluate",
        "hpcvox.experiments.court:run",
        {"shards": "shards", "unet": "unet", "vae": "vae", "out": "evaluation"},
    ),
    Stage("generate", "hpcvox.generation.run:run", {"unet": "unet", "vae": "vae", "out": "generated"}),
    Stage(
        "report",
        "hpcvox.report.job:run",
        {
            "database": "database",
            "shards": "shards",
            "unet": "unet",
            "vae": "vae",
            "generated": "generated",
            "evaluation": "evaluation",
            # of no stage: what users put there is shown
            "judged": "judged",
            "screened": "screened",
            "relaxed": "relaxed",
            "out": "report",
        },
    ),
)


def run(settings: PipelineSettings) -> Outcome:
    """Run all stages; each goes on where it was, so a pipeline that was interrupted is simply run again."""
    stages = [stage for stage in STAGES if not (stage.name == "database" and settings.source is not None)]
    with durable.sole_writer(settings.out):
        for stage in stages:
            _refuse_folders_set_by_hand(settings, stage)
        config.save(settings, settings.out / "config.yaml")
        timings = _Timings(settings.out / "timings.json")
        status = COMPLETE
        said = []
        for number, stage in enumerate(stages, 1):
            print(f"\n[{number}/{len(stages)}] {stage.name.replace('_', '-')}", flush=True)
            start = time.monotonic()
            module, function = stage.function.split(":")
            outcome: Outcome = getattr(importlib.import_module(module), function)(_placed(settings, stage))
            if outcome.summary:
                print(outcome.summary, flush=True)
                said.append(f"  {stage.name.replace('_', '-'):<10}  {outcome.summary.splitlines()[-1]}")
            if outcome.exit_status == COMPLETE_WITH_REJECTS:
                status = COMPLETE_WITH_REJECTS
            elif outcome.exit_status != COMPLETE:
                return Outcome(
                    f"pipeline stopped in {stage.name}: run the same command again", outcome.exit_status
                )
            timings.add(stage.name, time.monotonic() - start)
    page = settings.out / "report" / "report.html"
    total = sum(timings.seconds.values())
    lines = [
        "",
        f"pipeline done in {total / 60:.1f} minutes of work; everything is in {settings.out}:",
        *said,
    ]
    return Outcome("\n".join([*lines, f"open {page}"]), status)


def _refuse_folders_set_by_hand(settings: PipelineSettings, stage: Stage) -> None:
    job: Settings = getattr(settings, stage.name)
    by_hand = sorted(set(stage.folders) & job.model_fields_set)
    if by_hand:
        raise ConfigError(
            f"{stage.name}.{by_hand[0]}: a pipeline keeps its folders below out={settings.out}: "
            f"set out (or source), or run `hpcvox {stage.name.replace('_', '-')}` by itself"
        )


def _placed(settings: PipelineSettings, stage: Stage) -> Settings:
    """The stage's settings with its folders set, and the built-in database's energy as the condition."""
    job: Settings = getattr(settings, stage.name)
    update: dict[str, Any] = {key: settings.out / place for key, place in stage.folders.items()}
    if settings.source is not None:
        update |= {
            key: value for key, value in (("source", settings.source), ("database", None)) if key in update
        }
    elif stage.name == "train_vae" and "condition" not in job.model_fields_set:
        # which energy it holds depends on what is installed: the database says
        update["condition"] = json.loads((settings.out / "database" / "database.json").read_text())["target"]
    return job.model_copy(update=update)


class _Timings:
    """Seconds spent in each stage over all runs of the pipeline, kept for the report."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.seconds: dict[str, float] = json.loads(path.read_text()) if path.exists() else {}

    def add(self, stage: str, seconds: float) -> None:
        self.seconds[stage] = round(self.seconds.get(stage, 0.0) + seconds, 1)
        durable.write_json(self.path, self.seconds)
