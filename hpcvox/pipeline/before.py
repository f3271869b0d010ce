"""Checks before the first stage of a pipeline starts whether a later stage would refuse the user's crystals."""

from collections.abc import Sequence

import numpy as np

from hpcvox.errors import ConfigError, did_you_mean
from hpcvox.featurize.forecast import Forecast, forecast
from hpcvox.featurize.job import opened
from hpcvox.networks.vae.bins import class_edges, quantile_edges
from hpcvox.pipeline.placing import placed
from hpcvox.pipeline.settings import PipelineSettings
from hpcvox.pipeline.stages import Stage
from hpcvox.shards.split import split

_ASKED = {"train_vae": "condition", "train_cgcnn": "target"}
"""Stages with a setting that names a target of the crystals, and that setting."""


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
            f"source: {len(usable)} crystals of {source} can be used, of which {train} would be trained on and "
            f"{test} held out: both are needed; give more crystals, or another train_vae.held_out_fraction"
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
