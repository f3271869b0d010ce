"""Samples of a shard set for PyTorch: a batch is read in one call, in any number of workers."""

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.utils.data import Dataset

if TYPE_CHECKING:
    from hpcvox.api.shards import Shards

Item = dict[str, Any]
"""Tensors by the names of their arrays; ``index`` of the sample in the set; and ``target``, where one is asked for."""


class SampleDataset(Dataset[Item]):
    """A map-style data set: shuffle it, batch it and spread it over workers by a ``DataLoader``.

    Raises:
        ShardError: there is no such array or target.
    """

    def __init__(self, samples: "Shards", arrays: tuple[str, ...], target: str | None) -> None:
        self._set, self._arrays = samples.set, arrays
        for name in arrays:
            self._set.array_shape(name)
        self.indices = np.asarray(samples.indices, np.int64)
        self._target = None
        if target is not None:
            values = samples.target(target)
            known = np.isfinite(values)
            self.indices, self._target = self.indices[known], values[known]

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, place: int) -> Item:
        """One sample."""
        return self.__getitems__([range(len(self))[place]])[0]

    def __getitems__(self, places: list[int]) -> list[Item]:
        """The samples of a batch, each array read for all of them at once."""
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
