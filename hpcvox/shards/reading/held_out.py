"""The split of a whole set as one bit a sample, which is computed once for a large set and kept beside it."""

import contextlib
from pathlib import Path
from typing import Final

import numpy as np
import xxhash
from numpy.typing import NDArray

from hpcvox.files import durable, regular
from hpcvox.shards.layout import split_name
from hpcvox.shards.manifest import shards_digest
from hpcvox.shards.reading.shard_set import ShardSet
from hpcvox.shards.selection import packed
from hpcvox.shards.split import split

FEW: Final = 2**16
"""The split of so many samples, which takes less than 0.1 s, is not kept."""

_DIGEST: Final = 16


def held_out(shards: ShardSet, seed: int, held_out_fraction: float) -> NDArray[np.uint8]:
    """The marks of :func:`hpcvox.shards.split.split` for all samples, as of :func:`hpcvox.shards.selection.packed`.

    A kept file is of these shards and settings and has a digest, else it is not used; where none can be written, the
    split is computed each time.
    """
    if shards.n_samples <= FEW:
        return packed(split(shards.formulas, seed, held_out_fraction))
    key = f"{shards_digest(shards.manifest.shards)} {seed} {held_out_fraction!r}".encode()
    path = shards.folder / split_name(xxhash.xxh3_64_hexdigest(key))
    bits = _read(path, key, -(-shards.n_samples // 8))
    if bits is None:
        bits = packed(split(shards.formulas, seed, held_out_fraction))
        with contextlib.suppress(OSError):  # read-only, full, or another rank was faster
            durable.write_bytes(path, _digest(key, bits) + bits.tobytes())
    return bits


def _read(path: Path, key: bytes, size: int) -> NDArray[np.uint8] | None:
    """The ``size`` bytes of marks in a kept file; None if there is none that is whole and of this key."""
    try:
        with regular.open_regular(path) as file:
            data = file.read(_DIGEST + size + 1)
    except OSError:
        return None
    bits = np.frombuffer(data, np.uint8, offset=min(_DIGEST, len(data)))
    return bits if len(bits) == size and data[:_DIGEST] == _digest(key, bits) else None


def _digest(key: bytes, bits: NDArray[np.uint8]) -> bytes:
    state = xxhash.xxh3_128(key)
    state.update(bits.data)
    return state.digest()
