"""Checks of the shard set before a network is trained on its R3DVS; imports no PyTorch."""

import numpy as np
from numpy.typing import NDArray

from hpcvox.errors import ConfigError
from hpcvox.networks.r3dvs.settings import TrainR3DVSSettings
from hpcvox.shards.reading.shard_set import ShardSet
from hpcvox.training.samples import all_samples, by_material, having


def check(settings: TrainR3DVSSettings, shards: ShardSet) -> None:
    """Raise the error that a training with these settings on this shard set would end with, if any."""
    those = usable(settings, shards)
    if settings.task == "rotation":
        refuse_few(settings, shards)
    else:
        by_material(settings, shards, those)


def usable(settings: TrainR3DVSSettings, shards: ShardSet) -> NDArray[np.bool_]:
    """Which samples have the target to learn, (N,) bool; with task=rotation all samples."""
    if settings.task == "rotation":
        return all_samples(settings, shards)
    return having(shards, settings.target)


def refuse_few(settings: TrainR3DVSSettings, shards: ShardSet) -> None:
    """Raise :class:`ConfigError` if the shard set has fewer crystals than the network shall recognise."""
    if shards.n_samples < settings.crystals:
        raise ConfigError(f"crystals: {settings.crystals}, but {settings.shards} has only {shards.n_samples}")
