"""A PyTorch data set of the samples of a shard set; a batch is read in one call, in any number of workers."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import Dataset

from hpcvox.shards.reading.shard_set import ShardSet

Item = dict[str, Any]
"""Tensors by the names of their arrays; ``index``, the sample's number in the set; ``target`` if one is requested."""


class SampleDataset(Dataset[Item]):
    """A map-style data set; a ``DataLoader`` can shuffle it, batch it and divide it among workers.

    Args:
        shards: the set.
        indices: of the N samples in it.
        arrays: names of what is read of each.
        target: a value of each, (N,); those where it is NaN are left out.

    Raises:
        ShardError: there is no such array.
    """

    def __init__(
        self,
        shards: ShardSet,
        indices: Sequence[int],
        arrays: tuple[str, ...],
        target: NDArray[np.float64] | None,
    ) -> None:
        self._set, self._arrays = shards, arrays
        for name in arrays:
            self._set.array_shape(name)
        self.indices = np.asarray(indices, np.int64)
        self._target = None
        if target is not None:
            known = np.isfinite(target)
            self.indices, self._target = self.indices[known], target[known]

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, place: int) -> Item:
        """One sample."""
        return self.__getitems__([range(len(self))[place]])[0]

    def __getitems__(self, places: list[int]) -> list[Item]:
        """The samples of a batch; each array is read for all of them at once."""
        wanted = self.indices[places]
        read = {name: torch.from_numpy(self._set.read_array(name, wanted)) for name in self._arrays}
        items: list[Item] = []
        for row, place in enumerate(places):
            item: Item = {name: rows[row] for name, rows in read.items()}
            item["index"] = int(wanted[row])
            if self._target is not None:
                item["target"] = float(self._target[place])
            items.append(item)
        return items
