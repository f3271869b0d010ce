"""Checks the inputs of a training before PyTorch is imported and ranks are launched, so that errors come at once."""

from hpcvox.shards.manifest import Manifest
from hpcvox.shards.reading.shard_set import ShardSet
from hpcvox.training.folder.card import Card, read_card
from hpcvox.training.network import Network
from hpcvox.training.samples import refuse_other
from hpcvox.training.settings import TrainSettings


def require_inputs(settings: TrainSettings) -> Manifest:
    """Check that the shard set and the trained networks exist that a training takes; return the set's manifest.

    Raises:
        ShardError: there is no complete shard set.
        CheckpointError: a folder holds no trained network.
    """
    manifest = Manifest.load(settings.shards)
    for name in settings.takes:
        if (folder := getattr(settings, name)) is not None:
            read_card(folder, Card)
    return manifest


def require_samples(settings: TrainSettings, network: Network) -> None:
    """Check that the shard set has the samples and targets that a training needs; reads these.

    Raises:
        ShardError, ConfigError: it does not.
    """
    shards = ShardSet.open(settings.shards)
    refuse_other(shards, network.descriptor)
    if network.check:
        network.load("check")(settings, shards)
