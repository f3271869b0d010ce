"""``hpcvox pipeline plan``: writes the config of each step, and prints which steps it waits for, for a scheduler."""

from typing import Final

from hpcvox import config
from hpcvox.errors import ConfigError
from hpcvox.files import durable
from hpcvox.pipeline.again import tell
from hpcvox.pipeline.placing import needs, placed, refuse_folders_set_by_hand, require_calculators, stages_of
from hpcvox.pipeline.settings import PipelineSettings
from hpcvox.process.outcome import Outcome

PLAN: Final = "plan"
"""Folder below ``out`` with the config of each step, when each step is a job of its own."""

MAY_FAIL: Final = ("screen", "relax")
"""Stages that the report can do without: they do nothing if, say, no candidate is left."""


def plan(settings: PipelineSettings) -> Outcome:
    """Write the config of every step below ``out/plan``, and return one line for each step, for a scheduler.

    A line has five fields with tabs between them: the step; its verb; its config; the steps that must have succeeded
    before it starts; the steps that must have ended, with success or not.  Commas separate steps.

    Raises:
        ConfigError: the user has set a folder of a step, ``source`` does not exist, or a step would refuse it.
        MissingDependencyError: a calculator of ``relax`` is not installed.
    """
    require_calculators(settings)
    if settings.source is not None and not settings.source.exists():
        raise ConfigError(f"source={settings.source}: there is no such file or folder")
    stages = stages_of(settings)
    # imported here: the modules that read crystals take a second to load
    from hpcvox.pipeline.before import require_settings, require_targets

    require_settings(settings, stages)
    require_targets(settings, stages)
    durable.make_folder(settings.out)
    tell(settings, stages)
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
