"""Some samples of a set, kept as one bit for each sample of the set: 25 MB, with the counts, for 10⁸ samples."""

from collections.abc import Iterator
from typing import Any, Final, overload

import numpy as np
from numpy.typing import NDArray

BLOCK: Final = 2**20
"""Samples whose marks or numbers are in memory at once; a multiple of 64."""

_WORD: Final = 64


def packed(marks: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """One bit for each of ``marks``, (N,), in bytes from the least bit on, (⌈N/8⌉,)."""
    if len(marks) and marks.strides == (0,):  # one mark for all
        bits = np.full(-(-len(marks) // 8), 255 * int(marks[0]), np.uint8)
        bits[-1] >>= -len(marks) % 8
        return bits
    blocks = [marks[start : start + BLOCK] for start in range(0, len(marks), BLOCK)]
    return np.concatenate(
        [np.zeros(0, np.uint8), *(np.packbits(block, bitorder="little") for block in blocks)]
    )


class Selection:
    """The numbers of the chosen samples, ascending.

    It is read as an array is: by a number, a slice, or an array of numbers.  NumPy takes it for an array, and then all
    numbers are in memory.
    """

    def __init__(self, bits: NDArray[np.uint8]) -> None:
        """Take the marks of all samples, as :func:`packed` gives them."""
        words = np.zeros(-(-len(bits) // 8), np.uint64)
        words.view(np.uint8)[: len(bits)] = bits
        self._words = words
        # the numbers of chosen samples in all words before each one, and in all: (words + 1,)
        self._before = np.zeros(len(words) + 1, np.int64)
        np.cumsum(np.bitwise_count(words), out=self._before[1:])

    def __len__(self) -> int:
        return int(self._before[-1])

    @overload
    def __getitem__(self, index: int) -> int: ...
    @overload
    def __getitem__(self, index: slice | NDArray[np.integer[Any]]) -> NDArray[np.int64]: ...
    def __getitem__(self, index: int | slice | NDArray[np.integer[Any]]) -> int | NDArray[np.int64]:
        if isinstance(index, slice):
            return self._at(np.arange(*index.indices(len(self))))
        places = np.asarray(index)
        if places.size and (places.min() < -len(self) or places.max() >= len(self)):
            raise IndexError(f"{len(self)} samples are chosen, and there is none at {index}")
        numbers = self._at(np.where(places < 0, places + len(self), places).ravel()).reshape(places.shape)
        return numbers if places.ndim else int(numbers)

    def __iter__(self) -> Iterator[int]:
        for start in range(0, len(self), BLOCK):
            yield from self[start : start + BLOCK].tolist()

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[np.int64]:
        bits = np.unpackbits(self._words.view(np.uint8), bitorder="little")
        numbers: NDArray[np.int64] = np.flatnonzero(bits).astype(dtype or np.int64, copy=False)
        return numbers

    def tolist(self) -> list[int]:
        """All numbers."""
        return list(self)

    def _at(self, places: NDArray[np.int64]) -> NDArray[np.int64]:
        """The number at each of ``places``, (B,), which are 0 to len - 1."""
        words = np.searchsorted(self._before, places, side="right") - 1
        nth = places - self._before[words]
        marks = np.unpackbits(self._words[words].view(np.uint8), bitorder="little").reshape(-1, _WORD)
        # the first bit at which more than nth are counted
        found = (np.cumsum(marks, axis=1, dtype=np.uint8) > nth[:, None]).argmax(axis=1)
        numbers: NDArray[np.int64] = words * _WORD + found
        return numbers


Samples = NDArray[np.int64] | Selection
"""Numbers of samples: in any order as an array, or ascending as a :class:`Selection`."""
