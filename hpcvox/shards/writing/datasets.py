"""Creates the datasets, attributes and texts of a shard in an HDF5 file."""

import functools
from collections.abc import Sequence
from typing import Any, NamedTuple

import h5py
import numpy as np
from numpy.typing import NDArray

from hpcvox.shards.writing.direct import BLOCK

TEXT_LIMIT = 1000
"""Longest id, origin or message that is stored, in bytes; longer ones are cut and end in an ellipsis."""

LARGE = 1 << 20
"""Datasets of at least this many bytes begin at a multiple of :data:`BLOCK`, and are written without HDF5."""

FILE = {"libver": ("v108", "v108"), "alignment_threshold": LARGE, "alignment_interval": BLOCK}
"""Properties of the HDF5 files of shards."""


class Dataset(NamedTuple):
    """A dataset that will be written to a shard."""

    name: str
    data: NDArray[Any]
    unit: str
    axes: tuple[str, ...]
    about: str


def encode_text(text: str) -> bytes:
    """``text`` as UTF-8 without NUL, at most :data:`TEXT_LIMIT` bytes; characters that UTF-8 lacks are escaped."""
    data = text.replace("\0", "\N{SYMBOL FOR NULL}").encode(errors="backslashreplace")
    if len(data) > TEXT_LIMIT:
        data = data[: TEXT_LIMIT - 3].decode(errors="ignore").encode() + "…".encode()
    return data


def text_column(texts: Sequence[bytes]) -> NDArray[np.bytes_]:
    """Texts as an array of fixed-length UTF-8, wide enough for the longest."""
    width = max((len(text) for text in texts), default=1) or 1
    return np.array(texts, dtype=h5py.string_dtype("utf-8", width))


def create_dataset(file: h5py.File, dataset: Dataset) -> h5py.h5d.DatasetID:
    """Create a contiguous dataset whose space is allocated at once, without fill values."""
    kind = h5py.h5t.py_create(dataset.data.dtype, logical=True)
    space = h5py.h5s.create_simple(dataset.data.shape)
    created = h5py.h5d.create(file.id, dataset.name.encode(), kind, space, _layout())
    write_attribute(created, "unit", dataset.unit)
    write_attribute(created, "axes", ",".join(dataset.axes))
    write_attribute(created, "about", dataset.about)
    return created


def write_attribute(owner: Any, name: str, value: str | int) -> None:
    """Write a scalar attribute; text has fixed length, because variable length would use HDF5's global heap."""
    if isinstance(value, int):
        data, kind = np.array(value, np.int64), _integer()
    else:
        text = value.encode()
        data, kind = np.array(text, dtype=f"S{len(text) or 1}"), _text(len(text) or 1)
    h5py.h5a.create(owner, name.encode(), kind, _scalar()).write(data, mtype=kind)


# cached, because making an HDF5 object takes about ten microseconds and a shard has a hundred attributes


@functools.cache
def _layout() -> h5py.h5p.PropDCID:
    plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    plist.set_layout(h5py.h5d.CONTIGUOUS)
    plist.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
    plist.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
    plist.set_obj_track_times(False)
    return plist


@functools.cache
def _scalar() -> h5py.h5s.SpaceID:
    return h5py.h5s.create(h5py.h5s.SCALAR)


@functools.cache
def _integer() -> h5py.h5t.TypeID:
    return h5py.h5t.py_create(np.dtype(np.int64))


@functools.lru_cache
def _text(length: int) -> h5py.h5t.TypeID:
    kind = h5py.h5t.TypeID.copy(h5py.h5t.C_S1)
    kind.set_size(length)
    kind.set_cset(h5py.h5t.CSET_UTF8)
    kind.set_strpad(h5py.h5t.STR_NULLPAD)
    return kind
