"""Divides the values of a target into bins, the classes that condition a VAE."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hpcvox.errors import ConfigError
from hpcvox.shards.reading.shard_set import ShardSet
from hpcvox.terminal import counted

MAX_CLASSES = 100


UNCONDITIONED: Final = (0.0, 0.0)
"""Edges of the only bin of a network without a condition."""


def condition_of(shards: ShardSet, condition: str | None) -> NDArray[np.float64]:
    """The target that conditions each sample, (N,) float64: NaN if the sample has none; all 0 if ``condition`` is None.

    Raises:
        ShardError: there is no such target.
    """
    return np.zeros(shards.n_samples) if condition is None else shards.target(condition)


def quantile_edges(
    values: NDArray[np.float64], bins: int, known: Sequence[float] = ()
) -> NDArray[np.float64]:
    """Edges of ``bins`` bins with equally many of ``values``, (bins + 1,) float64.

    Args:
        values: the target of the training samples.
        bins: number of bins.
        known: the deciles from the statistics of the set; they are used if there are as many bins.

    Raises:
        ConfigError: there are fewer different values than bins, or a bin has none of them.
    """
    given = len(known) == bins + 1
    edges = np.array(known) if given else np.quantile(values, np.linspace(0, 1, bins + 1))
    if len(np.unique(edges)) <= bins:
        raise ConfigError(
            f"bins: {bins} quantile bins need more different values of the condition than the "
            f"{len(np.unique(values))} there are in the training set: choose fewer bins"
        )
    empty = bins - len(np.unique(bin_of(values, edges)))
    # an error, for `generate` draws crystals for every bin, and of such a one the network would have learnt nothing
    if empty:
        raise ConfigError(
            f"bins: of {bins} quantile bins {empty} would have none of the "
            f"{counted(len(values), 'training sample')}, and what has no sample cannot be learnt: choose fewer bins"
        )
    return edges


def class_edges(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Edges of bins with one of the different ``values`` each, half-way between neighbours, (classes + 1,) float64.

    Raises:
        ConfigError: there are more different values than classes are allowed.
    """
    classes = np.unique(values)
    if len(classes) > MAX_CLASSES:
        raise ConfigError(
            f"bins=0 is for a condition that numbers classes, {MAX_CLASSES} at most, but this one has "
            f"{len(classes)} different values in the training set: give a number of quantile bins"
        )
    return np.concatenate([classes[:1], (classes[1:] + classes[:-1]) / 2, classes[-1:]])


def bin_of(values: NDArray[np.float64], edges: NDArray[np.float64]) -> NDArray[np.int64]:
    """The bin of each value, (N,) int64, 0 to bins - 1; values beyond the outer edges belong to the outer bins."""
    return np.searchsorted(edges[1:-1], values, side="right").astype(np.int64)
