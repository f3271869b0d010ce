"""Chooses the samples of a shard set for a training; imports no PyTorch, so that errors come before that."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpcvox.errors import ShardError
from hpcvox.shards.reading.held_out import held_out
from hpcvox.shards.reading.shard_set import ShardSet
from hpcvox.shards.selection import Selection, packed
from hpcvox.terminal import counted


def by_material(settings: Any, shards: ShardSet, usable: NDArray[np.bool_]) -> tuple[Selection, Selection]:
    """Divide samples into training and held-out ones; all crystals of one formula are on the same side.

    Args:
        settings: those of the training.
        shards: its shard set.
        usable: which samples can be trained on, (N,).

    Raises:
        ShardError: one of the sides is empty.
    """
    taken, out = packed(usable), held_out(shards, settings.seed, settings.held_out_fraction)
    train, test = Selection(taken & ~out), Selection(taken & out)
    if not (len(train) and len(test)):
        raise ShardError(
            f"{settings.shards} has {counted(len(train), 'sample')} to train on and {len(test)} held out: "
            "both are needed; featurize more crystals or change held_out_fraction"
        )
    return train, test


def all_samples(settings: Any, shards: ShardSet) -> NDArray[np.bool_]:
    """Every sample is usable: (N,) bool, all True, in the memory of one; not to be written to."""
    return np.broadcast_to(np.True_, shards.n_samples)


def having(shards: ShardSet, target: str) -> NDArray[np.bool_]:
    """Which samples have a value of ``target``, (N,) bool; not to be written to.

    Raises:
        ShardError: no sample has one.
    """
    return all_samples(None, shards) if shards.has_whole(target) else np.isfinite(shards.target(target))


def refuse_other(shards: ShardSet, descriptor: str) -> None:
    """Raise :class:`ShardError` unless ``shards`` holds ``descriptor``."""
    if shards.manifest.descriptor != descriptor:
        raise ShardError(
            f"{shards.folder} holds the descriptor {shards.manifest.descriptor}, but {descriptor} is needed here: "
            f"make such a set with `hpcvox featurize descriptor={descriptor}`"
        )
