"""Which fields of a record (a frame's comment, a JSON object, a row) are its id and its targets."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from hpcvox.crystals.decimals import decimal
from hpcvox.errors import Rejected

ID_COLUMNS: Final = ("material_id", "id", "mp_id", "cif_id", "name")
"""Likely names of an identifier, the likelier before the less likely."""

ABSENT: Final = frozenset({"", "nan", "na", "n/a", "none", "null"})
"""What tables write, in any case, for a value that is not there."""


class Columns(NamedTuple):
    """The user's choice of columns."""

    id_column: str = "auto"  # "auto": the first of ID_COLUMNS that a record has
    cif_column: str = "cif"
    targets: Sequence[str] | None = None  # None: every number

    @property
    def id_names(self) -> tuple[str, ...]:
        """Names that the identifier may have."""
        return ID_COLUMNS if self.id_column == "auto" else (self.id_column,)

    def identify(self, record: Mapping[str, Any], otherwise: str) -> str:
        """The record's identifier; ``otherwise`` where it has none."""
        for name in self.id_names:
            value = record.get(name)
            if isinstance(value, str | int) and not isinstance(value, bool) and str(value).strip():
                return _text(str(value).strip())
        return otherwise

    def numbers(self, record: Mapping[str, Any]) -> dict[str, float]:
        """The record's finite numbers by name, identifiers aside.

        Raises:
            Rejected: ``target``, where a target that was asked for is no number.
        """
        if self.targets is None:
            found = {_text(k): _number(v) for k, v in record.items() if k and k not in ID_COLUMNS}
            return {k: v for k, v in found.items() if math.isfinite(v)}
        values: dict[str, float] = {}
        for name in self.targets:
            value = record.get(name)
            number = _number(value)
            if math.isfinite(number):
                values[name] = number
            elif value is not None and str(value).strip().lower() not in ABSENT and math.isnan(number):
                shown = _text(str(value)[:40])
                raise Rejected("target", f"the target {name!r} is {shown!r}, not a number")
        return values


def _number(value: Any) -> float:
    """``value`` as a number, also one that is written as text; nan for all else."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return math.nan
    try:
        return decimal(value) if isinstance(value, str) else float(value)
    except (ValueError, OverflowError):
        return math.nan


def _text(text: str) -> str:
    """``text`` without the halves of characters that JSON lets through and no file can hold."""
    return text.encode(errors="replace").decode()
