"""Checks of the shard set, and of other networks, before a UNet is trained on it; imports no PyTorch."""

import numpy as np
from numpy.typing import NDArray

from hpcvox.networks import initial
from hpcvox.networks.maps import MapKind, fitting, require_same
from hpcvox.networks.unet.card import UNetCard
from hpcvox.networks.unet.settings import TrainUNetSettings
from hpcvox.networks.vae.card import VAECard
from hpcvox.networks.vae.samples import reconstructed
from hpcvox.shards.reading.shard_set import ShardSet
from hpcvox.training.folder.card import read_card
from hpcvox.training.samples import all_samples, by_material


def check(settings: TrainUNetSettings, shards: ShardSet) -> None:
    """Raise the error that a training with these settings on this shard set would end with, if any."""
    kind = fitting(settings.model, shards)
    require_networks(settings, kind)
    by_material(settings, shards, usable(settings, shards))


def require_networks(settings: TrainUNetSettings, kind: MapKind) -> None:
    """Check that the trained networks which a training takes fit its maps, of this kind, by their cards.

    Raises:
        CheckpointError: there is no such network.
        ConfigError: it was trained on other maps, or cannot be started from.
    """
    if settings.initial is not None:
        start = initial.card_of(settings.initial, UNetCard, settings.model)
        require_same(kind, settings.shards, start, settings.initial, "set initial to one trained on such")
    if settings.vae is not None:
        card = read_card(settings.vae, VAECard)
        require_same(kind, settings.shards, card, settings.vae, "train both on one shard set")


def usable(settings: TrainUNetSettings, shards: ShardSet) -> NDArray[np.bool_]:
    """Which samples can be trained on, (N,) bool: all; with ``vae`` those that have a value of its condition."""
    return all_samples(settings, shards) if settings.vae is None else reconstructed(settings.vae, shards)
