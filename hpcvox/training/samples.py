"""Which samples of a shard set a training takes; no PyTorch is loaded, so that mistakes are told before it is."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hpcvox.errors import ShardError
from hpcvox.shards.reading.shard_set import ShardSet
from hpcvox.shards.split import split

Samples = NDArray[np.int64]


def by_material(settings: Any, shards: ShardSet, usable: NDArray[np.bool_]) -> tuple[Samples, Samples]:
    """Training and held-out samples: all crystals of one formula are on one side.

    Raises:
        ShardError: one side is empty.
    """
    held_out = split(shards.formulas, settings.seed, settings.held_out_fraction)
    train, test = np.flatnonzero(usable & ~held_out), np.flatnonzero(usable & held_out)
    if not (len(train) and len(test)):
        raise ShardError(
            f"{settings.shards} has {len(train)} samples to train on and {len(test)} held out: "
            "both are needed; featurize more crystals or change held_out_fraction"
        )
    return train, test


def all_samples(settings: Any, shards: ShardSet) -> NDArray[np.bool_]:
    """Every sample is usable."""
    return np.ones(shards.n_samples, bool)


def refuse_other(shards: ShardSet, descriptor: str) -> None:
    """Raise :class:`ShardError` unless ``shards`` holds ``descriptor``."""
    if shards.manifest.descriptor != descriptor:
        raise ShardError(
            f"{shards.folder} holds the descriptor {shards.manifest.descriptor}, and {descriptor} is needed here: "
            f"make such a set with `hpcvox featurize descriptor={descriptor}`"
        )
