"""Which steps of a pipeline that was run before are made again, and why, told before they are."""

from collections.abc import Sequence

from hpcvox import config
from hpcvox.files import earlier
from hpcvox.pipeline.placing import needs, placed
from hpcvox.pipeline.settings import PipelineSettings
from hpcvox.pipeline.stages import Stage
from hpcvox.terminal import say


def made_again(settings: PipelineSettings, stages: Sequence[Stage]) -> list[str]:
    """A line for each step whose settings are not those of what is there, and for each of those after it."""
    verbs: dict[str, str] = {}
    lines = []
    for number, stage in enumerate(stages):
        job = placed(settings, stage)
        folder = settings.out / str(stage.folders["out"])
        if stage.name == "report" or not earlier.holds_results(folder, job.makes):
            continue
        told = config.changes(job, folder, job.may_change())
        after = [verbs[name] for name in needs(settings, stage, stages[:number]) if name in verbs]
        if told or after:
            verbs[stage.name] = stage.verb
            why = told or [f"it takes what {one} makes" for one in after]
            lines.append(f"{stage.verb} is made again: {', '.join(why)}")
    return lines


def tell(settings: PipelineSettings, stages: Sequence[Stage]) -> None:
    """Say :func:`made_again`."""
    for line in made_again(settings, stages):
        say(line, error=True)
