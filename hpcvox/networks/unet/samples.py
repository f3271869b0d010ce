"""Checks of the shard set before a UNet is trained on it; imports no PyTorch."""

import numpy as np
from numpy.typing import NDArray

from hpcvox.networks.maps import fitting
from hpcvox.networks.unet.settings import TrainUNetSettings
from hpcvox.networks.vae.samples import reconstructed
from hpcvox.shards.reading.shard_set import ShardSet
from hpcvox.training.samples import all_samples, by_material


def check(settings: TrainUNetSettings, shards: ShardSet) -> None:
    """Raise the error that a training with these settings on this shard set would end with, if any."""
    fitting(settings.model, shards)
    by_material(settings, shards, usable(settings, shards))


def usable(settings: TrainUNetSettings, shards: ShardSet) -> NDArray[np.bool_]:
    """Which samples can be trained on, (N,) bool: all; with ``vae`` those that have a value of its condition."""
    return all_samples(settings, shards) if settings.vae is None else reconstructed(settings.vae, shards)
