"""Reads the tables of a whole set from ``set.h5``, row by row or block by block, as they are asked for.

``set.h5`` has a copy of every table that has one row a sample, in one piece and uncompressed.  So it is the index of
the set: opening it costs the same for any number of samples, and a value costs one read.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple, overload

import h5py
import numpy as np
from numpy.typing import NDArray

from hpcvox.shards.contained import UNREADABLE, names, own
from hpcvox.shards.digest import attributes_of
from hpcvox.shards.layout import MISSING, SAMPLE, SET, SET_FORMAT, TABLES, TARGET, WIDEST, decode_name
from hpcvox.shards.manifest import Manifest, shards_digest

BLOCK: Final = 1024
"""Rows that are read at once: a text of one is decoded in 0.1 ms, and one after the other cost 0.1 µs each."""

_TARGETS: Final = "targets/"


class Column(NamedTuple):
    """A table of ``set.h5``: where it lies, and the form of its rows."""

    path: Path
    offset: int  # of the first byte in the file
    length: int  # number of rows
    dtype: np.dtype[Any]
    shape: tuple[int, ...]  # of one row
    missing: int | None = None  # rows without a value, of a target

    def rows(self, start: int, end: int) -> NDArray[Any]:
        """The rows from ``start`` to before ``end``, (end - start, ...).

        Raises:
            OSError: the file is not there any more.
        """
        size = int(np.prod(self.shape, dtype=np.int64))
        width = size * self.dtype.itemsize
        flat = np.fromfile(self.path, self.dtype, (end - start) * size, offset=self.offset + start * width)
        return flat.reshape(-1, *self.shape)


class Texts(Sequence[str]):
    """The texts of a column.  It is a list in all but memory: it keeps the last block that was read."""

    def __init__(self, column: Column) -> None:
        self._column = column
        self._block: tuple[int, list[str]] = (-1, [])

    def __len__(self) -> int:
        return self._column.length

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> list[str]: ...
    def __getitem__(self, index: int | slice) -> str | list[str]:
        if isinstance(index, slice):
            start, end, step = index.indices(len(self))
            return (
                self._read(start, max(start, end))
                if step == 1
                else [self[i] for i in range(start, end, step)]
            )
        row = range(len(self))[index]
        number = row // BLOCK
        at, texts = self._block  # taken once: another thread may put its own block there
        if at != number:
            texts = self._block_of(number)
            self._block = number, texts
        return texts[row % BLOCK]

    def __iter__(self) -> Iterator[str]:
        for number in range(-(-len(self) // BLOCK)):
            yield from self._block_of(number)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and len(self) == len(other) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]

    def _block_of(self, number: int) -> list[str]:
        return self._read(number * BLOCK, min((number + 1) * BLOCK, len(self)))

    def _read(self, start: int, end: int) -> list[str]:
        rows = self._column.rows(start, end)
        return [text.decode(errors="replace") for text in rows.tolist()]


class Index:
    """The tables of a set, by their names; those of targets begin with ``targets/``."""

    def __init__(self, columns: dict[str, Column], widest: float | None = None) -> None:
        self._columns = columns
        self.largest_cosine = widest
        """The largest |cos| of the angles of all cells; None: it was not noted."""

    @classmethod
    def open(cls, folder: Path, manifest: Manifest) -> "Index | None":
        """The index of the set in ``folder``; None if there is none of these shards that can be read.

        Then the shards themselves have to be read, as those of sets of older versions.
        """
        path = folder / SET
        try:
            if not path.is_file():
                return None
            with h5py.File(path, "r", locking=False) as file:
                attributes = attributes_of(file)
                of_these = attributes["shards_digest"] == shards_digest(manifest.shards)
                if attributes["format"] != SET_FORMAT or not of_these:
                    return None
                arrays = set(str(attributes["arrays"]).split(","))
                found = {name: _column(path, file, name) for name in names(file) if name not in arrays}
        except UNREADABLE:
            return None
        whole = all(_fits(name, column, manifest.n_samples) for name, column in found.items())
        widest = attributes.get(WIDEST)
        return cls(found, None if widest is None else float(widest)) if whole else None

    def __contains__(self, name: str) -> bool:
        return name in self._columns

    @property
    def target_names(self) -> list[str]:
        """Names of all targets that any sample has, sorted."""
        return sorted(
            decode_name(name[len(_TARGETS) :]) for name in self._columns if name.startswith(_TARGETS)
        )

    def texts(self, name: str) -> Texts:
        """A column of text."""
        return Texts(self._columns[name])

    def is_whole(self, name: str) -> bool:
        """Whether it is noted that a column of numbers has a value in each row."""
        return self._columns[name].missing == 0

    def table(self, name: str) -> NDArray[Any]:
        """A whole column of numbers, (N, ...)."""
        column = self._columns[name]
        return column.rows(0, column.length)


def _column(path: Path, file: h5py.File, name: str) -> Column:
    dataset = own(file, name)
    length, *shape = dataset.shape
    noted = h5py.AttributeManager(h5py.Dataset(dataset)).get(MISSING) if name.startswith(_TARGETS) else None
    missing = None if noted is None else int(noted)
    return Column(path, dataset.get_offset() or 0, int(length), dataset.dtype, tuple(shape), missing)


def _fits(name: str, column: Column, samples: int) -> bool:
    """Whether a column has a row for each sample, of the form that the format says."""
    spec = TARGET if name.startswith(_TARGETS) else TABLES.get(name)
    kind = "S" if column.dtype.kind == "S" else column.dtype.str[1:]
    return (
        spec is not None
        and spec.rows == SAMPLE
        and (column.length, column.shape, kind) == (samples, spec.shape, spec.dtype)
    )
