"""Keeps the parts of a table, one of each shard, on disk until all are known: memory does not grow with them."""

import math
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

_BUFFER: Final = 1024 * 1024


class _Part(NamedTuple):
    shard: int
    kind: np.dtype[Any]
    rows: int


class Spool:
    """The parts of a table, in a file without a name in ``folder``; a kill leaves nothing of it."""

    def __init__(self, folder: Path) -> None:
        self._file = tempfile.TemporaryFile(dir=folder, buffering=_BUFFER)  # noqa: SIM115 # this object is the context
        self._parts: list[_Part] = []
        self.tail: tuple[int, ...] = ()
        """Shape of a row."""

    def add(self, shard: int, part: NDArray[Any]) -> None:
        """Add the part of shard number ``shard``; their order is that of the shards."""
        self._parts.append(_Part(shard, part.dtype, len(part)))
        self.tail = part.shape[1:]
        self._file.write(np.ascontiguousarray(part).reshape(-1).view(np.uint8).data)

    def kind(self, counts: Sequence[int]) -> np.dtype[Any]:
        """The type of the whole table: text as wide as the widest, a number with NaN if a shard lacks the table."""
        kinds = {part.kind for part in self._parts}
        lacking = [np.dtype("f8")] if len(self._parts) < len(counts) else []
        return np.result_type(*kinds, *lacking)

    def parts(self, counts: Sequence[int], kind: np.dtype[Any]) -> Iterator[NDArray[Any]]:
        """The part of each shard, as type ``kind``; NaN for shards that lack the table.

        Args:
            counts: number of rows of each shard.
            kind: the type of the whole table.
        """
        self._file.seek(0)
        there = iter(self._parts)
        part = next(there, None)
        for shard, count in enumerate(counts):
            if part is None or part.shard != shard:
                yield np.full((count, *self.tail), np.nan, kind)
                continue
            data = self._file.read(part.rows * math.prod(self.tail) * part.kind.itemsize)
            yield np.frombuffer(data, part.kind).reshape(part.rows, *self.tail).astype(kind, copy=False)
            part = next(there, None)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()
