"""What a training of the UNet asks of its shard set; loads no PyTorch."""

import numpy as np
from numpy.typing import NDArray

from hpcvox.networks.maps import MapKind
from hpcvox.networks.unet.settings import TrainUNetSettings
from hpcvox.networks.vae.samples import reconstructed
from hpcvox.shards.reading.shard_set import ShardSet
from hpcvox.training.samples import all_samples, by_material


def check(settings: TrainUNetSettings, shards: ShardSet) -> None:
    """Raise what a training with these settings would be refused for."""
    MapKind.of_shards(shards)
    by_material(settings, shards, usable(settings, shards))


def usable(settings: TrainUNetSettings, shards: ShardSet) -> NDArray[np.bool_]:
    """All, or those that have the condition with which the VAE decodes."""
    return all_samples(settings, shards) if settings.vae is None else reconstructed(settings.vae, shards)
