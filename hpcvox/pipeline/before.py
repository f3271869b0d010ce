"""Checks before the first stage of a pipeline starts whether a later stage would refuse the user's crystals."""

from collections.abc import Container, Sequence
from typing import Any

import numpy as np

from hpcvox import inputs
from hpcvox.errors import ConfigError, did_you_mean
from hpcvox.featurize.forecast import Forecast, forecast
from hpcvox.featurize.job import opened
from hpcvox.networks.vae.bins import class_edges, quantile_edges
from hpcvox.networks.vae.card import VAECard
from hpcvox.pipeline.placing import placed
from hpcvox.pipeline.settings import PipelineSettings
from hpcvox.pipeline.stages import Stage
from hpcvox.screening.columns import column_of, require_formation_energy
from hpcvox.screening.expression import parse
from hpcvox.screening.hull import require_columns
from hpcvox.screening.settings import ScreenSettings
from hpcvox.screening.summary import OF_CRYSTALS, Column, identifier
from hpcvox.shards.split import split
from hpcvox.terminal import counted
from hpcvox.training.folder.card import read_card
from hpcvox.training.folder.shipped import located

_ASKED = {"train_vae": "condition", "train_cgcnn": "target"}
"""Stages with a setting that names a target of the crystals, and that setting."""


def require_settings(settings: PipelineSettings, stages: Sequence[Stage]) -> None:
    """See that the settings of later steps fit those before them, and that what they name to read is there.

    Raises:
        ConfigError: they do not.
        CheckpointError: what a VAE starts from is no trained one.
    """
    by_name = {stage.name: stage for stage in stages}
    for stage in stages:
        job = getattr(settings, stage.name)
        inputs.require(job, job.model_fields_set - set(stage.folders), f"{stage.name}.")
    if "featurize" in by_name:
        _require_fitting_voxels(settings, by_name)
    if "generate" in by_name:
        _require_deciles(settings)
    if "screen" in by_name and settings.screen is not None:
        _require_columns(settings.screen, placed(settings, by_name["train_cgcnn"], planned=True))


def _require_fitting_voxels(settings: PipelineSettings, stages: Container[str]) -> None:
    """See that UNet and VAE, and the one that the VAE's training starts from, are for voxels as they will be."""
    initial, made, unet = settings.train_vae.initial, settings.featurize, settings.train_unet
    if (
        unet is not None
        and "train_unet" in stages
        and (misfit := unet.model.misfit(made.voxels, "train_unet.model."))
    ):
        raise ConfigError(misfit)
    if "train_vae" not in stages:
        return
    if initial is None:
        if misfit := settings.train_vae.model.misfit(made.voxels, "train_vae.model."):
            raise ConfigError(misfit)
        return
    card = read_card(located(initial), VAECard)
    if (card.grid, card.voxels) != (made.grid, made.voxels):
        raise ConfigError(
            f"train_vae.initial={initial} is for {card.voxels}³ {card.grid} voxels, and featurize makes {made.voxels}³ "
            f"{made.grid} ones: set featurize.voxels={card.voxels} featurize.grid={card.grid}, or train without it"
        )


def _require_deciles(settings: PipelineSettings) -> None:
    """See that the bins that crystals are to be drawn for are among those of the VAE."""
    vae, wanted = settings.train_vae, settings.generate.conditions
    given = vae.bins if vae.edges is None else len(vae.edges) - 1
    count = 1 if vae.condition is None else given  # 0: as many as there are classes
    if wanted is not None and count and max(wanted) >= count:
        raise ConfigError(
            f"generate.conditions: {max(wanted)} is none of the {counted(count, 'bin')} of the VAE, numbered from 0 "
            "(train_vae.bins)"
        )


def _require_columns(screen: ScreenSettings, network: Any) -> None:
    """See that what the screen asks of candidates is among their columns."""
    hull = [] if screen.references is None else [Column.HULL]
    if hull:
        require_formation_energy(screen, [network.target], "screen.")
        try:
            require_columns(screen)
        except ConfigError as error:
            raise ConfigError(f"screen.{error}") from None
    columns = [*OF_CRYSTALS, column_of(network.target), *hull]
    names = [identifier(column) for column in columns]
    if screen.where is not None:
        parse(screen.where, names, "screen.where")
    if screen.rank is not None and screen.rank not in {*names, *columns}:
        near = did_you_mean(screen.rank, names)
        raise ConfigError(
            f"screen.rank: there will be no column {screen.rank}: {near}valid: {', '.join(names)}"
        )


def require_targets(settings: PipelineSettings, stages: Sequence[Stage]) -> None:
    """Check that the user's crystals have the targets that the trainings need; reads only the first crystals.

    Raises:
        SourceError: the source cannot be opened, or is empty.
        ConfigError: a target is missing; or no crystal can be used, or too few to train on some and hold out others.
    """
    by_name = {stage.name: stage for stage in stages}
    if settings.source is None or "featurize" not in by_name:
        return
    featurize = settings.featurize.model_copy(update={"source": settings.source})
    source = opened(featurize)
    source.refuse_empty()
    seen = forecast(featurize)
    if seen is None:
        return
    known = sorted({*source.target_names, *(name for one in seen.crystals for name in one.targets)})
    for name, key in _ASKED.items():
        if name in by_name:
            wanted = getattr(placed(settings, by_name[name], planned=True), key)
            if wanted is not None and seen.crystals and wanted not in known:
                raise ConfigError(
                    f"{name}.{key}={wanted}: {settings.source} has no such target: {did_you_mean(wanted, known)}"
                    f"valid: {', '.join(known) or 'none'}{_without(name)}"
                )
    if seen.whole:
        _require_enough(settings, seen, "train_vae" in by_name)


def _without(name: str) -> str:
    return (
        "; train_vae.condition=null trains without one"
        if name == "train_vae"
        else "; screen=null does without"
    )


def _require_enough(settings: PipelineSettings, seen: Forecast, trains: bool) -> None:
    """Check that the usable crystals of a small source can be split, and fill the bins of the condition."""
    source, vae = settings.source, settings.train_vae
    if not seen.crystals:
        raise ConfigError(f"source: {seen.warning(str(source)) or f'no crystal of {source} can be used'}")
    if not trains:
        return
    usable = [one for one in seen.crystals if vae.condition is None or vae.condition in one.targets]
    held_out = split([one.formula for one in usable], vae.seed, vae.held_out_fraction)
    train, test = int((~held_out).sum()), int(held_out.sum())
    if not (train and test):
        raise ConfigError(
            f"source: of {counted(len(usable), 'crystal')} of {source} that can be used {train} would be trained on "
            f"and {test} held out: both are needed; give more crystals, or another train_vae.held_out_fraction"
        )
    if vae.condition is None or vae.edges is not None:
        return
    values = np.array(
        [one.targets[vae.condition] for one, out in zip(usable, held_out, strict=True) if not out]
    )
    try:
        _ = quantile_edges(values, vae.bins) if vae.bins else class_edges(values)
    except ConfigError as error:
        raise ConfigError(f"train_vae.{error}") from None
