"""Opens one shard for reading: its tables through HDF5, its sample arrays by their offsets in the file."""

import math
import os
import stat
from pathlib import Path
from typing import Any, NamedTuple

import h5py
import numpy as np
from numpy.typing import NDArray

from hpcvox.errors import ShardError
from hpcvox.shards.contained import UNREADABLE, members, own, whole
from hpcvox.shards.digest import attributes_of
from hpcvox.shards.layout import (
    FORMAT,
    SAMPLE,
    SITE,
    TABLES,
    TARGET,
    VERSION,
    TableSpec,
    decode_name,
    encode_name,
)
from hpcvox.shards.manifest import ShardLine

_HEAVIEST = 118
_DO = "run the same `hpcvox featurize` again: it rebuilds this shard alone"


class ArrayPlace(NamedTuple):
    """The place of a sample array in its file."""

    offset: int  # offset of its first byte
    shape: tuple[int, ...]  # shape of one row
    dtype: np.dtype[Any]
    axes: tuple[str, ...]  # what a row stands for, then the axes of one row
    row_bytes: int
    starts: NDArray[np.int64] | None  # (m + 1,) | first row of each sample, if the array is ragged

    @property
    def row(self) -> tuple[tuple[int, ...], np.dtype[Any], tuple[str, ...]]:
        """Shape, dtype and axes, which are the same in all shards of a set."""
        return self.shape, self.dtype, self.axes

    def rows(self, sample: int) -> tuple[int, int]:
        """The first row of ``sample``, and the row after its last one."""
        if self.starts is None:
            return sample, sample + 1
        return int(self.starts[sample]), int(self.starts[sample + 1])

    def bytes(self, sample: int) -> tuple[int, int]:
        """The offset of ``sample`` in the file, and its length, in bytes."""
        first, end = self.rows(sample)
        return self.offset + first * self.row_bytes, (end - first) * self.row_bytes


class Sites(NamedTuple):
    """The sites of all samples of a shard."""

    offsets: NDArray[np.int64]  # (m + 1,) | the sites of sample i are the rows offsets[i]:offsets[i + 1]
    numbers: NDArray[np.uint8]  # (k,) | atomic numbers, 1 to 118
    frac: NDArray[np.float64]  # (k, 3) | fractional coordinates


class SitePlaces(NamedTuple):
    """Where the sites of a shard lie in its file: the offset of the first byte of each of their tables."""

    offsets: int
    numbers: int
    frac: int
    sites: int
    """Number of sites in the shard."""

    def read(self, descriptor: int, sample: int, path: Path) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
        """Atomic numbers (k,) and fractional coordinates (k, 3) of ``sample``.

        Raises:
            ShardError: the file is too short, or what it holds there are no sites.
        """
        ends = np.empty(2, np.int64)
        read_at(descriptor, ends.view(np.uint8).data, self.offsets + 8 * sample, path)
        start, end = ends.tolist()
        if not 0 <= start <= end <= self.sites:
            raise ShardError(f"{path}: sample {sample} has no sites {start} to {end} of {self.sites}: {_DO}")
        numbers, frac = np.empty(end - start, np.uint8), np.empty((end - start, 3))
        read_at(descriptor, numbers.data, self.numbers + start, path)
        read_at(descriptor, frac.reshape(-1).view(np.uint8).data, self.frac + 24 * start, path)
        _check_sites(numbers, frac, path)
        return numbers, frac


class ShardFile:
    """A shard: its attributes, its tables and the places of its sample arrays.

    Use it in a ``with`` statement: only there the HDF5 file is open; ``arrays`` stay valid afterwards.  Only bytes that
    lie in the file itself are read.

    Raises:
        ShardError: the file is missing, cannot be read, or is not a shard.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            if not stat.S_ISREG(path.stat().st_mode):  # a pipe would be waited for
                raise OSError("it is no regular file")
            self._file = h5py.File(path, "r", locking=False)
        except FileNotFoundError:
            raise ShardError(f"{path} is missing: {_DO}") from None
        except OSError as error:
            raise ShardError(f"{path} cannot be opened as HDF5 ({error}): {_DO}") from None
        try:
            self._read_structure()
        except UNREADABLE as error:
            self._file.close()
            raise ShardError(f"{path} is not a whole shard ({_said(error)}): {_DO}") from None

    def _read_structure(self) -> None:
        self.attributes = attributes_of(self._file)
        if self.attributes["format"] != FORMAT or self.attributes["version"] != VERSION:
            raise ValueError(f"format {self.attributes['format']} {self.attributes['version']}")
        self.n_samples = int(own(self._file, "checksum").shape[0])
        self.arrays: dict[str, ArrayPlace] = {}
        for name in self.attributes["arrays"].split(","):
            dataset = own(self._file, name)
            axes = tuple(_axes(dataset).split(","))
            rows, shape, dtype = int(dataset.shape[0]), dataset.shape[1:], dataset.dtype
            starts = None if axes[0] == SAMPLE else self._offsets(f"{axes[0]}_offset", rows)
            if (starts is None and rows != self.n_samples) or len(axes) != len(dataset.shape):
                raise ValueError(
                    f"{name} is {dataset.shape} by {', '.join(axes)}, with {self.n_samples} samples"
                )
            row_bytes = math.prod(shape) * dtype.itemsize
            self.arrays[name] = ArrayPlace(dataset.get_offset() or 0, shape, dtype, axes, row_bytes, starts)

    def _offsets(self, name: str, rows: int) -> NDArray[np.int64]:
        """The first row of each sample, and the end, (m + 1,); there are ``rows`` rows in all."""
        starts = self._whole(name, TableSpec("i8", f"{SAMPLE} and the end"), self.n_samples + 1)
        if starts[0] != 0 or starts[-1] != rows or (np.diff(starts) < 0).any():
            raise ValueError(f"{name} does not go from 0 to its {rows} rows, sample by sample")
        return starts

    def _whole(self, name: str, spec: TableSpec, rows: int | None) -> NDArray[Any]:
        """Read a whole dataset, after checking its dtype, the shape of a row, and the number of ``rows`` if given."""
        values = whole(self._file, name)
        kind = "S" if values.dtype.kind == "S" else values.dtype.str[1:]
        if kind != spec.dtype or values.ndim != 1 + len(spec.shape) or values.shape[1:] != spec.shape:
            shape = ", ".join(map(str, (spec.rows, *spec.shape)))
            raise ValueError(f"{name} is {values.dtype} {values.shape}, not {spec.dtype} ({shape})")
        if rows is not None and len(values) != rows:
            raise ValueError(f"{name} has {len(values)} rows, not {rows}")
        return values

    @property
    def file(self) -> h5py.File:
        """The open HDF5 file; only the datasets in ``arrays`` have been checked."""
        return self._file

    @property
    def line(self) -> ShardLine:
        """The line that the manifest should have for this shard.

        Raises:
            ShardError: the shard lacks an attribute for it.
        """
        try:
            first, entries = (int(self.attributes[name]) for name in ("first_entry", "n_entries"))
            digest = str(self.attributes["digest"])
            rejects = int(own(self._file, "rejects/entry").shape[0])
        except UNREADABLE as error:
            raise ShardError(f"{self.path}: it does not say what it holds ({_said(error)}): {_DO}") from None
        size = self.path.stat().st_size
        return ShardLine(self.path.name, self.n_samples, rejects, first, entries, size, digest)

    def table(self, name: str) -> NDArray[Any]:
        """Read a whole table.

        Raises:
            ShardError: there is none, it cannot be read, or it does not fit the number of samples.
        """
        spec = TABLES.get(name, TARGET)
        try:
            return self._whole(name, spec, self.n_samples if spec.rows == SAMPLE else None)
        except UNREADABLE as error:
            raise ShardError(f"{self.path}: {name} cannot be read ({_said(error)}): {_DO}") from None

    def texts(self, name: str) -> list[str]:
        """Read a whole table of text."""
        return [value.decode(errors="replace") for value in self.table(name).tolist()]

    def cells(self) -> NDArray[np.float64]:
        """Cell vectors in Å, (m, 3, 3).

        Raises:
            ShardError: they cannot be read, or one is not finite.
        """
        cells = self.table("cell")
        if not np.isfinite(cells).all():
            raise ShardError(f"{self.path}: cell has a value that is not finite: {_DO}")
        return cells

    def sites(self) -> Sites:
        """The sites of all samples.

        Raises:
            ShardError: they cannot be read, or are not valid.
        """
        numbers, frac = self.table("site_number"), self.table("site_frac")
        try:
            offsets = self._offsets("site_offset", len(numbers))
            if len(frac) != len(numbers):
                raise ValueError(f"site_frac has {len(frac)} rows, site_number {len(numbers)}")
        except UNREADABLE as error:
            raise ShardError(f"{self.path}: its {SITE}s cannot be read ({_said(error)}): {_DO}") from None
        _check_sites(numbers, frac, self.path)
        return Sites(offsets, numbers, frac)

    def site_places(self) -> SitePlaces:
        """Where the sites lie, for reading those of one sample without HDF5.

        Raises:
            ShardError: the shard has no whole tables of them.
        """
        try:
            tables = {name: own(self._file, name) for name in ("site_offset", "site_number", "site_frac")}
            forms = [(table.dtype.str[1:], tuple(table.shape)) for table in tables.values()]
            sites = int(tables["site_number"].shape[0])
            expected = [("i8", (self.n_samples + 1,)), ("u1", (sites,)), ("f8", (sites, 3))]
            if forms != expected:
                raise ValueError(f"their tables are {forms}, not {expected}")
        except UNREADABLE as error:
            raise ShardError(f"{self.path}: its {SITE}s cannot be read ({_said(error)}): {_DO}") from None
        offsets, numbers, frac = (table.get_offset() or 0 for table in tables.values())
        return SitePlaces(offsets, numbers, frac, sites)

    @property
    def target_names(self) -> list[str]:
        """Names of the targets that some sample here has."""
        try:
            return [decode_name(name) for name in members(self._file, "targets")]
        except UNREADABLE as error:
            raise ShardError(f"{self.path}: its targets cannot be read ({_said(error)}): {_DO}") from None

    def targets(self) -> dict[str, NDArray[np.float64]]:
        """The values of each target that some sample here has, (m,) float64; NaN for samples without a value."""
        return {name: self.table(f"targets/{encode_name(name)}") for name in self.target_names}

    def __enter__(self) -> "ShardFile":
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()


def differences(line: ShardLine, given: ShardLine) -> str:
    """The differences between two manifest lines of one shard, in words; empty if they are the same."""
    pairs = zip(ShardLine._fields, line, given, strict=True)
    return ", ".join(f"{name} {a}, not {b}" for name, a, b in pairs if a != b and name != "file")


def open_named(folder: Path, line: ShardLine) -> ShardFile:
    """Open the shard in ``folder`` that ``line``, a line of the manifest, names.

    Raises:
        ShardError: it is missing, cannot be read, or is another shard.
    """
    shard = ShardFile(folder / line.file)
    try:
        if what := differences(shard.line, line):
            raise ShardError(
                f"{shard.path} is not the shard that the manifest names (it has {what}; it was rebuilt since, or one "
                "of the two is damaged): run `hpcvox featurize` to its end, then open the set again"
            )
    except BaseException:
        shard.file.close()
        raise
    return shard


def _check_sites(numbers: NDArray[np.uint8], frac: NDArray[np.float64], path: Path) -> None:
    """Raise :class:`ShardError` unless these are atomic numbers and coordinates."""
    if numbers.size and not (numbers.min() >= 1 and numbers.max() <= _HEAVIEST):
        what = f"site_number goes from {numbers.min()} to {numbers.max()}, and elements to {_HEAVIEST}"
    elif not np.isfinite(frac).all():
        what = "site_frac is not finite"
    else:
        return
    raise ShardError(f"{path}: its {SITE}s cannot be read ({what}): {_DO}")


def _axes(dataset: h5py.h5d.DatasetID) -> str:
    """The attribute ``axes`` of a sample array."""
    axes: str = h5py.AttributeManager(h5py.Dataset(dataset))["axes"].decode()
    return axes


def _said(error: Exception) -> str:
    return str(error).strip("'\"") or type(error).__name__


def read_at(descriptor: int, out: memoryview, offset: int, path: Path) -> None:
    """Fill ``out`` with the bytes at ``offset`` of an open file; thread-safe, since it moves no file position.

    Raises:
        ShardError: the file is too short.
    """
    got = os.preadv(descriptor, [out], offset)
    while got < len(out):
        more = os.preadv(descriptor, [out[got:]], offset + got)
        if more == 0:
            raise ShardError(f"{path} ends at byte {offset + got}, within its samples: {_DO}")
        got += more
