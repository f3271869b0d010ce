"""One shard, opened for reading: its tables by HDF5, its sample arrays by their place in the file."""

import math
import os
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import numpy as np
from numpy.typing import NDArray

from hpcvox.errors import ShardError
from hpcvox.shards.digest import attributes_of
from hpcvox.shards.layout import FORMAT, SAMPLE, VERSION, decode_name

_DO = "run the same `hpcvox featurize` again: it rebuilds this shard alone"


class ArrayPlace(NamedTuple):
    """Where a sample array lies in its file."""

    offset: int  # of its first byte
    shape: tuple[int, ...]  # of one row
    dtype: np.dtype[Any]
    axes: tuple[str, ...]  # what the rows are, then the axes of one row
    row_bytes: int
    starts: NDArray[np.int64] | None  # (m + 1,) | first row of each sample, where samples have many rows

    def rows(self, sample: int) -> tuple[int, int]:
        """First row of ``sample`` and the row after its last."""
        if self.starts is None:
            return sample, sample + 1
        return int(self.starts[sample]), int(self.starts[sample + 1])

    def bytes(self, sample: int) -> tuple[int, int]:
        """Where ``sample`` begins in the file, and its length, in bytes."""
        first, end = self.rows(sample)
        return self.offset + first * self.row_bytes, (end - first) * self.row_bytes


class ShardFile:
    """A shard's attributes, tables and the offsets of its sample arrays.

    The HDF5 handle is open within ``with`` only; ``offsets`` outlive it.

    Raises:
        ShardError: the file is missing, cannot be read, or is not a shard.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._file = h5py.File(path, "r", locking=False)
        except FileNotFoundError:
            raise ShardError(f"{path} is missing: {_DO}") from None
        except OSError as error:
            raise ShardError(f"{path} cannot be opened as HDF5 ({error}): {_DO}") from None
        try:
            self._read_structure()
        except (KeyError, ValueError, TypeError, OSError, RuntimeError, AttributeError) as error:
            self._file.close()
            raise ShardError(f"{path} is not a whole shard ({error}): {_DO}") from None

    def _read_structure(self) -> None:
        self.attributes = attributes_of(self._file)
        if self.attributes["format"] != FORMAT or self.attributes["version"] != VERSION:
            raise ValueError(f"format {self.attributes['format']} {self.attributes['version']}")
        self.n_samples = len(self._file["checksum"])
        self.arrays: dict[str, ArrayPlace] = {}
        for name in self.attributes["arrays"].split(","):
            dataset = self._file[name]
            offset = dataset.id.get_offset()
            if offset is None and dataset.size:
                raise ValueError(f"{name} is not contiguous")
            axes = tuple(dataset.attrs["axes"].decode().split(","))
            starts = None if axes[0] == SAMPLE else self._file[f"{axes[0]}_offset"][()]
            rows = self.n_samples if starts is None else int(starts[-1])
            if len(dataset) != rows or (starts is not None and len(starts) != self.n_samples + 1):
                raise ValueError(f"{name} has {len(dataset)} rows, not those of {self.n_samples} samples")
            shape, dtype = dataset.shape[1:], dataset.dtype
            row_bytes = math.prod(shape) * dtype.itemsize
            self.arrays[name] = ArrayPlace(offset or 0, shape, dtype, axes, row_bytes, starts)

    @property
    def file(self) -> h5py.File:
        """The open HDF5 file."""
        return self._file

    def table(self, name: str) -> NDArray[Any]:
        """A whole dataset."""
        try:
            values: NDArray[Any] = self._file[name][()]
        except (KeyError, OSError) as error:
            raise ShardError(f"{self.path}: {name} cannot be read ({error}): {_DO}") from None
        return values

    def texts(self, name: str) -> list[str]:
        """A dataset of text."""
        return [value.decode(errors="replace") for value in self.table(name).tolist()]

    @property
    def target_names(self) -> list[str]:
        """Names of the targets that some sample here has."""
        return [decode_name(name) for name in self._file["targets"]]

    def __enter__(self) -> "ShardFile":
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()


def read_at(descriptor: int, out: memoryview, offset: int, path: Path) -> None:
    """Fill ``out`` from ``offset`` of an open file; thread-safe, moves no file position.

    Raises:
        ShardError: the file ends before.
    """
    got = os.preadv(descriptor, [out], offset)
    while got < len(out):
        more = os.preadv(descriptor, [out[got:]], offset + got)
        if more == 0:
            raise ShardError(f"{path} ends at byte {offset + got}, within its samples: {_DO}")
        got += more
