"""Does many small reads in one call, because a read from the page cache takes no longer than a few steps of Python."""

from typing import Any

import numba
import numpy as np
from numba import types
from numpy.typing import NDArray

# ssize_t pread(int, void *, size_t, off_t) of the C library
_pread: Any = types.ExternalFunction("pread", types.intp(types.int32, types.intp, types.uintp, types.int64))


@numba.njit(cache=True, nogil=True)
def _gather(samples, starts, descriptors, offsets, rows):  # type: ignore[no-untyped-def]
    n, size = rows.shape
    read = np.zeros(n, np.bool_)
    for i in range(n):
        shard = np.searchsorted(starts, samples[i], side="right") - 1
        if descriptors[shard] >= 0:
            offset = offsets[shard] + (samples[i] - starts[shard]) * size
            got = np.int64(0)
            more = np.int64(1)
            while got < size and more > 0:
                more = _pread(descriptors[shard], rows[i].ctypes.data + got, size - got, offset + got)
                got += more
            read[i] = got == size
    return read


def gather(
    samples: NDArray[np.int64],
    starts: NDArray[np.int64],
    descriptors: NDArray[np.int32],
    offsets: NDArray[np.int64],
    rows: NDArray[np.uint8],
) -> NDArray[np.bool_]:
    """Read B samples of S shards into ``rows``; other Python threads can run meanwhile.

    Args:
        samples: (B,) | numbers of the samples.
        starts: (S + 1,) | number of the first sample of each shard, and the end.
        descriptors: (S,) | file descriptors; negative if a file is not open.
        offsets: (S,) | offset in bytes of the first sample in each file.
        rows: (B, size) | filled with the samples.

    Returns:
        (B,) whether each row was read completely; it was not if its file is not open, too short or unreadable.
    """
    read: NDArray[np.bool_] = _gather(samples, starts, descriptors, offsets, rows)
    return read
