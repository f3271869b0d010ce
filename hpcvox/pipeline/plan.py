"""``pipeline plan``: the config of each step, and what it waits for, for a scheduler."""

from typing import Final

from hpcvox import config
from hpcvox.errors import ConfigError
from hpcvox.pipeline.placing import needs, placed, refuse_folders_set_by_hand, require_calculators, stages_of
from hpcvox.pipeline.settings import PipelineSettings
from hpcvox.process.outcome import Outcome

PLAN: Final = "plan"
"""Folder below ``out`` with the config of each step, where the steps are jobs of their own."""

MAY_FAIL: Final = ("screen", "relax")
"""Stages without which there is a report all the same: where no candidate is left, say."""


def plan(settings: PipelineSettings) -> Outcome:
    """Write the config of every step below ``out/plan``, and say a line a step for a scheduler.

    A line is the step, the verb that does it, its config, the steps that must have ended well before it begins, and
    those that must have ended, well or not; with tabs between them, and commas between steps.

    Raises:
        ConfigError: a folder of a step is set by hand, ``source`` is not there, or a step would be refused.
        MissingDependencyError: a calculator of ``relax`` is not installed.
    """
    require_calculators(settings)
    if settings.source is not None and not settings.source.exists():
        raise ConfigError(f"source={settings.source}: there is no such file or folder")
    stages = stages_of(settings)
    # here alone: what reads crystals takes a second to load
    from hpcvox.pipeline.before import require_targets

    require_targets(settings, stages)
    lines = []
    for stage in stages:
        refuse_folders_set_by_hand(settings, stage)
        job = placed(settings, stage, planned=True)
        path = settings.out / PLAN / f"{stage.name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        config.save(job, path)
        needed = needs(settings, stage, stages[: stages.index(stage)])
        well = [name for name in needed if stage.name != "report" or name not in MAY_FAIL]
        ended = [name for name in needed if name not in well]
        lines.append("\t".join([stage.name, stage.does, str(path), ",".join(well), ",".join(ended)]))
    return Outcome("\n".join(lines))
