"""``hpcvox reproduce``: does the steps of a paper's experiments that are not done, writes its page and its table."""

import shlex
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

from hpcvox import __version__, config, scalars
from hpcvox.errors import SummaryError
from hpcvox.files import durable
from hpcvox.process.outcome import INTERRUPTED, Outcome
from hpcvox.process.settings_files import CONFIG
from hpcvox.registry import loaded
from hpcvox.report.drawing.chart import Gallery
from hpcvox.reproduction.experiment import Experiment, Work, beside
from hpcvox.reproduction.papers import PAPERS
from hpcvox.reproduction.settings import ReproduceSettings
from hpcvox.reproduction.steps import Steps, StoppedError
from hpcvox.reproduction.summary import Made, ReproductionSummary
from hpcvox.terminal import counted

FIGURES: Final = "figures"


def run(settings: ReproduceSettings) -> Outcome:
    """Repeat the experiments that ``settings`` name; what is done already is not done again.

    Raises:
        SourceError: the data cannot be read.
        ConfigError: the settings do not fit the data.
    """
    steps = Steps(settings.folder)
    work: Work = loaded(PAPERS[settings.paper].work)(settings, steps)
    if settings.plan:
        return Outcome(_planned(work, steps))
    durable.make_folder(settings.folder)
    try:
        did = _worked(work, steps)
    except StoppedError:
        return Outcome(
            f"interrupted; what is done is in {settings.folder}: run the same command again to go on",
            INTERRUPTED,
        )
    summary = _summary(settings, work, steps)
    if did == 0 and _earlier(settings) == summary and all(page.exists() for page in _pages(settings)):
        return Outcome(f"nothing to do: {_told(settings, summary)}")
    galleries = {one.name: one.pictures() for one in work.experiments}
    drawn = _write(settings, summary, galleries)
    return Outcome(
        f"reproduce {settings.paper}: {counted(did, 'step')} done; {_told(settings, summary, drawn)}"
    )


def _worked(work: Work, steps: Steps) -> int:
    """Do what is left: first the steps that all experiments need, then the others; on one Ray."""
    others = [step for one in work.experiments for step in one.steps]
    if not steps.left([*work.before, *others]):
        return 0
    # imported here: an outcome without work takes no second
    from hpcvox.actors.cluster import kept_cluster

    with kept_cluster():
        return steps.work_through(work.before) + steps.work_through(others)


def _planned(work: Work, steps: Steps) -> str:
    """The steps of each experiment, and how many are left."""
    parts = [("what all need", list(work.before)), *((one.name, list(one.steps)) for one in work.experiments)]
    lines = []
    for name, of_part in parts:
        names = list(dict.fromkeys(step.name for step in of_part))
        left = {step.name for step in steps.left(of_part)}
        lines.append(f"{name}: {counted(len(names), 'step')}, {len(left):,} to do")
        lines += [f"  {'to do' if one in left else 'done ':<6} {one}" for one in names]
    every = [step for _, of_part in parts for step in of_part]
    total = len({step.name for step in every})
    lines.append(
        f"in all {counted(total, 'step')}, {len(steps.left(every)):,} to do; steps of several count once"
    )
    return "\n".join(lines)


def _summary(settings: ReproduceSettings, work: Work, steps: Steps) -> ReproductionSummary:
    return ReproductionSummary(
        hpcvox=__version__,
        paper=settings.paper,
        title=PAPERS[settings.paper].title,
        command=_command(settings),
        size=settings.size,
        facts=dict(work.facts()),
        quantities=dict(work.quantities),
        reduced=list(work.reduced),
        experiments=[_made(one, steps) for one in work.experiments],
    )


def _earlier(settings: ReproduceSettings) -> ReproductionSummary | None:
    """The summary that is there; None if there is none, or one of another version, which is written anew."""
    try:
        return ReproductionSummary.load(settings.folder)
    except SummaryError:
        return None


def _made(experiment: Experiment, steps: Steps) -> Made:
    measured = experiment.measure()
    return Made(
        name=experiment.name,
        title=experiment.title,
        about=experiment.about,
        needs=list(experiment.needs),
        makes=list(experiment.makes),
        axis=experiment.axis,
        axes=dict(experiment.axes),
        rows=beside(measured.rows, experiment.values, experiment.better),
        claims=list(measured.claims),
        figures=list(measured.figures),
        pictures=list(measured.pictures),
        crystals=dict(measured.crystals),
        steps=len({step.name for step in experiment.steps}),
        seconds=steps.seconds(experiment.steps),
    )


def _command(settings: ReproduceSettings) -> str:
    """The command that repeats this, with the settings that were given."""
    usual = type(settings).model_validate({}).model_dump(mode="json")
    given = {
        key: value
        for key, value in settings.model_dump(mode="json").items()
        if value != usual[key] and key not in ("paper", "experiments")
    }
    words = [scalars.line(key, value).replace(": ", "=", 1) for key, value in given.items()]
    return shlex.join(["hpcvox", "reproduce", settings.paper, *settings.experiments, *words])


def _pages(settings: ReproduceSettings) -> tuple[Path, Path]:
    return settings.folder / f"{settings.paper}.html", settings.folder / f"{settings.paper}.md"


def _write(
    settings: ReproduceSettings, summary: ReproductionSummary, galleries: Mapping[str, Sequence[Gallery]]
) -> int:
    """Write page, table, figures and summary; return the number of figures."""
    # imported here: what draws takes two seconds to load
    from hpcvox.report import page as html
    from hpcvox.report import paper
    from hpcvox.reproduction import drawn, markdown, page

    sections = page.sections(summary, galleries)
    made = datetime.now().astimezone().strftime("%Y-%m-%d %H:%M %Z")
    place, table = _pages(settings)
    with durable.sole_writer(settings.folder, patience_s=60):
        count = paper.write_pictures(drawn.pictures(sections), settings.folder / FIGURES)
        durable.write_text(place, html.render(summary.title, made, sections))
        durable.write_text(table, markdown.text(summary))
        config.save(settings, settings.folder / CONFIG)
        summary.save(settings.folder)
    return count


def _told(settings: ReproduceSettings, summary: ReproductionSummary, drawn: int | None = None) -> str:
    """What was written where."""
    place, table = _pages(settings)
    figures = (
        "" if drawn is None else f", {counted(drawn, 'figure')} as PNG and SVG in {settings.folder / FIGURES}"
    )
    claims = [claim.holds for made in summary.experiments for claim in made.claims]
    judged = ""
    if claims:
        judged = (
            f"; of {counted(len(claims), 'claim')} {claims.count(True)} hold here, {claims.count(False)} do not, "
            f"{claims.count(None)} stay open"
        )
    return f"page {place}, table {table}{figures}{judged}"
