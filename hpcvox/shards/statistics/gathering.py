"""Computes the statistics of a shard set: a record for each shard, and then the joined result (:mod:`.file` saves it).

Integers are counted.  For floating-point numbers each sample gives its own sums, which depend only on that sample.
``math.fsum`` adds these up and rounds once.  So the result has the same bits, whichever rank reads which shard.
Means and deviations are those of the training samples (:func:`hpcvox.shards.split.split`), so that a network learns
nothing about held-out samples from them.
"""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hpcvox.errors import ShardError
from hpcvox.shards.half import from_half
from hpcvox.shards.manifest import Manifest, ShardLine, shards_digest
from hpcvox.shards.reading.shard_file import ShardFile
from hpcvox.shards.split import split as held_out_of
from hpcvox.shards.statistics.file import Range, Sites, Split, Spread, Statistics, TargetSpread
from hpcvox.shards.verify import verify_shard

DECILES = np.linspace(0, 1, 11)
ELEMENTS = 119  # atomic numbers, including 0 (no atom)


class Moments(NamedTuple):
    """Sums over an array of the training samples of a shard."""

    values: int
    """How many numbers one sample has."""
    sums: NDArray[np.float64]
    """(m,): sum over each sample."""
    squares: NDArray[np.float64]
    """(m,): sum of the squared deviations from the sample's own mean."""
    least: float
    greatest: float


class ShardRecord(NamedTuple):
    """The contribution of one shard."""

    samples: int
    training_samples: int
    moments: dict[str, Moments]
    species: NDArray[np.int64] | None
    """(119,): number of voxels of each atomic number in the training samples."""
    targets: dict[str, NDArray[np.float64]]
    """(k,): finite values of each target in the training samples."""
    lengths: tuple[float, float]
    """Shortest and longest edge of a cell in Å, over all samples; ``sites``: least, greatest and total number."""
    sites: tuple[int, int, int]


def gather(folder: Path, line: ShardLine, split: Split) -> ShardRecord:
    """The contribution of the shard of ``line``, after checking all its checksums.

    Raises:
        ShardError: the shard is missing, damaged, or does not fit its line.
    """
    path = folder / line.file
    try:
        with ShardFile(path) as shard:
            for damage in verify_shard(path, line):
                raise ShardError(
                    f"{path}: {damage.sample or 'the file'}: {damage.what}. Run the same `hpcvox featurize` again, "
                    "which rebuilds this shard alone, then this"
                )
            return _gather(shard, split)
    except OSError as error:
        raise ShardError(f"{path} cannot be read ({error})") from error


def _gather(shard: ShardFile, split: Split) -> ShardRecord:
    training = ~held_out_of(shard.texts("formula"), *split)
    chosen = np.flatnonzero(training).tolist()
    fixed = {name: place for name, place in shard.arrays.items() if place.starts is None}
    targets = {name: values[training] for name, values in shard.targets().items()}
    lengths = np.linalg.norm(shard.cells(), axis=-1)
    sites = np.diff(shard.sites().offsets)
    return ShardRecord(
        samples=shard.n_samples,
        training_samples=len(chosen),
        moments={
            name: _moments(shard, name, chosen) for name, place in fixed.items() if place.dtype.kind == "f"
        },
        species=_species(shard, chosen) if "species" in fixed else None,
        targets={name: values[np.isfinite(values)] for name, values in targets.items()},
        lengths=(float(lengths.min()), float(lengths.max())),
        sites=(int(sites.min()), int(sites.max()), int(sites.sum())),
    )


def _moments(shard: ShardFile, name: str, chosen: Sequence[int]) -> Moments:
    sums, squares = np.zeros(len(chosen)), np.zeros(len(chosen))
    least, greatest, dataset = math.inf, -math.inf, shard.file[name]
    size = math.prod(dataset.shape[1:])
    for row, sample in enumerate(chosen):
        values = _wide(dataset[sample])
        least, greatest = min(least, float(values.min())), max(greatest, float(values.max()))
        sums[row] = values.sum()
        squares[row] = np.square(values - sums[row] / size).sum()
    return Moments(size, sums, squares, least, greatest)


def _wide(values: NDArray[Any]) -> NDArray[np.float64]:
    """The numbers of a sample, converted exactly to float64."""
    if values.dtype == np.float16:
        half, values = values, np.empty(values.shape, np.float32)
        from_half(half, values)
    return values.astype(np.float64).reshape(-1)


def _species(shard: ShardFile, chosen: Sequence[int]) -> NDArray[np.int64]:
    counts, dataset = np.zeros(ELEMENTS, np.int64), shard.file["species"]
    for sample in chosen:
        found = np.bincount(dataset[sample].ravel(), minlength=ELEMENTS)
        if len(found) > ELEMENTS:
            raise ShardError(
                f"{shard.path}: species of sample {sample} has {len(found) - 1}, which is no element"
            )
        counts += found
    return counts


def finish(records: Sequence[ShardRecord], manifest: Manifest, split: Split) -> Statistics:
    """The statistics of a set from the records of its shards, in their order.

    Raises:
        ShardError: no sample is trained on.
    """
    training_samples = sum(record.training_samples for record in records)
    samples = sum(record.samples for record in records)
    if not training_samples:
        raise ShardError(
            f"all of the {samples} samples are held out, and statistics are of those that are not: "
            "featurize more crystals or change held_out_fraction"
        )
    lengths, sites = [record.lengths for record in records], [record.sites for record in records]
    return Statistics(
        shards_digest=shards_digest(manifest.shards),
        seed=split.seed,
        held_out_fraction=split.held_out_fraction,
        samples=samples,
        training_samples=training_samples,
        arrays={name: _spread([record.moments[name] for record in records]) for name in records[0].moments},
        species=_counted([record.species for record in records if record.species is not None]),
        targets={
            name: _target_spread([record.targets[name] for record in records if name in record.targets])
            for name in sorted({name for record in records for name in record.targets})
        },
        cell_lengths=Range(min=min(low for low, _ in lengths), max=max(high for _, high in lengths)),
        sites=Sites(
            min=min(fewest for fewest, _, _ in sites),
            mean=sum(together for _, _, together in sites) / samples,
            max=max(most for _, most, _ in sites),
        ),
    )


def _counted(parts: Sequence[NDArray[np.int64]]) -> dict[int, int] | None:
    if not parts:
        return None
    return {number: count for number, count in enumerate(np.stack(parts).sum(0).tolist()) if count}


def _spread(parts: Sequence[Moments]) -> Spread:
    """Mean and deviation of an array, from deviations within samples and of samples' means, so that nothing cancels."""
    size = parts[0].values
    sums = np.concatenate([part.sums for part in parts])
    squares = np.concatenate([part.squares for part in parts])
    count = size * len(sums)
    mean = math.fsum(sums.tolist()) / count
    between = math.fsum((size * np.square(sums / size - mean)).tolist())
    return Spread(
        count=count,
        mean=mean,
        std=math.sqrt((math.fsum(squares.tolist()) + between) / count),
        min=min(part.least for part in parts),
        max=max(part.greatest for part in parts),
    )


def _target_spread(parts: Sequence[NDArray[np.float64]]) -> TargetSpread | None:
    values = np.concatenate(parts)
    if not len(values):
        return None
    # scaling by a power of two is exact, and then squares of large numbers do not overflow
    exponent = math.frexp(np.abs(values).max())[1]
    scaled = np.ldexp(values, -exponent)
    mean = math.fsum(scaled.tolist()) / len(scaled)
    std = math.sqrt(math.fsum(np.square(scaled - mean).tolist()) / len(scaled))
    return TargetSpread(
        count=len(values),
        mean=math.ldexp(mean, exponent),
        std=math.ldexp(std, exponent),
        min=float(values.min()),
        max=float(values.max()),
        deciles=np.quantile(values, DECILES).tolist(),
    )
