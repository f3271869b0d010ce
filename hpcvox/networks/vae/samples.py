"""Checks of the shard set before a VAE is trained on it, or a trained one used on it; imports no PyTorch."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hpcvox.networks.maps import fitting
from hpcvox.networks.vae.bins import UNCONDITIONED, class_edges, quantile_edges
from hpcvox.networks.vae.card import VAECard
from hpcvox.networks.vae.settings import TrainVAESettings
from hpcvox.shards.reading.shard_set import ShardSet
from hpcvox.shards.selection import Samples
from hpcvox.shards.statistics.file import Split, statistics_for
from hpcvox.training.folder.card import read_card
from hpcvox.training.samples import all_samples, by_material, having


def check(settings: TrainVAESettings, shards: ShardSet) -> None:
    """Raise the error that a training with these settings on this shard set would end with, if any."""
    fitting(settings.model, shards)
    train, _ = by_material(settings, shards, conditioned(settings, shards))
    edges(settings, shards, train)


def edges(
    settings: TrainVAESettings, shards: ShardSet, train: Samples, warn: bool = False
) -> NDArray[np.float64]:
    """Edges of the bins of the condition, (bins + 1,) float64, computed from the training samples.

    Args:
        settings: the settings of the training.
        shards: its shard set.
        train: numbers of the training samples.
        warn: warn if the statistics of the set belong to another split.

    Raises:
        ConfigError: there are too few different values, or too many to number classes.
    """
    if settings.condition is None:
        return np.array(UNCONDITIONED)
    if settings.edges is not None:
        return np.array(settings.edges)
    values = shards.target(settings.condition)[train]
    if not settings.bins:
        return class_edges(values)
    known = statistics_for(shards.folder, Split(settings.seed, settings.held_out_fraction), warn=warn)
    spread = known.targets.get(settings.condition) if known is not None else None
    return quantile_edges(values, settings.bins, spread.deciles if spread is not None else ())


def conditioned(settings: TrainVAESettings, shards: ShardSet) -> NDArray[np.bool_]:
    """Which samples have a value of the condition, (N,) bool."""
    return _having(shards, settings.condition)


def reconstructed(folder: Path, shards: ShardSet) -> NDArray[np.bool_]:
    """Which samples the VAE in ``folder`` can reconstruct, (N,) bool: those with a value of its condition."""
    return _having(shards, read_card(folder, VAECard).condition)


def _having(shards: ShardSet, condition: str | None) -> NDArray[np.bool_]:
    return all_samples(None, shards) if condition is None else having(shards, condition)
