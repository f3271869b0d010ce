"""``hpcvox pipeline``: runs the stages in turn; each goes on where an earlier run stopped."""

import importlib
import time

from hpcvox import scalars
from hpcvox.actors.cluster import kept_cluster
from hpcvox.files import durable
from hpcvox.files.timings import FILE as TIMINGS
from hpcvox.files.timings import Timings
from hpcvox.pipeline.again import tell
from hpcvox.pipeline.placing import (
    has_candidates,
    placed,
    predicts,
    refuse_folders_set_by_hand,
    require_calculators,
    stages_of,
)
from hpcvox.pipeline.settings import PipelineSettings
from hpcvox.pipeline.stages import JUDGED, Stage
from hpcvox.process.outcome import COMPLETE, COMPLETE_WITH_REJECTS, Outcome
from hpcvox.process.settings_files import CONFIG
from hpcvox.relaxation.settings import RelaxSettings
from hpcvox.screening.settings import ScreenSettings
from hpcvox.terminal import say
from hpcvox.training.folder import finished
from hpcvox.training.settings import TrainSettings


def run(settings: PipelineSettings) -> Outcome:
    """Run all stages.  Each goes on where it was, so an interrupted pipeline can simply be run again.

    Raises:
        ConfigError: the user has set a folder of a stage, or a later stage would refuse the crystals.
        MissingDependencyError: a calculator of ``relax`` is not installed.
    """
    if settings.screen is not None and not predicts(settings):
        condition = settings.train_vae.condition
        why = f"{condition} (train_vae.condition) numbers classes (train_vae.bins=0)"
        if condition is None:
            why = "train_vae.condition=null"
        say(f"no property is predicted: {why}; train_cgcnn.target=COLUMN has one screened")
    stages = stages_of(settings)
    for stage in stages:
        refuse_folders_set_by_hand(settings, stage)
    require_calculators(settings)
    # imported here: the modules that read crystals take a second to load
    from hpcvox.pipeline.before import require_settings, require_targets

    require_settings(settings, stages)
    require_targets(settings, stages)
    with durable.sole_writer(settings.out), kept_cluster():
        tell(settings, stages)
        _save(settings)
        timings = Timings.load(settings.out / TIMINGS)
        status = COMPLETE
        said = []
        for number, stage in enumerate(stages, 1):
            say(f"\n[{number}/{len(stages)}] {stage.verb}")
            start = time.monotonic()
            outcome = run_stage(settings, stage)
            reports = stage.name == "report"  # what it says about the crystals is printed last
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
            timings.add(stage.name, time.monotonic() - start, settings.out / TIMINGS)
    page = settings.out / "report" / "report.html"
    lines = [
        "",
        f"pipeline done in {timings.total / 60:.1f} minutes of work; everything is in {settings.out}:",
        *said,
        *([outcome.summary, f"open {page}"] if reports else []),
    ]
    return Outcome("\n".join(lines), status)


def _save(settings: PipelineSettings) -> None:
    """Write what was given, and no more: so ``hpcvox pipeline OUT/config.yaml`` goes on, with changes after it."""
    given = settings.model_dump(mode="json", exclude_unset=True) | {"out": str(settings.out)}
    durable.write_text(settings.out / CONFIG, scalars.written(given))


def run_stage(settings: PipelineSettings, stage: Stage) -> Outcome:
    """Run one stage, or say that it has no candidate to run on."""
    job = placed(settings, stage)
    if isinstance(job, ScreenSettings | RelaxSettings):
        for folder in (settings.out / JUDGED, job.source):  # the screened crystals may be of an earlier run
            if not has_candidates(folder):
                return Outcome(f"left out: there is no candidate left in {folder}")
    module, function = stage.function.split(":")
    outcome: Outcome = getattr(importlib.import_module(module), function)(job)
    return outcome


def _said_by_ranks(settings: PipelineSettings, stage: Stage) -> str | None:
    """The last words of a training by ranks; None if it was none.  One of the ranks has printed them."""
    job = placed(settings, stage)
    return finished.summary(job) if isinstance(job, TrainSettings) else None
