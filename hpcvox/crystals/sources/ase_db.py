"""Databases of ASE (SQLite, ``.db``) as sources, row by row in the order of their ids.

This module does not use ``ase.db``, which reads all rows into memory at once (``fetchall``) and opens the file for
writing.  It reads only numbers and a JSON text, and no code.  The rows must be those of a table, because a view may
compute rows forever.
"""

import json
import math
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import numpy as np

from hpcvox.crystals.formats.pymatgen_json import written
from hpcvox.crystals.limits import MAX_BYTES, MAX_SITES
from hpcvox.crystals.record import Entry, Fault
from hpcvox.crystals.sources.columns import ColumnChoice
from hpcvox.errors import Rejected, SourceError
from hpcvox.terminal import counted

ASE_SUFFIXES: Final = (".db",)

_READ_ERRORS: Final = (sqlite3.Error, UnicodeError, OverflowError)
"""The exceptions of reading a damaged database, in which, for example, names may no longer be UTF-8."""

_QUERY: Final = (
    "SELECT id, numbers, positions, cell, pbc, energy, key_value_pairs FROM systems ORDER BY rowid"
)

_IS_TABLE: Final = "SELECT COUNT(*) FROM sqlite_master WHERE lower(name) = 'systems' AND rootpage > 0"
"""True for tables that are stored in the file; views and computed tables have no root page."""

_COUNT_S: Final = 60.0
"""Seconds in which the rows must be counted; in a damaged file the pages may form a circle."""


class AseSource:
    """The rows of a database; targets are the energy and those key-value pairs that are numbers."""

    kind = "ase"
    total: int | None
    target_names: tuple[str, ...] = ()
    passed_over = ""

    def __init__(self, path: Path, columns: ColumnChoice) -> None:
        self._path = path
        self._chosen = columns
        try:
            with closing(self._connect()) as connection:
                if connection.execute(_IS_TABLE).fetchone() == (0,):
                    raise sqlite3.DatabaseError("it has no table of systems")
                self.total = _count(connection)
                connection.execute(_QUERY).fetchone()
        except _READ_ERRORS as error:
            locked = ": another program writes it, or its file system has no locks; copy it to one that has"
            hint = locked if "locked" in str(error) else ""
            raise SourceError(f"{path}: cannot read it as a database of ASE: {error}{hint}") from None

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(f"{self._path.resolve().as_uri()}?mode=ro", uri=True)
        connection.text_factory = bytes  # a text that is not UTF-8 must not end the reading
        connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, 4 * MAX_BYTES)  # of a row, too
        return connection

    def __iter__(self) -> Iterator[Entry]:
        index, last = 0, -math.inf
        try:
            with closing(self._connect()) as connection:
                for row in connection.execute(_QUERY):
                    if not (isinstance(row[0], int) and row[0] > last):
                        raise sqlite3.DatabaseError(f"the id {row[0]!r} follows {last}")
                    last = row[0]
                    yield self._entry(index, row)
                    index += 1
        except _READ_ERRORS as error:
            message = f"the database is damaged after {counted(index, 'row')}; what follows is lost ({error})"
            yield Entry(index, self._path.name, self._path.name, b"", {}, Fault("damaged-archive", message))

    def _entry(self, index: int, row: tuple[Any, ...]) -> Entry:
        number, numbers, positions, cell, pbc, energy, pairs = row
        name, origin = f"{self._path.name}#{number}", f"{self._path.name}:id {number}"
        targets: dict[str, float] = {}
        text, fault = b"", None
        try:
            record = {} if energy is None else {"energy": energy}
            record |= _pairs(pairs)
            name = self._chosen.identify(record, name)
            targets = self._chosen.numbers(record)
            text = _structure(numbers, positions, cell, pbc)
        except Rejected as reason:
            fault = Fault(reason.code, str(reason))
        return Entry(index, name, origin, text, targets, fault, "json")


def _count(connection: sqlite3.Connection) -> int | None:
    """The number of rows; None if counting them takes too long."""
    clock = threading.Timer(_COUNT_S, connection.interrupt)
    clock.daemon = True
    clock.start()
    try:
        (count,) = connection.execute("SELECT COUNT(*) FROM systems").fetchone()
        return int(count)
    except sqlite3.OperationalError as error:
        if "interrupted" not in str(error):
            raise
        return None
    finally:
        clock.cancel()


def _pairs(text: Any) -> dict[str, Any]:
    """The key-value pairs of a row."""
    try:
        pairs = json.loads(text or b"{}")
    except (TypeError, ValueError, RecursionError) as error:
        raise Rejected("unreadable", f"the key-value pairs cannot be read: {error}") from None
    return pairs if isinstance(pairs, dict) else {}


def _structure(numbers: Any, positions: Any, cell: Any, pbc: Any) -> bytes:
    """The atoms of a row as the JSON text of a structure, without loss of precision."""
    if isinstance(numbers, bytes) and len(numbers) > 4 * MAX_SITES:
        raise Rejected("too-many-sites", f"the cell has more than {MAX_SITES} sites")
    try:
        species = np.frombuffer(numbers or b"", "<i4").tolist()
        xyz = np.frombuffer(positions or b"", "<f8").reshape(len(species), 3).tolist()
        matrix = np.frombuffer(cell or b"", "<f8").reshape(3, 3).tolist()
        periodic = [bool(int(pbc or 0) >> k & 1) for k in range(3)]
    except (TypeError, ValueError) as error:
        raise Rejected("unreadable", f"the row's arrays cannot be read: {error}") from None
    return written(species, xyz, matrix, periodic)
