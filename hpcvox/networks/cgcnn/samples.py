"""Checks of the shard set, and of another network, before a CGCNN is trained on it; imports no PyTorch."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hpcvox.errors import ConfigError, ShardError
from hpcvox.networks import initial
from hpcvox.networks.cgcnn.card import CGCNNCard
from hpcvox.networks.cgcnn.settings import TrainCGCNNSettings
from hpcvox.shards.reading.shard_set import ShardSet
from hpcvox.terminal import counted
from hpcvox.training.samples import by_material, having


def check(settings: TrainCGCNNSettings, shards: ShardSet) -> None:
    """Raise the error that a training with these settings on this shard set would end with, if any."""
    if settings.initial is not None:
        start_of(settings.initial, settings, neighbours(shards))
    train, _ = by_material(settings, shards, known(settings, shards))
    spread(settings, shards, targets(settings, shards)[train])


def start_of(folder: Path, settings: TrainCGCNNSettings, edges: int) -> CGCNNCard:
    """The card of the network in ``folder``, from whose weights the training starts.

    Args:
        folder: its run folder.
        settings: the settings of the training.
        edges: of every site in the graphs of the training.

    Raises:
        CheckpointError: there is no such network.
        ConfigError: it has another shape, or was trained on other graphs.
    """
    card = initial.card_of(folder, CGCNNCard, settings.model, free=frozenset({"hidden"}))
    if card.neighbours != edges:
        raise ConfigError(
            f"initial: the network of {folder} was trained on graphs of {card.neighbours} neighbours, and "
            f"{settings.shards} has {edges}: featurize with neighbours={card.neighbours}"
        )
    return card


def targets(settings: TrainCGCNNSettings, shards: ShardSet) -> NDArray[np.float64]:
    """The value to learn for every sample, (N,): the target, or with ``log`` its log10; NaN if it is unknown.

    Raises:
        ShardError: there is no such target.
        ConfigError: ``log`` is set and a value is not positive.
    """
    values = shards.target(settings.target)
    if not settings.log:
        return values
    wrong = np.flatnonzero(values <= 0)
    if len(wrong):
        first = wrong[0]
        raise ConfigError(
            f"log: {settings.target} is {values[first]:g} for {shards.ids[first]} ({shards.origins[first]}), "
            f"and {len(wrong)} of {counted(len(values), 'sample')} are not above 0: log=true needs values above 0; "
            "remove those samples or their values from the source and featurize it again, or set log=false"
        )
    return np.log10(values)


def spread(
    settings: TrainCGCNNSettings, shards: ShardSet, values: NDArray[np.float64]
) -> tuple[float, float]:
    """Mean and standard deviation of ``values``, those of the training samples.

    Raises:
        ConfigError: all values are the same.
    """
    mean, std = float(values.mean()), float(values.std())
    if not std:
        raise ConfigError(
            f"target: {settings.target} is {mean:g} for all of {counted(len(values), 'training sample')}, so there "
            f"is nothing to learn; other targets of {shards.folder}: {', '.join(shards.target_names)}"
        )
    return mean, std


def neighbours(shards: ShardSet) -> int:
    """Number of edges of every site in a shard set of graphs.

    Raises:
        ShardError: the set is of another descriptor.
    """
    if shards.manifest.descriptor != "graph":
        raise ShardError(
            f"{shards.folder} holds the descriptor {shards.manifest.descriptor}, but a CGCNN needs graphs: "
            "hpcvox featurize configs/featurize_graph.yaml makes them"
        )
    return int(shards.array_shape("neighbours")[0])


def known(settings: TrainCGCNNSettings, shards: ShardSet) -> NDArray[np.bool_]:
    """Which samples have a value to learn, (N,) bool."""
    if settings.log:
        return np.isfinite(targets(settings, shards))
    return having(shards, settings.target)
