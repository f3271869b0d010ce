"""Chooses the samples of a shard set for a training; imports no PyTorch, so that errors come before that."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpcvox.errors import ShardError
from hpcvox.shards.reading.shard_set import ShardSet
from hpcvox.shards.split import split
from hpcvox.terminal import counted

Samples = NDArray[np.int64]


def by_material(settings: Any, shards: ShardSet, usable: NDArray[np.bool_]) -> tuple[Samples, Samples]:
    """Divide samples into training and held-out ones; all crystals of one formula are on the same side.

    Raises:
        ShardError: one of the sides is empty.
    """
    held_out = split(shards.formulas, settings.seed, settings.held_out_fraction)
    train, test = np.flatnonzero(usable & ~held_out), np.flatnonzero(usable & held_out)
    if not (len(train) and len(test)):
        raise ShardError(
            f"{settings.shards} has {counted(len(train), 'sample')} to train on and {len(test)} held out: "
            "both are needed; featurize more crystals or change held_out_fraction"
        )
    return train, test


def all_samples(settings: Any, shards: ShardSet) -> NDArray[np.bool_]:
    """Every sample is usable: (N,) bool, all True."""
    return np.ones(shards.n_samples, bool)


def refuse_other(shards: ShardSet, descriptor: str) -> None:
    """Raise :class:`ShardError` unless ``shards`` holds ``descriptor``."""
    if shards.manifest.descriptor != descriptor:
        raise ShardError(
            f"{shards.folder} holds the descriptor {shards.manifest.descriptor}, but {descriptor} is needed here: "
            f"make such a set with `hpcvox featurize descriptor={descriptor}`"
        )
