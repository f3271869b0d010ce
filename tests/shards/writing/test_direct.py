"""Large arrays written past the page cache."""

import os
from pathlib import Path

import numpy as np
import pytest

from hpcvox.shards.writing.direct import BLOCK, aligned_zeros, write_arrays


@pytest.mark.parametrize("n", [0, 1, BLOCK, 3 * BLOCK + 5])
@pytest.mark.parametrize("shift", [0, 512, 1])
@pytest.mark.parametrize("offset", [0, BLOCK, 100])
def test_an_array_lands_at_its_offset_whatever_is_aligned(
    tmp_path: Path, n: int, shift: int, offset: int
) -> None:
    array = aligned_zeros((n + shift,), np.uint8)[shift:]
    array[:] = np.arange(n) % 251
    path = tmp_path / "file"
    path.write_bytes(b"x" * (offset + n + 7))
    write_arrays(path, [(offset, array)])
    assert path.read_bytes() == b"x" * offset + array.tobytes() + b"x" * 7


def test_where_there_are_no_direct_writes_the_others_serve() -> None:
    full = Path("/dev/full")  # opens, but not with O_DIRECT, and has no space
    with pytest.raises(OSError, match="Invalid argument"):
        os.open(full, os.O_WRONLY | os.O_DIRECT)
    with pytest.raises(OSError, match="No space left"):
        write_arrays(full, [(0, aligned_zeros((BLOCK,), np.uint8))])
