"""Where crystals come from: files, folders, archives, tables and databases, as one stream of entries.

A source is read in a fixed order and from its start as often as wanted; entries are not parsed here.
Inputs that cannot even be read (a damaged member, an empty cell) are entries with a fault, so that
the count of crystals and rejects is the count of inputs.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Final, NamedTuple, Protocol

from hpcvox.crystals.fields import Quantity
from hpcvox.crystals.limits import MAX_BYTES
from hpcvox.crystals.record import Entry, Fault
from hpcvox.crystals.sources.archives import COMPRESSED_TAR, TarSource, ZipSource
from hpcvox.crystals.sources.ase_db import ASE_SUFFIXES, AseSource
from hpcvox.crystals.sources.cif_set import CifSetSource, zipped
from hpcvox.crystals.sources.columns import ColumnChoice
from hpcvox.crystals.sources.extxyz import XYZ_SUFFIXES, FrameSource
from hpcvox.crystals.sources.field_files import FieldSource
from hpcvox.crystals.sources.folders import NAMES, FileSource, FolderSource, structure_format
from hpcvox.crystals.sources.json_files.structures import (
    JSON_SUFFIXES,
    LINES_SUFFIXES,
    JsonSource,
    items,
    lines,
)
from hpcvox.crystals.sources.parquet import PARQUET_SUFFIXES, ParquetSource
from hpcvox.crystals.sources.tables import CSV_SUFFIXES, CsvSource
from hpcvox.crystals.sources.targets_file import Targeted, TargetsFile
from hpcvox.errors import SourceError
from hpcvox.registry import added


class Reader(Protocol):
    """What opens a source of one kind: entries numbered from 0, in a fixed order, ids not yet unique.

    It may be read any number of times, each time from its start.  Its inputs that cannot be read are entries with a
    :class:`hpcvox.crystals.record.Fault`.
    """

    kind: str
    """A word for it."""
    total: int | None
    """Number of entries, where known beforehand."""
    target_names: tuple[str, ...]
    """Of the targets, in their order, where known beforehand."""

    @property
    def passed_over(self) -> str:
        """What of the source is no input, in words; empty where there is none."""

    def __iter__(self) -> Iterator[Entry]: ...


class Kind(NamedTuple):
    """One kind of source that is a file with a suffix of its own.

    Another package has its own by an entry point of the group ``hpcvox.sources`` that names one.
    """

    suffixes: tuple[str, ...]
    """In small letters."""
    open: Callable[[Path, ColumnChoice], Reader]
    """Raises :class:`hpcvox.errors.SourceError` where the file is not what its name says."""
    what: str
    """For messages that list all kinds."""


_KINDS: Final = (
    Kind(COMPRESSED_TAR, lambda path, _: TarSource(path), "an archive of structure files"),
    Kind((".zip",), lambda path, _: ZipSource(path), "a zip of them"),
    Kind(CSV_SUFFIXES, CsvSource, "a table with a column of CIFs or of structures in JSON"),
    Kind(PARQUET_SUFFIXES, ParquetSource, "a table with a column of CIFs or of structures in JSON"),
    Kind(XYZ_SUFFIXES, FrameSource, "frames of extended XYZ"),
    Kind(
        JSON_SUFFIXES,
        partial(JsonSource, texts=items),
        "pymatgen structures: one, a list, an object by id, or a frame of pandas",
    ),
    Kind(LINES_SUFFIXES, partial(JsonSource, texts=lines), "pymatgen structures, one a line"),
    Kind(ASE_SUFFIXES, AseSource, "a database of ASE"),
)

GROUP: Final = "hpcvox.sources"
"""Of the entry points of other packages' kinds."""


def kinds() -> list[str]:
    """All kinds of source, for messages."""
    named = [f"{kind.what} ({', '.join(kind.suffixes)})" for kind in (*_KINDS, *_others())]
    return [f"a folder of structure files ({NAMES})", "one of them", *named]


@cache
def _others() -> tuple[Kind, ...]:
    return tuple(added(GROUP).values())


class Source:
    """A readable source of crystals.

    Iterating yields :class:`Entry` in a fixed order: a folder by path, an archive as its members
    lie, a table by row, frames and structures as they lie, a database by id.  An id that was seen
    before in the source is an entry with the fault ``duplicate-id``: two crystals under one name
    could not be told apart in any later table.
    """

    def __init__(self, path: Path, reader: Reader) -> None:
        self.path = path
        self.kind = reader.kind  # "folder", "tar", "csv" ...; of a single file its format
        self.total = reader.total  # number of entries where known beforehand
        self.target_names = reader.target_names  # of the targets, in column order, where known beforehand
        self._reader = reader

    def __iter__(self) -> Iterator[Entry]:
        seen: dict[str, str] = {}
        for read in self._reader:
            # hundreds of entries wait together to be parsed: what will not be is not held so long
            entry = _emptied(read) if len(read.text) > MAX_BYTES else read
            first = seen.setdefault(entry.id, entry.origin)
            if first is not entry.origin:
                message = f"the id {entry.id!r} is already that of {first}"
                yield entry._replace(text=b"", fault=entry.fault or Fault("duplicate-id", message))
            else:
                yield entry

    @property
    def passed_over(self) -> str:
        """What of the source is no input, in words (of a tar, when it was read); empty where there is none."""
        return self._reader.passed_over

    def refuse_empty(self) -> None:
        """Raise :class:`SourceError` where there is not even one entry."""
        if next(iter(self), None) is None:
            raise SourceError(f"{self.path} holds no crystals: give a source with at least one")


def _emptied(entry: Entry) -> Entry:
    fault = Fault("too-large", f"the text is longer than {MAX_BYTES // 1024**2} MiB")
    return entry._replace(text=b"", fault=entry.fault or fault)


def open_source(
    path: Path | str,
    id_column: str = "auto",
    cif_column: str = "cif",
    targets: Sequence[str] | None = None,
    targets_file: Path | None = None,
) -> Source:
    """Open the source at ``path``; its kind follows from its name.

    A folder of a run of ours may be a zip (:mod:`hpcvox.crystals.sources.cif_set`).

    ``id_column``, ``cif_column`` and ``targets`` are for what has columns or fields: tables, and the
    records of JSON, extended XYZ and databases.  ``"auto"`` takes the first of ``material_id``, ``id``,
    ``mp_id``, ``cif_id``, ``name`` that there is, else the row's or frame's number.
    ``targets=None`` takes every column that holds numbers alone, and every number of a record.
    ``targets_file`` is a table by the ids of the crystals (:mod:`hpcvox.crystals.sources.targets_file`), from which
    all targets are then taken.

    Raises:
        SourceError: there is nothing at ``path``, it is of no known kind, it cannot be read at all, it
            holds no crystal, or a table lacks a column.
    """
    path = Path(path)
    if targets_file is None:
        return Source(path, _reader(path, ColumnChoice(id_column, cif_column, targets)))
    table = TargetsFile(targets_file, id_column, targets)
    return Source(path, Targeted(_reader(path, ColumnChoice("auto", cif_column, [])), table))


def _reader(path: Path, columns: ColumnChoice) -> Reader:
    """What reads the source at ``path``."""
    if (crystals := zipped(path)) is not None:
        return CifSetSource(crystals)
    if path.is_dir():
        return FolderSource(path)
    if not path.exists():
        raise SourceError(f"{path}: there is no such file or folder. A source is {'; '.join(kinds())}")
    if not path.is_file():
        raise SourceError(
            f"{path}: it is no regular file (a pipe, a device or a socket). A source is {'; '.join(kinds())}"
        )
    if kind := _kind_of(path, _KINDS):
        return kind.open(path, columns)
    if structure_format(path.name):
        return FileSource(path)
    if kind := _kind_of(path, _others()):
        return kind.open(path, columns)
    raise SourceError(
        f"{path}: the kind of source cannot be told from its name. A source is {'; '.join(kinds())}"
    )


def _kind_of(path: Path, kinds: Sequence[Kind]) -> Kind | None:
    name = path.name.lower()
    return next((kind for kind in kinds if name.endswith(kind.suffixes)), None)


def open_fields(
    path: Path | str,
    quantity: Quantity = "density",
    targets: Sequence[str] | None = None,
    targets_file: Path | None = None,
) -> Source:
    """The field files at ``path``, one or a folder of them; ``quantity`` is what those hold that do not say (cubes).

    ``targets_file`` as in :func:`open_source`.

    Raises:
        SourceError: there is nothing at ``path``, or no field.
    """
    path = Path(path)
    fields = FieldSource(path, quantity)
    if targets_file is None:
        return Source(path, fields)
    return Source(path, Targeted(fields, TargetsFile(targets_file, "auto", targets)))
