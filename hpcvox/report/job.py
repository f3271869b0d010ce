"""`hpcvox report`: reads the folders of a run and writes one page."""

from datetime import datetime

from hpcvox import config
from hpcvox.errors import SourceError
from hpcvox.files import durable
from hpcvox.process.outcome import Outcome
from hpcvox.report import (
    candidates,
    data,
    density,
    evaluation,
    files,
    latent,
    networks,
    overview,
    page,
    paper,
    selection,
    training,
    verdict,
)
from hpcvox.report.reading import open_folder
from hpcvox.report.settings import ReportSettings

PAGE = "report.html"
FIGURES = "figures"


def run(settings: ReportSettings) -> Outcome:
    """Write ``out/report.html``; a part without its folder has its section say so.

    Raises:
        SourceError: not one of the folders is there.
    """
    database = open_folder("database", settings.database)
    shards = open_folder("featurize", settings.shards)
    vae = open_folder("train-vae", settings.vae)
    generated = open_folder("generate", settings.generated)
    evaluated = open_folder("evaluate", settings.evaluation)
    folders = [database, shards, vae, generated, evaluated]
    # what not every run has: left out where it is not there
    unets = [
        (name, title, folder)
        for name, title, path in (
            ("unet", "Training the UNet", settings.unet),
            ("finetuned_unet", "Fine-tuning the UNet", settings.finetuned_unet),
        )
        if not (folder := open_folder("train-unet", path)).problem
    ]
    chosen = [
        (section, folder)
        for section, verb, path in (
            (selection.funnel, "judge", settings.judged),
            (selection.screened, "screen", settings.screened),
            (selection.relaxed, "relax", settings.relaxed),
        )
        if not (folder := open_folder(verb, path)).problem
    ]
    folders += [*(folder for *_, folder in unets), *(folder for _, folder in chosen)]
    predictors = networks.folders(settings.networks, open_folder("screen", settings.screened))
    folders += predictors
    if all(folder.problem for folder in folders):
        names = ", ".join(str(folder.path) for folder in folders if folder.path is not None) or "(all null)"
        raise SourceError(
            f"there is nothing to report: none of {names} is a folder with files; name at least one of "
            "database, shards, vae, generated, evaluation (as database=runs/database)"
        )
    predicted = networks.section(predictors)
    with durable.sole_writer(settings.out):
        target = settings.out / PAGE
        decoded = density.decoded_section(generated, settings.densities)
        said = verdict.section(folders)
        sections = [
            *([said] if said is not None else []),
            overview.section(folders),
            data.database(database, settings.table_rows),
            data.featurization(shards, settings.table_rows),
            training.section("vae", "Training the VAE", vae),
            *(training.section(*unet) for unet in unets),
            density.section(vae, settings.densities),
            *latent.sections(vae, shards, settings.latent, settings.interpolations),
            candidates.section(generated, target, settings.crystals, settings.downloads, settings.table_rows),
            *([decoded] if decoded is not None else []),
            *(section(folder, settings.table_rows, settings.downloads) for section, folder in chosen),
            *([predicted] if predicted is not None else []),
            evaluation.section(evaluated, settings.table_rows),
            files.section(folders, target),
        ]
        drawn = (
            paper.write(sections, vae, settings.densities, settings.out / FIGURES) if settings.figures else 0
        )
        made = datetime.now().astimezone().strftime("%Y-%m-%d %H:%M %Z")
        text = page.render(settings.title, made, sections)
        config.save(settings, settings.out / "config.yaml")
        durable.write_text(target, text)
    missing = [section.title for section in sections if section.missing]
    absent = f"; nothing to show for: {', '.join(missing)}" if missing else ""
    pictures = f", {drawn} figures as PNG and SVG in {settings.out / FIGURES}" if drawn else ""
    words = f"report: {target} ({len(text.encode()) / 1e6:.1f} MB){pictures}{absent}"
    return Outcome("\n".join([*verdict.lines(folders), words]))
