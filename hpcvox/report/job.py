"""``hpcvox report``: reads the folders of a run and writes one page."""

from datetime import datetime

from hpcvox import config
from hpcvox.files import durable
from hpcvox.process.outcome import Outcome
from hpcvox.process.settings_files import CONFIG
from hpcvox.report.settings import ReportSettings, require_any
from hpcvox.terminal import counted

PAGE = "report.html"
FIGURES = "figures"


def run(settings: ReportSettings) -> Outcome:
    """Write ``out/report.html``; the section of a missing folder says that it is missing.

    Raises:
        SourceError: none of the folders exists.
        SummaryError: ``timings`` cannot be read.
    """
    require_any(settings)
    # here alone: what draws takes two seconds to load, too long for who has named a folder wrongly
    from hpcvox.report import contents, page, paper
    from hpcvox.report.run import open_run
    from hpcvox.report.sections import verdict

    target = settings.out / PAGE
    shown = open_run(settings, target)
    with durable.sole_writer(settings.out):
        sections = contents.sections(shown)
        drawn = (
            paper.write(sections, shown.vae, settings.densities, settings.out / FIGURES)
            if settings.figures
            else 0
        )
        made = datetime.now().astimezone().strftime("%Y-%m-%d %H:%M %Z")
        text = page.render(settings.title, made, sections)
        config.save(settings, settings.out / CONFIG)
        durable.write_text(target, text)
    missing = [section.title for section in sections if section.missing]
    absent = f"; nothing to show for: {', '.join(missing)}" if missing else ""
    pictures = f", {counted(drawn, 'figure')} as PNG and SVG in {settings.out / FIGURES}" if drawn else ""
    words = f"report: {target} ({len(text.encode()) / 1e6:.1f} MB){pictures}{absent}"
    return Outcome("\n".join([*verdict.lines(shown), words]))
