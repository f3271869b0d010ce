"""What a training on diffraction fingerprints asks of its shard set; loads no PyTorch."""

import numpy as np
from numpy.typing import NDArray

from hpcvox.errors import ShardError
from hpcvox.networks.fingerprint.settings import TrainFingerprintSettings
from hpcvox.shards.reading.shard_set import ShardSet
from hpcvox.training.samples import Samples, by_material


def check(settings: TrainFingerprintSettings, shards: ShardSet) -> None:
    """Raise what a training with these settings would be refused for."""
    train, _ = by_material(settings, shards, usable(settings, shards))
    refuse_empty(settings, shards, labels(settings, shards)[train])


def refuse_empty(settings: TrainFingerprintSettings, shards: ShardSet, trained: Samples) -> None:
    """Raise :class:`ShardError` where a class has no sample among those that are ``trained`` on, given as classes."""
    empty = set(range(len(settings.classes))) - set(trained.tolist())
    if empty:
        names = list(settings.classes)
        raise ShardError(
            f"{settings.shards} has no sample to train on of {', '.join(names[i] for i in sorted(empty))}: "
            f"its values of {settings.target} are {_values(settings, shards)}; set classes to what there is"
        )


def labels(settings: TrainFingerprintSettings, shards: ShardSet) -> NDArray[np.int64]:
    """Class of each sample by its value of the target, (N,); -1: of none."""
    values = shards.target(settings.target)
    out = np.full(len(values), -1)
    for number, members in enumerate(settings.classes.values()):
        out[np.isin(values, members)] = number
    return out


def usable(settings: TrainFingerprintSettings, shards: ShardSet) -> NDArray[np.bool_]:
    """Which samples, (N,), are of a class.

    Raises:
        ShardError: none is.
    """
    usable = labels(settings, shards) >= 0
    if not usable.any():
        raise ShardError(
            f"{settings.shards} has no sample of a class: its values of {settings.target} are "
            f"{_values(settings, shards)}; set classes to what there is"
        )
    return usable


def _values(settings: TrainFingerprintSettings, shards: ShardSet) -> str:
    values = shards.target(settings.target)
    found = np.unique(values[np.isfinite(values)])
    return ", ".join(f"{value:g}" for value in found[:10]) + (" …" if len(found) > 10 else "")
