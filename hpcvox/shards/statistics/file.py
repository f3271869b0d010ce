"""``statistics.json``, beside a manifest: what :mod:`.gathering` found out about the shard set."""

from pathlib import Path
from typing import Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, ValidationError

from hpcvox.errors import ShardError
from hpcvox.files import durable, regular
from hpcvox.shards.manifest import MAX_BYTES, Manifest
from hpcvox.shards.writing.virtual import shards_digest
from hpcvox.terminal import say

FILE = "statistics.json"
_DO = "run `hpcvox statistics` on the set"


class Split(NamedTuple):
    """What decides which samples are trained on."""

    seed: int
    held_out_fraction: float


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Spread(_Part):
    """Of the numbers of an array, or the values of a target; ``std`` divides by their count."""

    count: int
    mean: float
    std: float
    min: float
    max: float


class TargetSpread(Spread):
    """``deciles``: the 11 edges of bins with equally many values."""

    deciles: list[float]


class Range(_Part):
    """Of a quantity of all samples."""

    min: float
    max: float


class Sites(_Part):
    """Sites in a cell, of all samples."""

    min: int
    mean: float
    max: int


class Statistics(_Part):
    """Contents of ``statistics.json``."""

    format: Literal["hpcvox-statistics"] = "hpcvox-statistics"
    version: Literal[1] = 1
    shards_digest: str
    seed: int
    held_out_fraction: float
    samples: int
    training_samples: int
    arrays: dict[str, Spread]
    species: dict[int, int] | None
    """Voxels of each atomic number that occurs; null where the set has no such array."""
    targets: dict[str, TargetSpread | None]
    """Null where no training sample has a value."""
    cell_lengths: Range
    sites: Sites

    @property
    def split(self) -> Split:
        """Of which samples these are."""
        return Split(self.seed, self.held_out_fraction)

    def save(self, folder: Path) -> None:
        """Write ``statistics.json`` into the shard set in ``folder``, whole or not at all."""
        durable.write_json(folder / FILE, self.model_dump(mode="json"))


def read_statistics(folder: Path) -> Statistics | None:
    """The statistics of the shard set in ``folder``; None where none were made.

    Raises:
        ShardError: the file is damaged or of a set that has changed since, or there is no whole set.
    """
    path = folder / FILE
    try:
        found = Statistics.model_validate_json(regular.read_text(path, MAX_BYTES))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ShardError(f"{path} cannot be read ({error}): {_DO}") from None
    except UnicodeDecodeError as error:
        raise ShardError(f"{path} is damaged ({error}): {_DO} again") from None
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise ShardError(
            f"{path} is damaged ({f'{where}: ' if where else ''}{first['msg']}): {_DO} again"
        ) from None
    if found.shards_digest != shards_digest(Manifest.load(folder).shards):
        raise ShardError(f"{path} is of other shards than the set has now: {_DO} again")
    return found


def statistics_for(folder: Path, split: Split, warn: bool = True) -> Statistics | None:
    """The statistics of the training samples of ``split``; None where there are none that can be used.

    Args:
        warn: say on standard error why a file that is there is of no use.
    """
    try:
        found = read_statistics(folder)
    except ShardError as error:
        if warn:
            say(f"warning: {error}", error=True)
        return None
    return found if found is not None and found.split == split else None
