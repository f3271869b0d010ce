"""A shard set as a sequence of samples, and as a data set that PyTorch's ``DataLoader`` takes."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, overload

import numpy as np
from ase import Atoms
from numpy.typing import NDArray

from hpcvox.api.structures import to_ase
from hpcvox.crystals.record import Crystal
from hpcvox.shards.layout import CELL, SAMPLE
from hpcvox.shards.reading.shard_set import ShardSet
from hpcvox.terminal import counted

if TYPE_CHECKING:
    from hpcvox.api.dataset import SampleDataset


class Sample(NamedTuple):
    """One crystal of a shard set."""

    id: str
    formula: str
    atoms: Atoms
    targets: dict[str, float]  # the targets for which it has a value
    arrays: dict[
        str, NDArray[Any]
    ]  # in their dtypes on disk; a ragged array has, for example, a row for each site


class Shards(Sequence[Sample]):
    """The samples of a shard set, in the order of the source; ``[i]`` reads a sample, a slice gives a part of the set.

    Samples are not kept in memory.  ``set`` is the :class:`hpcvox.shards.reading.shard_set.ShardSet` that trainings
    use.
    """

    def __init__(
        self,
        shards: ShardSet,
        indices: Sequence[int] | None = None,
        values: dict[str, NDArray[np.float64]] | None = None,
    ) -> None:
        self.set = shards
        self._values = (
            {} if values is None else values
        )  # values of targets that were requested; slices share them
        self.indices: Sequence[int] = range(len(shards)) if indices is None else indices
        """Numbers of these samples in the whole set."""

    def __len__(self) -> int:
        return len(self.indices)

    @overload
    def __getitem__(self, place: int) -> Sample: ...
    @overload
    def __getitem__(self, place: slice) -> "Shards": ...
    def __getitem__(self, place: int | slice) -> "Sample | Shards":
        """One sample, or those of a slice."""
        if isinstance(place, slice):
            return Shards(self.set, self.indices[place], self._values)
        try:
            return self._sample(self.indices[place])
        except IndexError:
            raise IndexError(f"sample {place} of {len(self)} of {self.set.folder}") from None

    def __iter__(self) -> Iterator[Sample]:
        return map(self._sample, self.indices)

    def __repr__(self) -> str:
        manifest, whole = self.set.manifest, len(self.set)
        part = "" if len(self) == whole else f" of {whole:,}"
        targets = ", ".join(self.targets) or "none"
        arrays = ", ".join(self.arrays) if whole else "none"
        return (
            f"<{self.set.folder}: {len(self):,}{part} × {manifest.descriptor} in "
            f"{counted(len(manifest.shards), 'shard')}; arrays: {arrays}; targets: {targets}>"
        )

    @property
    def arrays(self) -> list[str]:
        """Names of the arrays of a sample."""
        return [name for name in self.set.array_names if name != CELL.name]

    @property
    def targets(self) -> list[str]:
        """Names of the targets."""
        return self.set.target_names

    def target(self, name: str) -> NDArray[np.float64]:
        """Values of a target, (N,) float64; NaN for samples without a value.

        Raises:
            ShardError: no sample has such a target.
        """
        return self._of_all(name)[np.asarray(self.indices, np.int64)]

    def array(self, name: str) -> NDArray[Any]:
        """Read an array of all these samples at once, (N, ...) in its dtype on disk.

        Raises:
            ShardError: there is no array of this name.
            ValueError: it is ragged.
        """
        return self.set.read_array(name, np.asarray(self.indices, np.int64))

    def dataset(self, *arrays: str, target: str | None = None) -> "SampleDataset":
        """Make a map-style data set for ``torch.utils.data.DataLoader``.

        Args:
            arrays: names of arrays that have the same shape for all samples; none: all such arrays.
            target: a target that is added to each sample; samples without a value are left out.

        Raises:
            ShardError: there is no such array or target.
        """
        from hpcvox.api.dataset import SampleDataset

        arrays = arrays or tuple(n for n in self.arrays if not self._ragged(n))
        values = None if target is None else self.target(target)
        return SampleDataset(self.set, self.indices, arrays, values)

    def _of_all(self, name: str) -> NDArray[np.float64]:
        if name not in self._values:
            self._values[name] = self.set.target(name)
        return self._values[name]

    def _ragged(self, name: str) -> bool:
        return self.set.array_axes(name)[0] != SAMPLE

    def _sample(self, index: int) -> Sample:
        shards = self.set
        arrays = {
            name: shards.read_ragged(name, [index])[0]
            if self._ragged(name)
            else shards.read_array(name, [index])[0]
            for name in self.arrays
        }
        values = {name: float(self._of_all(name)[index]) for name in self.targets}
        targets = {name: value for name, value in values.items() if np.isfinite(value)}
        numbers, frac = shards.sites(index)
        crystal = Crystal(
            shards.ids[index], shards.origins[index], shards.cells[index], frac, numbers, targets
        )
        return Sample(crystal.id, shards.formulas[index], to_ase(crystal), targets, arrays)


def open_shards(folder: Path | str) -> Shards:
    """Open a shard set that ``hpcvox featurize`` has made.

    Raises:
        ShardError: there is no complete shard set.
    """
    return Shards(ShardSet.open(folder))
