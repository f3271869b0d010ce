"""Opens sources of crystals (files, folders, archives, tables and databases) as one stream of entries.

A source can be read any number of times, always from its start and in the same order; entries are not parsed here.  An
input that cannot be read (a damaged member, an empty cell) is an entry with a fault, so that every input is counted as
a crystal or a reject.
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
    """The interface of a reader of one kind of source: its entries are numbered from 0, in a fixed order.

    It can be read any number of times, always from its start.  Ids need not be unique yet.  An input that cannot be
    read is an entry with a :class:`hpcvox.crystals.record.Fault`.
    """

    kind: str
    """A word for the kind of source."""
    total: int | None
    """Number of entries, if known in advance; else None."""
    target_names: tuple[str, ...]
    """Names of the targets, in their order, if known in advance; else empty."""

    @property
    def passed_over(self) -> str:
        """The files or columns of the source that are no inputs, in words; empty if there are none."""

    def __iter__(self) -> Iterator[Entry]: ...


class Kind(NamedTuple):
    """A kind of source: a file with its own suffix.

    Another package adds one by an entry point of the group ``hpcvox.sources`` that names a :class:`Kind`.
    """

    suffixes: tuple[str, ...]
    """Its suffixes, in small letters."""
    open: Callable[[Path, ColumnChoice], Reader]
    """Makes the reader of a file; raises :class:`hpcvox.errors.SourceError` if the file is not what its name says."""
    what: str
    """A description, for messages that list all kinds."""


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
"""Group of the entry points of other packages' kinds."""


def kinds() -> list[str]:
    """Descriptions of all kinds of source, for messages."""
    named = [f"{kind.what} ({', '.join(kind.suffixes)})" for kind in (*_KINDS, *_others())]
    return [f"a folder of structure files ({NAMES})", "one of them", *named]


@cache
def _others() -> tuple[Kind, ...]:
    return tuple(added(GROUP).values())


class Source:
    """A readable source of crystals.

    Iterating yields :class:`Entry` in a fixed order: of a folder by path, of an archive in the order of its members, of
    a table by row, of frames and structures in the order of the file, of a database by id.  If an id occurs again, that
    entry has the fault ``duplicate-id``, because later tables could not tell two crystals with the same id apart.
    """

    def __init__(self, path: Path, reader: Reader) -> None:
        self.path = path
        self.kind = reader.kind  # "folder", "tar", "csv" ...; for a single file its format
        self.total = reader.total  # number of entries, if known in advance
        self.target_names = reader.target_names  # names of the targets in column order, if known in advance
        self._reader = reader

    def __iter__(self) -> Iterator[Entry]:
        seen: dict[str, str] = {}
        for read in self._reader:
            # hundreds of entries wait to be parsed: do not keep texts that will be rejected
            entry = _emptied(read) if len(read.text) > MAX_BYTES else read
            first = seen.setdefault(entry.id, entry.origin)
            if first is not entry.origin:
                message = f"the id {entry.id!r} is already that of {first}"
                yield entry._replace(text=b"", fault=entry.fault or Fault("duplicate-id", message))
            else:
                yield entry

    @property
    def passed_over(self) -> str:
        """The files or columns that are no inputs, in words; empty if none, or before a tar was read to its end."""
        return self._reader.passed_over

    def refuse_empty(self) -> None:
        """Raise :class:`SourceError` if the source has no entry."""
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
    """Open the source at ``path``; its name decides the kind.

    ``id_column``, ``cif_column`` and ``targets`` apply to sources with columns or fields: tables, and records in JSON,
    extended XYZ and databases.

    Args:
        path: a file or folder; the CIFs of a run may be in a zip instead (:mod:`hpcvox.crystals.sources.cif_set`).
        id_column: the column of ids; ``"auto"`` takes the first of ``material_id``, ``id``, ``mp_id``, ``cif_id``,
            ``name`` that exists, else the number of the row or frame.
        cif_column: the column of CIFs.
        targets: names of the targets; None takes all columns that hold only numbers, and all numbers of a record.
        targets_file: a table with the id of each crystal (:mod:`hpcvox.crystals.sources.targets_file`), from which all
            targets are taken instead.

    Raises:
        SourceError: there is nothing at ``path``, its kind is unknown, it cannot be read, it holds no crystal, or a
            table lacks a column.
    """
    path = Path(path)
    if targets_file is None:
        return Source(path, _reader(path, ColumnChoice(id_column, cif_column, targets)))
    table = TargetsFile(targets_file, id_column, targets)
    return Source(path, Targeted(_reader(path, ColumnChoice("auto", cif_column, [])), table))


def _reader(path: Path, columns: ColumnChoice) -> Reader:
    """The reader of the source at ``path``."""
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
    """Open the field files at ``path``, which is one file or a folder.

    Args:
        path: the file or folder.
        quantity: the quantity in files that do not name it (cubes).
        targets: see :func:`open_source`.
        targets_file: see :func:`open_source`.

    Raises:
        SourceError: there is nothing at ``path``, or no field.
    """
    path = Path(path)
    fields = FieldSource(path, quantity)
    if targets_file is None:
        return Source(path, fields)
    return Source(path, Targeted(fields, TargetsFile(targets_file, "auto", targets)))
