"""Checks shard set and other networks before a VAE is trained, or a trained one is used; imports no PyTorch."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hpcvox.errors import ConfigError
from hpcvox.networks import initial
from hpcvox.networks.maps import MapKind, fitting, require_same
from hpcvox.networks.vae.bins import UNCONDITIONED, class_edges, quantile_edges
from hpcvox.networks.vae.card import VAECard
from hpcvox.networks.vae.settings import TrainVAESettings
from hpcvox.shards.reading.shard_set import ShardSet
from hpcvox.shards.selection import Samples
from hpcvox.shards.statistics.file import Split, statistics_for
from hpcvox.training.folder.card import read_card
from hpcvox.training.network import find
from hpcvox.training.samples import all_samples, by_material, having


def check(settings: TrainVAESettings, shards: ShardSet) -> None:
    """Raise the error that a training with these settings on this shard set would end with, if any."""
    kind = fitting(settings.model, shards)
    train, _ = by_material(settings, shards, conditioned(settings, shards))
    require_networks(settings, kind, len(edges(settings, shards, train)) - 1)


def require_networks(settings: TrainVAESettings, kind: MapKind, conditions: int) -> None:
    """Check that the trained networks which a training takes fit its maps and its conditions, by their cards.

    Args:
        settings: the settings of the training.
        kind: the maps of its shard set.
        conditions: how many bins its condition has.

    Raises:
        CheckpointError: there is no such network.
        ConfigError: it was trained on other maps, or cannot be started from.
    """
    if settings.unet is not None:
        card = read_card(settings.unet, find("unet").load("card"))
        require_same(kind, settings.shards, card, settings.unet, "train both on one shard set")
    if settings.initial is not None:
        _require_start(settings.initial, settings, kind, conditions)


def _require_start(folder: Path, settings: TrainVAESettings, kind: MapKind, conditions: int) -> None:
    card = initial.card_of(folder, VAECard, settings.model)
    if card.conditions != conditions:
        raise ConfigError(
            f"initial: the network of {folder} has {card.conditions} conditions, this one {conditions}: "
            f"set bins={card.conditions}"
        )
    do = "set initial to one trained on such"
    require_same(kind, settings.shards, card, folder, do)
    if card.oblique != kind.oblique:
        raise ConfigError(
            f"{settings.shards} has right-angled cells alone, and {folder} was trained on oblique ones, too: {do}"
        )


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
