"""Computes one checksum of everything in a shard."""

from collections.abc import Mapping
from typing import Any

import h5py
import numpy as np
import xxhash
from numpy.typing import NDArray

from hpcvox.shards.contained import names, whole


def content_digest(attributes: Mapping[str, object], tables: Mapping[str, NDArray[Any]]) -> str:
    """XXH3-128 (hex) over a shard's root attributes and tables, in the order of their names.

    Instead of the sample arrays it covers the table of their checksums, so that it can be computed without reading the
    voxels.  :mod:`hpcvox.shards.verify` compares these checksums with the voxels.
    """
    state = ContentDigest(attributes)
    for name in sorted(tables):
        table = np.ascontiguousarray(tables[name])
        state.begin(name, table.dtype, table.shape)
        state.add(table)
    return state.hex()


class ContentDigest:
    """:func:`content_digest` part by part: the tables in the order of their names, each in the order of its rows."""

    def __init__(self, attributes: Mapping[str, object]) -> None:
        self._state = xxhash.xxh3_128()
        for name in sorted(attributes):
            self._state.update(f"{name}={attributes[name]}\n".encode())

    def begin(self, name: str, kind: np.dtype[Any], shape: tuple[int, ...]) -> None:
        """Go on to the table ``name``, of this type and shape."""
        self._state.update(f"{name} {kind.str} {shape}\n".encode())

    def add(self, rows: NDArray[Any]) -> None:
        """Add the next rows of the table."""
        if rows.size:
            self._state.update(np.ascontiguousarray(rows).reshape(-1).view(np.uint8).data)

    def hex(self) -> str:
        """XXH3-128 (hex)."""
        return self._state.hexdigest()


def attributes_of(file: h5py.File) -> dict[str, Any]:
    """The root attributes of a shard, as text and numbers."""
    return {name: value.decode() if isinstance(value, bytes) else value for name, value in file.attrs.items()}


def stored_digest(file: h5py.File, attributes: Mapping[str, object]) -> str:
    """:func:`content_digest` of an open shard, whose root attributes are ``attributes`` (text and numbers).

    Raises:
        KeyError, ValueError, OSError, RuntimeError: something in the shard cannot be read, or leads to another file.
    """
    arrays = set(str(attributes["arrays"]).split(","))
    tables = {name: whole(file, name) for name in names(file) if name not in arrays}
    return content_digest({k: v for k, v in attributes.items() if k != "digest"}, tables)
