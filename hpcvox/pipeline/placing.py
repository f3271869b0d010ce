"""Decides which stages a pipeline has, and completes the settings of each: its folders, and values of other stages."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hpcvox.calculators.by_name import require
from hpcvox.config import Settings
from hpcvox.crystals.sources.cif_set import CifSet
from hpcvox.database.summary import TARGETS, DatabaseSummary
from hpcvox.errors import ConfigError
from hpcvox.pipeline.settings import PipelineSettings
from hpcvox.pipeline.stages import CRYSTALS, FINETUNED, JUDGED, SCREENED, STAGES, Stage
from hpcvox.relaxation.settings import RelaxSettings


def stages_of(settings: PipelineSettings) -> list[Stage]:
    """The stages that ``settings`` ask for, in their order."""
    left_out = {"database"} if settings.source is not None else set()
    if not predicts(settings):
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
    """The names of those of ``stages`` whose output ``stage`` reads."""
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


def refuse_folders_set_by_hand(settings: PipelineSettings, stage: Stage) -> None:
    """Raise :class:`ConfigError` if the user has set a folder of the stage."""
    job: Settings = getattr(settings, stage.name)
    by_hand = sorted(set(stage.folders) & job.model_fields_set)
    if by_hand:
        raise ConfigError(
            f"{stage.name}.{by_hand[0]}: a pipeline keeps its folders below out={settings.out}: "
            f"set out (or source), or run `hpcvox {stage.verb}` by itself"
        )


def placed(settings: PipelineSettings, stage: Stage, planned: bool = False) -> Settings:
    """The stage's settings with its folders, and with values of other stages unless the user has set them.

    Args:
        planned: whether the stages before this one have still to run.
    """
    job: Settings = getattr(settings, stage.name)
    update: dict[str, Any] = {
        key: [_place(settings, one) for one in place] if isinstance(place, list) else _place(settings, place)
        for key, place in stage.folders.items()
    }
    if "overwrite" in type(job).model_fields:  # with another setting a step is made again, and those after it
        update["overwrite"] = job.overwrite if "overwrite" in job.model_fields_set else True  # type: ignore[attr-defined]
    by_hand = job.model_fields_set
    taken_over = {
        key: value for key, value in _taken_over(settings, stage, planned).items() if key not in by_hand
    }
    return job.model_copy(update=update | taken_over)


def has_candidates(folder: Path) -> bool:
    """Whether a folder (or archive) of candidates holds at least one crystal."""
    return bool(CifSet(folder).names())


def _place(settings: PipelineSettings, place: str) -> Path | None:
    """The path of a stage's folder or file ``place``; None if these settings have no such stage."""
    if settings.source is not None and place in (CRYSTALS, "database"):
        return settings.source if place == CRYSTALS else None
    if place == SCREENED and not predicts(settings):
        place = JUDGED
    if place in ("unet", FINETUNED) and settings.train_unet is None:
        return None
    if place == FINETUNED and settings.finetune_unet is None:
        place = "unet"
    return settings.out / place


def _taken_over(settings: PipelineSettings, stage: Stage, planned: bool) -> dict[str, Any]:
    columns = settings.featurize.model_dump(include={"id_column", "cif_column", "targets", "targets_file"})
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
        case "relax":  # relax reads known crystals only from a column with the usual name
            usual = columns["cif_column"] == RelaxSettings.model_fields["cif_column"].default
            return {"known": _place(settings, CRYSTALS) if usual else None} | form
        case "report":  # leave out folders that an earlier run has made and this one does not
            gone = set() if settings.train_unet and settings.finetune_unet else {"finetuned_unet"}
            later = {"screened", "relaxed", "hull"}
            gone |= set() if planned or has_candidates(settings.out / JUDGED) else later
            return dict.fromkeys(gone)
    return {}


def predicts(settings: PipelineSettings) -> bool:
    """Whether the pipeline screens candidates by a predicted property.

    If the VAE has no condition, or one that numbers classes, the user must name the property of their crystals.
    """
    named = "target" in settings.train_cgcnn.model_fields_set
    vae = settings.train_vae
    none = settings.source is not None and (vae.bins == 0 or vae.condition is None)
    return settings.screen is not None and (named or not none)


def _property(settings: PipelineSettings) -> str:
    """The property to screen by unless the user names one: the VAE's condition, if that is no class."""
    vae = settings.train_vae
    by_hand = settings.source is not None or ("condition" in vae.model_fields_set and vae.bins)
    if by_hand and vae.condition is not None:
        return vae.condition
    return _energy(settings)


def _energy(settings: PipelineSettings) -> str:
    """The energy target of the built-in crystals; its name depends on which calculator is installed."""
    made = DatabaseSummary.load(settings.out / "database")
    if made is None:
        # imported here: the modules that make and relax crystals take a second to load
        from hpcvox.database.energy import chosen

        return TARGETS[chosen(settings.database)]
    return made.target


def require_calculators(settings: PipelineSettings) -> None:
    """Raise :class:`MissingDependencyError` now, not after hours of training, if a calculator is not installed."""
    for calculation in settings.relax.stages if settings.relax is not None else ():
        require(calculation.calculator)
