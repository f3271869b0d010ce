"""Counts files and columns of a source that are no inputs (a README in a folder), for the last line of a job."""

from typing import Final, NamedTuple

_SHOWN: Final = 3
"""How many names of each kind are listed; of the others only the number."""


class Kind(NamedTuple):
    """Words for something that is passed over: for one, and for several."""

    one: str
    many: str


FILES: Final = Kind("file of another kind", "files of other kinds")
FOLDERS: Final = Kind("linked folder that is read already", "linked folders that are read already")
COLUMNS: Final = Kind(
    "column that is not numeric throughout and so no target",
    "columns that are not numeric throughout and so no targets",
)


class PassedOver:
    """Counts what is passed over by its kind, and keeps only the first names, since there may be millions."""

    def __init__(self) -> None:
        self._counts: dict[Kind, int] = {}
        self._names: dict[Kind, list[str]] = {}

    def add(self, kind: Kind, name: str) -> None:
        """Count one more of ``kind``."""
        self._counts[kind] = self._counts.get(kind, 0) + 1
        names = self._names.setdefault(kind, [])
        if len(names) < _SHOWN:
            names.append(name.encode(errors="backslashreplace").decode())

    def told(self) -> str:
        """``3 files of other kinds (README, x.png, y.png)``; empty if nothing was passed over."""
        return "; ".join(
            f"{count:,} {kind.one if count == 1 else kind.many} "
            f"({', '.join(self._names[kind])}{', …' if count > _SHOWN else ''})"
            for kind, count in self._counts.items()
        )
