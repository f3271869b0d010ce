"""What a training on R3DVS asks of its shard set; loads no PyTorch."""

import numpy as np
from numpy.typing import NDArray

from hpcvox.errors import ConfigError
from hpcvox.networks.r3dvs.settings import TrainR3DVSSettings
from hpcvox.shards.reading.shard_set import ShardSet
from hpcvox.training.samples import all_samples, by_material


def check(settings: TrainR3DVSSettings, shards: ShardSet) -> None:
    """Raise what a training with these settings would be refused for."""
    those = usable(settings, shards)
    if settings.task == "rotation":
        refuse_few(settings, shards)
    else:
        by_material(settings, shards, those)


def usable(settings: TrainR3DVSSettings, shards: ShardSet) -> NDArray[np.bool_]:
    """Which samples, (N,), have what is learnt."""
    if settings.task == "rotation":
        return all_samples(settings, shards)
    return np.isfinite(shards.target(settings.target))


def refuse_few(settings: TrainR3DVSSettings, shards: ShardSet) -> None:
    """Raise :class:`ConfigError` where there are fewer crystals than are to be told apart."""
    if shards.n_samples < settings.crystals:
        raise ConfigError(f"crystals: {settings.crystals}, and {settings.shards} has {shards.n_samples}")
