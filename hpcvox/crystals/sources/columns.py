"""Chooses the fields of a record (a frame's comment, a JSON object, a row) that are its id and its targets."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from hpcvox.crystals.decimals import decimal
from hpcvox.errors import Rejected, SourceError, did_you_mean

ID_COLUMNS: Final = ("material_id", "id", "mp_id", "cif_id", "name")
"""Usual names of an identifier, the most likely first."""

ABSENT: Final = frozenset(
    [
        *(
            "",
            "nan",
            "-nan",
            "na",
            "n/a",
            "n.a.",
            "none",
            "null",
            "nil",
            "<na>",
            "\\n",
            "-",
            "--",
            "---",
            "?",
            ".",
        ),
        *("#na", "#n/a n/a", "1.#ind", "-1.#ind", "1.#qnan", "-1.#qnan"),  # of pandas and of C
        *(
            "#n/a",
            "#value!",
            "#div/0!",
            "#ref!",
            "#name?",
            "#num!",
            "#null!",
            "#nv",
            "#wert!",
        ),  # of spreadsheets
    ]
)
"""What programs write for a missing value, in small letters."""


class ColumnChoice(NamedTuple):
    """The user's choice of columns."""

    id_column: str = "auto"  # "auto": the first of ID_COLUMNS that a record has
    cif_column: str = "cif"
    targets: Sequence[str] | None = None  # None: every number

    @property
    def id_names(self) -> tuple[str, ...]:
        """Names that the column of identifiers may have, the most likely first."""
        return ID_COLUMNS if self.id_column == "auto" else (self.id_column,)

    @property
    def structure_names(self) -> tuple[str, ...]:
        """Names that the column or field of structures may have, the most likely first."""
        return ("cif", "structure") if self.cif_column == "cif" else (self.cif_column,)

    def structure_column(self, path: Path, names: Sequence[str]) -> str:
        """The column of structures among ``names``.

        Raises:
            SourceError: there is none.
        """
        found = next((name for name in self.structure_names if name in names), None)
        if found is None:
            near = "" if self.cif_column == "cif" else did_you_mean(self.cif_column, names)
            raise SourceError(
                f"{path}: there is no column {self.cif_column!r}: {near}the table has: {', '.join(names)}"
            )
        return found

    def refuse_other_id(self, path: Path, names: Sequence[str]) -> None:
        """Raise SourceError if the user has named an id column that is not among ``names``."""
        if self.id_column not in ("auto", *names):
            near = did_you_mean(self.id_column, names)
            raise SourceError(
                f"{path}: there is no id column {self.id_column!r}: {near}the table has: {', '.join(names)}"
            )

    def refuse_other_targets(self, path: Path, names: Sequence[str], numeric: Sequence[str]) -> None:
        """Raise SourceError if the user has named a target that is not in ``names``; the message lists ``numeric``."""
        missing = [name for name in self.targets or () if name not in names]
        if missing:
            valid = f"{did_you_mean(missing[0], numeric)}columns of numbers: {', '.join(numeric) or 'none'}"
            raise SourceError(f"{path}: no column {missing[0]!r} for a target: {valid}")

    def identify(self, record: Mapping[str, Any], otherwise: str) -> str:
        """The identifier of a record; ``otherwise`` if it has none."""
        for name in self.id_names:
            value = record.get(name)
            if isinstance(value, str | int) and not isinstance(value, bool) and str(value).strip():
                return _text(str(value).strip())
        return otherwise

    def numbers(self, record: Mapping[str, Any]) -> dict[str, float]:
        """The record's numbers by name, identifiers aside.

        Raises:
            Rejected: ``target``, where one is infinite, or a target that was asked for is no number.
        """
        asked = self.targets
        names = [k for k in record if k and k not in ID_COLUMNS] if asked is None else asked
        values: dict[str, float] = {}
        for name in names:
            value = record.get(name)
            number = _number(value)
            if math.isfinite(number):
                values[_text(name)] = number
            elif math.isinf(number) or (asked is not None and value is not None and not absent(str(value))):
                raise Rejected("target", no_target(_text(name), _text(str(value)), number))
        return values


def no_target(name: str, written: str, number: float = math.nan) -> str:
    """Why what is ``written`` for a target is none: it is no number, or an infinite one."""
    return f"the target {name!r} is {written[:40]!r}, not a {'finite ' if math.isinf(number) else ''}number"


def absent(cell: str) -> bool:
    """Whether a cell says that its value is missing."""
    return cell.strip().lower() in ABSENT


def refuse_doubled(path: Path, names: Sequence[str], used: Sequence[str | None]) -> None:
    """Raise SourceError if a table has one of the ``used`` columns twice, so that the right one is unknown."""
    for name in used:
        if name is not None and (count := names.count(name)) > 1:
            raise SourceError(
                f"{path}: {count} columns are called {name!r}: give each a name of its own, "
                "or choose others with id_column, cif_column and targets"
            )


def text_format(text: bytes) -> str:
    """The format of a text in a table's cell: a structure in JSON if it begins with a brace, else a CIF."""
    return "json" if text[:1] == b"{" or text.lstrip().startswith((b"{", b"\xef\xbb\xbf{")) else "cif"


def _number(value: Any) -> float:
    """``value`` as a number, also if it is written as text; nan for all other values."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return math.nan
    try:
        return decimal(value) if isinstance(value, str) else float(value)
    except (ValueError, OverflowError):
        return math.nan


def _text(text: str) -> str:
    """``text`` without lone surrogates, which JSON allows but no file can hold."""
    return text.encode(errors="replace").decode()
