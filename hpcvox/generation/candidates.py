"""Reads the table of candidates, ``candidates.csv``, and their crystals; needs no network and no PyTorch."""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from hpcvox.crystals.parse import parse
from hpcvox.crystals.record import CANDIDATE, Crystal, Entry, Reject
from hpcvox.crystals.sources.cif_set import CifSet
from hpcvox.errors import ConfigError
from hpcvox.files.regular import open_regular

TABLE: Final = "candidates.csv"


class Column(StrEnum):
    """The columns of the table, in their order."""

    ID = "id"
    DECILE = "decile"
    VALID = "valid"
    CODE = "code"  # why the candidate is not valid
    FORMULA = "formula"
    N_SITES = "n_sites"
    A = "a"  # Å
    B = "b"
    C = "c"
    MIN_DISTANCE = "min_distance"  # Å
    CHARGE_BALANCED = "charge_balanced"
    NOVEL = "novel"
    CIF = "cif"
    MESSAGE = "message"


COLUMNS: Final = tuple(Column)

CIFS = "cifs"
"""Folder (or archive) of the candidates' CIFs, a :class:`hpcvox.crystals.sources.cif_set.CifSet`."""

LENGTHS: Final = (Column.A, Column.B, Column.C)

ANGLES = ("alpha", "beta", "gamma")
"""Further columns after the lengths, if the networks were trained on oblique cells."""


def read_candidates(generated: Path) -> list[dict[str, Any]]:
    """Read the rows of ``candidates.csv`` from ``generated``, the folder of a run of ``hpcvox generate``.

    Raises:
        ConfigError: there is no such table, or it is damaged.
    """
    path = generated / TABLE
    try:
        with io.TextIOWrapper(open_regular(path), "utf-8", errors="replace", newline="") as handle:
            table = csv.DictReader(handle, restval="")
            rows: list[dict[str, Any]] = list(table)
    except FileNotFoundError:
        raise ConfigError(
            f"generated: {path} does not exist; give the folder of a finished run of hpcvox generate"
        ) from None
    except OSError as error:
        raise ConfigError(f"generated: cannot read {path}: {error.strerror}") from None
    except csv.Error as error:
        raise ConfigError(f"generated: {path}: {error}; generate them again") from None
    if table.fieldnames is None or not set(COLUMNS) <= set(table.fieldnames):
        raise ConfigError(
            f"generated: {path} is not a table of candidates: it lacks columns; generate them again"
        )
    for number, row in enumerate(rows, start=2):
        # the run may be a stranger's: ids and file names must not lead out of its folder
        id, cif = row[Column.ID], row[Column.CIF]
        if "/" in id or id.startswith(".") or cif not in ("", f"{CIFS}/{Path(cif).name}"):
            raise ConfigError(
                f"generated: {path}:row {number}: {id[:80]!r}, {cif[:80]!r} are no id of a candidate and its file in "
                "cifs/; generate them again"
            )
    return rows


def is_valid(row: Mapping[str, str]) -> bool:
    """Whether the candidate in ``row`` of the table is valid."""
    return row.get(Column.VALID) == str(True)


def read_crystals(generated: Path, rows: Iterable[dict[str, Any]]) -> Iterator[tuple[str, Crystal | Reject]]:
    """Read the CIFs of the candidates in ``rows`` that have one.

    Yields:
        The id of a candidate, and its crystal or the reason why that cannot be used.

    Raises:
        ConfigError: a CIF is missing.
    """
    cifs = CifSet(generated / CIFS)
    for number, row in enumerate(rows):
        if not row[Column.CIF]:
            continue
        path = generated / row[Column.CIF]
        try:
            text = cifs.read(path.name)
        except OSError as error:
            raise ConfigError(f"generated: {path}: {error.strerror}; run hpcvox generate again") from None
        for found in parse(Entry(number, row[Column.ID], str(path), text, {}, None, CANDIDATE)):
            yield row[Column.ID], replace(found, id=row[Column.ID]) if isinstance(found, Crystal) else found
