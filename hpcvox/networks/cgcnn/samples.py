"""What a training of the CGCNN asks of its shard set; loads no PyTorch."""

import numpy as np
from numpy.typing import NDArray

from hpcvox.errors import ConfigError, ShardError
from hpcvox.networks.cgcnn.settings import TrainCGCNNSettings
from hpcvox.shards.reading.shard_set import ShardSet
from hpcvox.training.samples import by_material


def check(settings: TrainCGCNNSettings, shards: ShardSet) -> None:
    """Raise what a training with these settings would be refused for."""
    neighbours(shards)
    train, _ = by_material(settings, shards, known(settings, shards))
    spread(settings, shards, targets(settings, shards)[train])


def targets(settings: TrainCGCNNSettings, shards: ShardSet) -> NDArray[np.float64]:
    """What is to be learnt of every sample, (N,), NaN where it is not known; log10 of the target with ``log``.

    Raises:
        ShardError: there is no such target.
        ConfigError: ``log`` of a value that is not positive.
    """
    values = shards.target(settings.target)
    if not settings.log:
        return values
    wrong = np.flatnonzero(values <= 0)
    if len(wrong):
        first = wrong[0]
        raise ConfigError(
            f"log: {settings.target} is {values[first]:g} for {shards.ids[first]} ({shards.origins[first]}), "
            f"and so or alike for {len(wrong)} of {len(values)} samples: log=true takes values above 0; leave those "
            "samples or their values out of the source and featurize it again, or set log=false"
        )
    return np.log10(values)


def spread(
    settings: TrainCGCNNSettings, shards: ShardSet, values: NDArray[np.float64]
) -> tuple[float, float]:
    """Mean and standard deviation of the ``values`` that are trained on.

    Raises:
        ConfigError: they are all the same.
    """
    mean, std = float(values.mean()), float(values.std())
    if not std:
        raise ConfigError(
            f"target: {settings.target} is {mean:g} for all {len(values)} samples to train on, so that there "
            f"is nothing to learn; other targets of {shards.folder}: {', '.join(shards.target_names)}"
        )
    return mean, std


def neighbours(shards: ShardSet) -> int:
    """Edges a site of a set of graphs."""
    if shards.manifest.descriptor != "graph":
        raise ShardError(
            f"{shards.folder} holds the descriptor {shards.manifest.descriptor}, and a CGCNN takes graphs: "
            "hpcvox featurize configs/featurize_graph.yaml makes them"
        )
    return int(shards.array_shape("neighbours")[0])


def known(settings: TrainCGCNNSettings, shards: ShardSet) -> NDArray[np.bool_]:
    """Which samples, (N,), have a value to learn from."""
    return np.isfinite(targets(settings, shards))
