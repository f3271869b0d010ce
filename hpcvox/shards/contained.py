"""Reads only datasets whose bytes lie completely in the file itself.

HDF5 follows soft and external links, external storage and virtual datasets to any file on the machine, and a header may
claim any number of rows.  Shards use none of these.  So shards, which may come from strangers, are read only by these
functions.
"""

import math
from typing import Any, Final

import h5py
import numpy as np
from numpy.typing import NDArray

UNREADABLE: Final = (KeyError, IndexError, ValueError, TypeError, OSError, RuntimeError, AttributeError)
"""The exceptions of reading a file that is no complete shard."""

_LAYOUTS: Final = {h5py.h5d.COMPACT: "compact", h5py.h5d.CHUNKED: "chunked", h5py.h5d.VIRTUAL: "virtual"}


def own(file: h5py.File, name: str) -> h5py.h5d.DatasetID:
    """Open the dataset ``name`` (``id``, ``targets/gap``), after checking that it lies in one piece in ``file`` itself.

    Raises:
        KeyError: there is no such dataset.
        ValueError: it is, or lies behind, a soft or external link; its data lie elsewhere; it is no array of numbers or
            of text of fixed length; or it claims more bytes than the file has.
    """
    end = name.find("/")
    while end >= 0:
        _refuse_link(file, name[:end])
        end = name.find("/", end + 1)
    _refuse_link(file, name)
    dataset = h5py.h5d.open(file.id, name.encode())
    made = dataset.get_create_plist()
    if (layout := made.get_layout()) != h5py.h5d.CONTIGUOUS:
        raise ValueError(
            f"{name} is {_LAYOUTS.get(layout, 'not contiguous')}, and a shard's data are contiguous"
        )
    if made.get_external_count():
        raise ValueError(f"the data of {name} lie in another file, which is not read")
    dtype = dataset.dtype
    if dtype.kind not in "fiuS":
        raise ValueError(f"{name} holds {dtype}, neither numbers nor text of fixed length")
    size = math.prod(dataset.shape) * dtype.itemsize
    if size and (dataset.get_storage_size() != size or dataset.get_offset() + size > file.id.get_filesize()):
        raise ValueError(f"{name} claims {size:,} bytes, which the file does not have")
    return dataset


def whole(file: h5py.File, name: str) -> NDArray[Any]:
    """Read the whole dataset of :func:`own` by h5py's low-level API, three times as fast for a small dataset."""
    dataset = own(file, name)
    values: NDArray[Any] = np.empty(dataset.shape, dataset.dtype)
    if values.size:
        dataset.read(h5py.h5s.ALL, h5py.h5s.ALL, values)
    return values


def names(file: h5py.File) -> list[str]:
    """The names of all datasets in ``file`` and in its groups (``targets/gap``).

    Raises:
        ValueError: one is a soft or external link.
    """
    found: list[str] = []
    for name in file:
        _refuse_link(file, name)
        if h5py.h5o.get_info(file.id, name.encode()).type == h5py.h5o.TYPE_GROUP:
            found += (f"{name}/{inner}" for inner in members(file, name))
        else:
            found.append(name)
    return found


def members(file: h5py.File, group: str) -> list[str]:
    """The names in ``group``.

    Raises:
        KeyError: there is no such group.
        ValueError: the group, or a member, is a soft or external link.
    """
    _refuse_link(file, group)
    inside = list(h5py.Group(h5py.h5g.open(file.id, group.encode())))
    for name in inside:
        _refuse_link(file, f"{group}/{name}")
    return inside


def _refuse_link(file: h5py.File, name: str) -> None:
    if file.id.links.get_info(name.encode()).type != h5py.h5l.TYPE_HARD:
        raise ValueError(f"{name} is a link to elsewhere, which is not followed")
