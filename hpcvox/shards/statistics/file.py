"""``statistics.json``, beside a manifest: the statistics of a shard set from :mod:`.gathering`."""

from pathlib import Path
from typing import Literal, NamedTuple

from pydantic import BaseModel, ConfigDict

from hpcvox.errors import ShardError
from hpcvox.files.summary import Summary
from hpcvox.shards.manifest import MAX_BYTES, Manifest, shards_digest
from hpcvox.terminal import say

FILE = "statistics.json"
_DO = "run `hpcvox statistics` on the set"


class Split(NamedTuple):
    """The settings that decide which samples are trained on."""

    seed: int
    held_out_fraction: float


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Spread(_Part):
    """Spread of the numbers of an array, or of the values of a target; ``std`` divides by their count n, not n - 1."""

    count: int
    mean: float
    std: float
    min: float
    max: float


class TargetSpread(Spread):
    """Spread of a target; ``deciles`` are the 11 edges of ten bins with equally many values."""

    deciles: list[float]


class Range(_Part):
    """Range of a quantity over all samples."""

    min: float
    max: float


class Sites(_Part):
    """Number of sites in a cell, over all samples."""

    min: int
    mean: float
    max: int


class Statistics(Summary):
    """Contents of ``statistics.json``."""

    FILE = FILE
    MAX_BYTES = MAX_BYTES
    ERROR = ShardError
    DO = f"{_DO} again"
    model_config = ConfigDict(extra="forbid")

    format: Literal["hpcvox-statistics"] = "hpcvox-statistics"
    version: Literal[1] = 1
    shards_digest: str
    seed: int
    held_out_fraction: float
    samples: int
    training_samples: int
    arrays: dict[str, Spread]
    species: dict[int, int] | None
    """Number of voxels of each atomic number that occurs; null if the set has no species array."""
    targets: dict[str, TargetSpread | None]
    """Spread of each target; null if no training sample has a value."""
    cell_lengths: Range
    sites: Sites

    @property
    def split(self) -> Split:
        """The split to whose training samples the statistics belong."""
        return Split(self.seed, self.held_out_fraction)


def read_statistics(folder: Path) -> Statistics | None:
    """The statistics of the shard set in ``folder``; None where none were made.

    Raises:
        ShardError: the file is damaged or of a set that has changed since, or there is no whole set.
    """
    found = Statistics.load(folder)
    if found is None:
        return None
    if found.shards_digest != shards_digest(Manifest.load(folder).shards):
        raise ShardError(f"{folder / FILE} is of other shards than the set has now: {_DO} again")
    return found


def statistics_for(folder: Path, split: Split, warn: bool = True) -> Statistics | None:
    """The statistics of the training samples of ``split``; None if there are none, or they cannot be used.

    Args:
        folder: the shard set.
        split: the split of the training.
        warn: warn on standard error if there is a file that cannot be used, with the reason.
    """
    try:
        found = read_statistics(folder)
    except ShardError as error:
        if warn:
            say(f"warning: {error}", error=True)
        return None
    return found if found is not None and found.split == split else None
