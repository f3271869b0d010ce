"""Writes large arrays to their places in a file, without the page cache if the file system can do that.

``O_DIRECT`` saves a copy, which is nine tenths of the CPU time, and leaves the memory of a shared node to others.  It
needs data that are aligned in memory and in the file.
"""

import contextlib
import errno
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

BLOCK = 4096
"""Alignment of direct writes in bytes."""


def aligned_zeros(shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
    """Like :func:`numpy.zeros`, but the memory begins at a multiple of :data:`BLOCK`."""
    size = int(np.prod(shape)) * np.dtype(dtype).itemsize
    memory = np.zeros(size + BLOCK, np.uint8)
    start = -_address(memory) % BLOCK
    return memory[start : start + size].view(dtype).reshape(shape)


def write_arrays(path: Path, places: Iterable[tuple[int, NDArray[Any]]]) -> None:
    """Write each C-contiguous array at its offset, in bytes, of the existing file ``path``.

    Raises:
        OSError: the file cannot be written.
    """
    cached = os.open(path, os.O_WRONLY | os.O_CLOEXEC)
    try:
        direct = cached
        with contextlib.suppress(OSError):  # the file system has no direct writes
            direct = os.open(path, os.O_WRONLY | os.O_DIRECT | os.O_CLOEXEC)
        try:
            for offset, array in places:
                _write(cached, direct, offset, array)
        finally:
            if direct != cached:
                os.close(direct)
    finally:
        os.close(cached)


def _write(cached: int, direct: int, offset: int, array: NDArray[Any]) -> None:
    view = array.data.cast("B")
    done = 0
    whole = len(view) // BLOCK * BLOCK
    if offset % BLOCK == 0 and _address(array) % BLOCK == 0:
        try:
            while done < whole and done % BLOCK == 0:
                done += os.pwrite(direct, view[done:whole], offset + done)
        except OSError as error:
            if error.errno != errno.EINVAL:  # EINVAL: this disk has larger blocks
                raise
    while done < len(view):
        done += os.pwrite(cached, view[done:], offset + done)


def _address(array: NDArray[Any]) -> int:
    address: int = array.__array_interface__["data"][0]
    return address
