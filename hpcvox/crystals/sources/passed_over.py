"""What a source leaves out that is no input of its kind (a README in a folder), counted for the end of a run."""

from typing import Final, NamedTuple

_SHOWN: Final = 3
"""Of each kind, the names that are told; of the others their number."""


class Kind(NamedTuple):
    """What is passed over, in words: one of them, and several."""

    one: str
    many: str


FILES: Final = Kind("file of another kind", "files of other kinds")
FOLDERS: Final = Kind("linked folder that is read already", "linked folders that are read already")
COLUMNS: Final = Kind(
    "column that is not numeric throughout and so no target",
    "columns that are not numeric throughout and so no targets",
)


class PassedOver:
    """Counts what is passed over by its kind, and keeps the first names; no more, for there may be millions."""

    def __init__(self) -> None:
        self._counts: dict[Kind, int] = {}
        self._names: dict[Kind, list[str]] = {}

    def add(self, kind: Kind, name: str) -> None:
        """One more of ``kind``."""
        self._counts[kind] = self._counts.get(kind, 0) + 1
        names = self._names.setdefault(kind, [])
        if len(names) < _SHOWN:
            names.append(name.encode(errors="backslashreplace").decode())

    def told(self) -> str:
        """``3 files of other kinds (README, x.png, y.png)``; empty where nothing was passed over."""
        return "; ".join(
            f"{count:,} {kind.one if count == 1 else kind.many} "
            f"({', '.join(self._names[kind])}{', …' if count > _SHOWN else ''})"
            for kind, count in self._counts.items()
        )
