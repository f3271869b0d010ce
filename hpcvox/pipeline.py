"""``pipeline``: every job in turn, from crystals to the report, each in its own folder below one."""

import importlib
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from pydantic import Field, field_validator

from hpcvox import config, durable
from hpcvox.actors.cluster import kept_cluster
from hpcvox.calculators.by_name import require
from hpcvox.config import Settings
from hpcvox.crystals.sources.cif_set import FORM, CifSet, Form
from hpcvox.database.settings import DatabaseSettings
from hpcvox.errors import ConfigError, did_you_mean
from hpcvox.experiments.settings import EvaluateSettings
from hpcvox.featurize.settings import DensitySettings, GraphSettings
from hpcvox.generation.settings import GenerateSettings, JudgeSettings
from hpcvox.networks.cgcnn.settings import TrainCGCNNSettings
from hpcvox.networks.unet.settings import TrainUNetSettings
from hpcvox.networks.vae.settings import TrainVAESettings
from hpcvox.outcome import COMPLETE, COMPLETE_WITH_REJECTS, Outcome
from hpcvox.relaxation.settings import RelaxSettings
from hpcvox.report.settings import ReportSettings
from hpcvox.screening.settings import ScreenSettings
from hpcvox.terminal import say
from hpcvox.training.folder import finished
from hpcvox.training.settings import TrainSettings


class FinetuneUNetSettings(TrainUNetSettings):
    """``train-unet`` once more, from the first UNet and with what the VAE decodes."""

    epochs: int = Field(5, ge=1, description="passes over the training samples")


class PipelineSettings(Settings):
    """The settings of every stage; the folders of all are below ``out``."""

    out: Path = Field(Path("runs/pipeline"), description="folder of everything")
    source: Path | None = Field(
        None, description="crystals to use in place of the built-in ones (see featurize.source)"
    )
    database: DatabaseSettings = Field(DatabaseSettings(), description="built-in crystals")
    featurize: DensitySettings = Field(DensitySettings(), description="crystals → voxels")
    featurize_graph: GraphSettings = Field(
        GraphSettings(), description="crystals → graphs; columns as in featurize unless set"
    )
    train_unet: TrainUNetSettings | None = Field(
        None,
        description="density → elements: as in the paper, its features enter the VAE's loss, and it names the elements "
        "of what the VAE decodes; null: the VAE names them itself",
    )
    train_vae: TrainVAESettings = Field(TrainVAESettings(), description="density → latent → density")
    finetune_unet: FinetuneUNetSettings | None = Field(
        FinetuneUNetSettings(),
        description="a UNet goes on with what the VAE decodes; as train_unet unless set; null: not done",
    )
    train_cgcnn: TrainCGCNNSettings = Field(
        TrainCGCNNSettings(), description="graph → property; target as train_vae.condition unless set"
    )
    evaluate: EvaluateSettings = Field(EvaluateSettings(), description="errors on held-out crystals")
    generate: GenerateSettings = Field(GenerateSettings(), description="latent → crystals")
    judge: JudgeSettings = Field(
        JudgeSettings(), description="candidates → those plausible, distinct and not in the training set"
    )
    screen: ScreenSettings | None = Field(
        ScreenSettings(),
        description="the property of those; null: neither it nor featurize_graph and train_cgcnn",
    )
    relax: RelaxSettings | None = Field(
        None,
        description="candidates that judge and screen left → relaxed; null: not done; relax.stages=[chgnet] does it "
        "by CHGNet (settings: hpcvox relax --help)",
    )
    report: ReportSettings = Field(ReportSettings(), description="one HTML file")
    crystals: Form = Field(
        "folder",
        description=f"in generate, judge, screen and relax, where these are not told another: {FORM}",
    )
    until: str | None = Field(
        None, description="last step, with those that it needs and no others; null: all, up to the report"
    )

    @field_validator("until")
    @classmethod
    def _is_a_stage(cls, until: str | None) -> str | None:
        names = [stage.name for stage in STAGES]
        if until is not None and until not in names:
            raise ValueError(f"{did_you_mean(until, names)}valid: {', '.join(names)}")
        return until


class Stage(NamedTuple):
    """A job of the pipeline, its function (loaded when its turn comes), and where below ``out`` its folders are."""

    name: str
    function: str
    folders: dict[str, str | list[str]]

    @property
    def verb(self) -> str:
        """What the stage is called to users."""
        return self.name.replace("_", "-")

    @property
    def does(self) -> str:
        """The verb that does it: some do so in several stages, with other settings."""
        return {"featurize-graph": "featurize", "finetune-unet": "train-unet"}.get(self.verb, self.verb)


FINETUNED: Final = "finetuned_unet"
CRYSTALS: Final = "database/crystals.csv"
SCREENED: Final = "screened/cifs"
JUDGED: Final = "judged/cifs"

STAGES = (
    Stage("database", "hpcvox.database.job:run", {"out": "database"}),
    Stage("featurize", "hpcvox.featurize.job:run", {"source": CRYSTALS, "out": "shards"}),
    Stage("featurize_graph", "hpcvox.featurize.job:run", {"source": CRYSTALS, "out": "graphs"}),
    Stage("train_unet", "hpcvox.training.job:run", {"shards": "shards", "out": "unet"}),
    Stage("train_vae", "hpcvox.training.job:run", {"shards": "shards", "unet": "unet", "out": "vae"}),
    Stage(
        "finetune_unet",
        "hpcvox.training.job:run",
        {"shards": "shards", "initial": "unet", "vae": "vae", "out": FINETUNED},
    ),
    Stage("train_cgcnn", "hpcvox.training.job:run", {"shards": "graphs", "out": "cgcnn"}),
    Stage(
        "evaluate",
        "hpcvox.experiments.court:run",
        {"shards": "shards", "unet": FINETUNED, "vae": "vae", "out": "evaluation"},
    ),
    Stage("generate", "hpcvox.generation.job:run", {"unet": FINETUNED, "vae": "vae", "out": "generated"}),
    Stage("judge", "hpcvox.generation.judging.job:run", {"generated": "generated", "out": "judged"}),
    Stage("screen", "hpcvox.screening.job:run", {"source": JUDGED, "models": ["cgcnn"], "out": "screened"}),
    Stage("relax", "hpcvox.relaxation.job:run", {"source": SCREENED, "out": "relaxed"}),
    Stage(
        "report",
        "hpcvox.report.job:run",
        {
            "database": "database",
            "shards": "shards",
            "unet": "unet",
            "vae": "vae",
            "finetuned_unet": FINETUNED,
            "generated": "generated",
            "evaluation": "evaluation",
            "judged": "judged",
            # where there are any, a run's of before or a user's among them
            "screened": "screened",
            "relaxed": "relaxed",
            "out": "report",
        },
    ),
)


def run(settings: PipelineSettings) -> Outcome:
    """Run all stages; each goes on where it was, so a pipeline that was interrupted is simply run again.

    Raises:
        ConfigError: a folder of a stage is set by hand.
        MissingDependencyError: a calculator of ``relax`` is not installed.
    """
    if settings.screen is not None and not _predicts(settings):
        say(
            f"no property is predicted: {settings.train_vae.condition} (train_vae.condition) numbers classes "
            f"(train_vae.bins=0); train_cgcnn.target=COLUMN has one screened"
        )
    stages = stages_of(settings)
    for stage in stages:
        _refuse_folders_set_by_hand(settings, stage)
    _require_calculators(settings)
    with durable.sole_writer(settings.out), kept_cluster():
        config.save(settings, settings.out / "config.yaml")
        timings = _Timings(settings.out / "timings.json")
        status = COMPLETE
        said = []
        for number, stage in enumerate(stages, 1):
            say(f"\n[{number}/{len(stages)}] {stage.verb}")
            start = time.monotonic()
            outcome = run_stage(settings, stage)
            reports = stage.name == "report"  # its words of the crystals end the run
            if outcome.summary and not reports:
                say(outcome.summary)
            if not reports and (words := outcome.summary or _said_by_ranks(settings, stage)):
                said.append(f"  {stage.verb:<15}  {words.splitlines()[-1]}")
            if outcome.exit_status == COMPLETE_WITH_REJECTS:
                status = COMPLETE_WITH_REJECTS
            elif outcome.exit_status != COMPLETE:
                return Outcome(
                    f"pipeline stopped in {stage.verb}: run the same command again", outcome.exit_status
                )
            timings.add(stage.name, time.monotonic() - start)
    page = settings.out / "report" / "report.html"
    total = sum(timings.seconds.values())
    lines = [
        "",
        f"pipeline done in {total / 60:.1f} minutes of work; everything is in {settings.out}:",
        *said,
        *([outcome.summary, f"open {page}"] if reports else []),
    ]
    return Outcome("\n".join(lines), status)


def _require_calculators(settings: PipelineSettings) -> None:
    """Refuse, now and not after hours of training, a calculator that is not installed."""
    for calculation in settings.relax.stages if settings.relax is not None else ():
        require(calculation.calculator)


PLAN: Final = "plan"
"""Folder below ``out`` with the config of each step, where the steps are jobs of their own."""

MAY_FAIL: Final = ("screen", "relax")
"""Stages without which there is a report all the same: where no candidate is left, say."""


def plan(settings: PipelineSettings) -> Outcome:
    """Write the config of every step below ``out/plan``, and say a line a step for a scheduler.

    A line is the step, the verb that does it, its config, the steps that must have ended well before it begins, and
    those that must have ended, well or not; with tabs between them, and commas between steps.

    Raises:
        ConfigError: a folder of a step is set by hand, or ``source`` is not there.
        MissingDependencyError: a calculator of ``relax`` is not installed.
    """
    _require_calculators(settings)
    if settings.source is not None and not settings.source.exists():
        raise ConfigError(f"source={settings.source}: there is no such file or folder")
    stages = stages_of(settings)
    lines = []
    for stage in stages:
        _refuse_folders_set_by_hand(settings, stage)
        job = placed(settings, stage, planned=True)
        path = settings.out / PLAN / f"{stage.name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        config.save(job, path)
        needed = needs(settings, stage, stages[: stages.index(stage)])
        well = [name for name in needed if stage.name != "report" or name not in MAY_FAIL]
        ended = [name for name in needed if name not in well]
        lines.append("\t".join([stage.name, stage.does, str(path), ",".join(well), ",".join(ended)]))
    return Outcome("\n".join(lines))


def stages_of(settings: PipelineSettings) -> list[Stage]:
    """Those that these settings have."""
    left_out = {"database"} if settings.source is not None else set()
    if not _predicts(settings):
        left_out |= {"featurize_graph", "train_cgcnn", "screen"}
    if settings.train_unet is None:
        left_out |= {"train_unet", "finetune_unet"}
    if settings.finetune_unet is None:
        left_out.add("finetune_unet")
    if settings.relax is None:
        left_out.add("relax")
    stages = [stage for stage in STAGES if stage.name not in left_out]
    if settings.until is None:
        return stages
    wanted = {settings.until}
    for stage in reversed(stages):
        if stage.name in wanted:
            wanted |= set(needs(settings, stage, stages))
    return [stage for stage in stages if stage.name in wanted]


def needs(settings: PipelineSettings, stage: Stage, stages: Sequence[Stage]) -> list[str]:
    """The stages, of ``stages``, that make what a stage takes."""
    taken = _taken(placed(settings, stage, planned=True), stage)
    folders = {other.name: settings.out / str(other.folders["out"]) for other in stages if other != stage}
    return [name for name, folder in folders.items() if any(path.is_relative_to(folder) for path in taken)]


def _taken(job: Settings, stage: Stage) -> list[Path]:
    """The folders and files that a stage reads."""
    values = [getattr(job, key) for key in stage.folders if key != "out"]
    if isinstance(job, RelaxSettings):
        values.append(job.known)
    flat = [one for value in values for one in (value if isinstance(value, list) else [value])]
    return [one for one in flat if isinstance(one, Path)]


def run_stage(settings: PipelineSettings, stage: Stage) -> Outcome:
    """Run one stage, or say that it has no candidate to run on."""
    job = placed(settings, stage)
    if isinstance(job, ScreenSettings | RelaxSettings):
        for folder in (settings.out / JUDGED, job.source):  # what is screened may be of a run before
            if not _candidates(folder):
                return Outcome(f"left out: there is no candidate left in {folder}")
    module, function = stage.function.split(":")
    outcome: Outcome = getattr(importlib.import_module(module), function)(job)
    return outcome


def _said_by_ranks(settings: PipelineSettings, stage: Stage) -> str | None:
    """The last words of a training by ranks, one of which has printed them."""
    job = placed(settings, stage)
    return finished.summary(job) if isinstance(job, TrainSettings) else None


def _candidates(folder: Path) -> bool:
    return bool(CifSet(folder).names())


def _refuse_folders_set_by_hand(settings: PipelineSettings, stage: Stage) -> None:
    job: Settings = getattr(settings, stage.name)
    by_hand = sorted(set(stage.folders) & job.model_fields_set)
    if by_hand:
        raise ConfigError(
            f"{stage.name}.{by_hand[0]}: a pipeline keeps its folders below out={settings.out}: "
            f"set out (or source), or run `hpcvox {stage.verb}` by itself"
        )


def placed(settings: PipelineSettings, stage: Stage, planned: bool = False) -> Settings:
    """The stage's settings with its folders set, and what it takes over from others where it is not set by hand.

    Args:
        planned: whether nothing is made yet of what it takes.
    """
    job: Settings = getattr(settings, stage.name)
    update: dict[str, Any] = {
        key: [_place(settings, one) for one in place] if isinstance(place, list) else _place(settings, place)
        for key, place in stage.folders.items()
    }
    by_hand = job.model_fields_set
    taken_over = {
        key: value for key, value in _taken_over(settings, stage, planned).items() if key not in by_hand
    }
    return job.model_copy(update=update | taken_over)


def _place(settings: PipelineSettings, place: str) -> Path | None:
    """Where a folder or file of a stage is."""
    if settings.source is not None and place in (CRYSTALS, "database"):
        return settings.source if place == CRYSTALS else None
    if place == SCREENED and not _predicts(settings):
        place = JUDGED
    if place in ("unet", FINETUNED) and settings.train_unet is None:
        return None
    if place == FINETUNED and settings.finetune_unet is None:
        place = "unet"
    return settings.out / place


def _taken_over(settings: PipelineSettings, stage: Stage, planned: bool) -> dict[str, Any]:
    columns = settings.featurize.model_dump(include={"id_column", "cif_column", "targets"})
    form = {"crystals": settings.crystals}
    match stage.name:
        case "generate" | "judge" | "screen":
            return form
        case "featurize_graph":
            return columns
        case "finetune_unet":
            assert settings.train_unet is not None
            kept = {"epochs", *stage.folders}
            return {name: value for name, value in settings.train_unet if name not in kept}
        case "train_vae":
            return {"condition": settings.train_vae.condition if settings.source else _energy(settings)}
        case "train_cgcnn":
            return {"target": _property(settings)}
        case "relax":  # known crystals are read from the usual column alone
            usual = columns["cif_column"] == RelaxSettings.model_fields["cif_column"].default
            return {"known": _place(settings, CRYSTALS) if usual else None} | form
        case "report":  # what a run before has left is not this one's
            gone = set() if settings.train_unet and settings.finetune_unet else {"finetuned_unet"}
            gone |= set() if planned or _candidates(settings.out / JUDGED) else {"screened", "relaxed"}
            return dict.fromkeys(gone)
    return {}


def _predicts(settings: PipelineSettings) -> bool:
    """Whether there is a screen, and a property for it: where the condition of a user's crystals numbers classes, the
    user has to name one."""
    named = "target" in settings.train_cgcnn.model_fields_set
    classes = settings.source is not None and settings.train_vae.bins == 0
    return settings.screen is not None and (named or not classes)


def _property(settings: PipelineSettings) -> str:
    """What candidates are screened by unless told: what conditions the VAE, if that is no class."""
    vae = settings.train_vae
    if settings.source is not None or ("condition" in vae.model_fields_set and vae.bins):
        return vae.condition
    return _energy(settings)


def _energy(settings: PipelineSettings) -> str:
    """The target of built-in crystals; which energy it is depends on what is installed."""
    card = settings.out / "database" / "database.json"
    if not card.exists():
        # here alone: what draws and relaxes crystals takes a second to load
        from hpcvox.database.energy import chosen
        from hpcvox.database.tables import TARGETS

        return TARGETS[chosen(settings.database)]
    target: str = json.loads(card.read_text("utf-8"))["target"]
    return target


class _Timings:
    """Seconds spent in each stage over all runs of the pipeline, kept for the report."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.seconds: dict[str, float] = json.loads(path.read_text("utf-8")) if path.exists() else {}

    def add(self, stage: str, seconds: float) -> None:
        self.seconds[stage] = round(self.seconds.get(stage, 0.0) + seconds, 1)
        durable.write_json(self.path, self.seconds)
