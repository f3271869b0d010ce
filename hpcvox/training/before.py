"""What a training would be refused for, told before PyTorch is loaded and ranks are launched: once, and at once."""

from hpcvox.shards.manifest import Manifest
from hpcvox.shards.reading.shard_set import ShardSet
from hpcvox.training.folder.card import Card, read_card
from hpcvox.training.network import Network
from hpcvox.training.samples import refuse_other
from hpcvox.training.settings import TrainSettings


def require_inputs(settings: TrainSettings) -> Manifest:
    """See that the shard set and the trained networks that a training takes are there.

    Raises:
        ShardError: there is no whole shard set.
        CheckpointError: a folder holds no trained network.
    """
    manifest = Manifest.load(settings.shards)
    for name in settings.takes:
        if (folder := getattr(settings, name)) is not None:
            read_card(folder, Card)
    return manifest


def require_samples(settings: TrainSettings, network: Network) -> None:
    """See that the shard set has the samples and targets that a training asks for; reads those.

    Raises:
        ShardError, ConfigError: it has not.
    """
    shards = ShardSet.open(settings.shards)
    refuse_other(shards, network.descriptor)
    if network.check:
        network.load("check")(settings, shards)
