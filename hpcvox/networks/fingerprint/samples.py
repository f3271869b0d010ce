"""Checks of the shard set before a network is trained on its diffraction fingerprints; imports no PyTorch."""

import numpy as np
from numpy.typing import NDArray

from hpcvox.errors import ShardError
from hpcvox.networks.fingerprint.settings import TrainFingerprintSettings
from hpcvox.shards.reading.shard_set import ShardSet
from hpcvox.training.samples import by_material


def check(settings: TrainFingerprintSettings, shards: ShardSet) -> None:
    """Raise the error that a training with these settings on this shard set would end with, if any."""
    train, _ = by_material(settings, shards, usable(settings, shards))
    refuse_empty(settings, shards, labels(settings, shards)[train])


def refuse_empty(settings: TrainFingerprintSettings, shards: ShardSet, trained: NDArray[np.int64]) -> None:
    """Raise :class:`ShardError` if a class has no training sample; ``trained`` holds the class of each of these."""
    empty = set(range(len(settings.classes))) - set(trained.tolist())
    if empty:
        names = list(settings.classes)
        raise ShardError(
            f"{settings.shards} has no training sample of {', '.join(names[i] for i in sorted(empty))}: "
            f"its values of {settings.target} are {_values(settings, shards)}; set classes to these values"
        )


def labels(settings: TrainFingerprintSettings, shards: ShardSet) -> NDArray[np.int64]:
    """Class of each sample according to its target, (N,) int64; -1 if it belongs to no class."""
    values = shards.target(settings.target)
    out = np.full(len(values), -1)
    for number, members in enumerate(settings.classes.values()):
        out[np.isin(values, members)] = number
    return out


def usable(settings: TrainFingerprintSettings, shards: ShardSet) -> NDArray[np.bool_]:
    """Which samples belong to a class, (N,) bool.

    Raises:
        ShardError: no sample does.
    """
    usable = labels(settings, shards) >= 0
    if not usable.any():
        raise ShardError(
            f"{settings.shards} has no sample of any class: its values of {settings.target} are "
            f"{_values(settings, shards)}; set classes to these values"
        )
    return usable


def _values(settings: TrainFingerprintSettings, shards: ShardSet) -> str:
    values = shards.target(settings.target)
    found = np.unique(values[np.isfinite(values)])
    return ", ".join(f"{value:g}" for value in found[:10]) + (" …" if len(found) > 10 else "")
