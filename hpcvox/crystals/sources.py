"""Where crystals come from: a CIF, a folder, an archive or a CSV table, as one stream of entries.

A source is read in a fixed order and from its start as often as wanted; entries are not parsed here.
Inputs that cannot even be read (a damaged member, an empty cell) are entries with a fault, so that
the count of crystals and rejections is the count of inputs.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol

from hpcvox.crystals.archives import COMPRESSED_TAR, TarSource, ZipSource
from hpcvox.crystals.folders import FileSource, FolderSource, is_cif
from hpcvox.crystals.record import Entry, Fault
from hpcvox.crystals.tables import CSV_SUFFIXES, CsvSource
from hpcvox.errors import SourceError

KINDS = (
    "a folder of .cif files",
    "a .cif file",
    f"an archive of them ({', '.join(COMPRESSED_TAR)}, .zip)",
    f"a table with a CIF column ({', '.join(CSV_SUFFIXES)})",
)


class _Reader(Protocol):
    """One kind of source: entries numbered from 0, ids not yet unique."""

    kind: str
    total: int | None
    target_names: tuple[str, ...]

    def __iter__(self) -> Iterator[Entry]: ...


class Source:
    """A readable source of crystals.

    Iterating yields :class:`Entry` in a fixed order: a folder by path, an archive as its members
    lie, a table by row.  An id that was seen before in the source is an entry with the fault
    ``duplicate-id``: two crystals under one name could not be told apart in any later table.
    """

    def __init__(self, path: Path, reader: _Reader) -> None:
        self.path = path
        self.kind = reader.kind  # "folder" | "cif" | "tar" | "zip" | "csv"
        self.total = reader.total  # number of entries where known beforehand
        self.target_names = reader.target_names  # all names that an entry's targets may have, in column order
        self._reader = reader

    def __iter__(self) -> Iterator[Entry]:
        seen: dict[str, str] = {}
        for entry in self._reader:
            first = seen.setdefault(entry.id, entry.origin)
            if first is not entry.origin:
                message = f"the id {entry.id!r} is already that of {first}"
                yield entry._replace(text=b"", fault=entry.fault or Fault("duplicate-id", message))
            else:
                yield entry


def open_source(
    path: Path | str,
    id_column: str = "auto",
    cif_column: str = "cif",
    targets: Sequence[str] | None = None,
) -> Source:
    """Open the source at ``path``; its kind follows from its name.

    ``id_column``, ``cif_column`` and ``targets`` are for tables.  ``"auto"`` takes the first of
    ``material_id``, ``id``, ``mp_id``, ``cif_id``, ``name`` that the table has, else the row number.
    ``targets=None`` takes every column that holds numbers alone.

    Raises:
        SourceError: there is nothing at ``path``, it is of no known kind, it holds no CIF, or the
            table lacks a column.
    """
    path = Path(path)
    if path.is_dir():
        return Source(path, FolderSource(path))
    if not path.exists():
        raise SourceError(f"{path}: there is no such file or folder. A source is {'; '.join(KINDS)}")
    name = path.name.lower()
    if name.endswith(CSV_SUFFIXES):
        return Source(path, CsvSource(path, id_column, cif_column, targets))
    if name.endswith(COMPRESSED_TAR):
        return Source(path, TarSource(path))
    if name.endswith(".zip"):
        return Source(path, ZipSource(path))
    if is_cif(name):
        return Source(path, FileSource(path))
    raise SourceError(
        f"{path}: the kind of source cannot be told from its name. A source is {'; '.join(KINDS)}"
    )
