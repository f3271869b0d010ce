"""Field files as a source: one, or a folder of them.  Their entries hold paths: whoever parses one reads the file."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hpcvox.crystals.fields import Field, Kind, read_field
from hpcvox.crystals.record import Crystal, Entry, Rejection
from hpcvox.errors import Rejected, SourceError

_NAME: Final = re.compile(
    r"(.*(CHG|AECCAR|LOCPOT).*|.*\.(cube|cub)(\.gz|\.bz2|\.xz)?)", re.IGNORECASE | re.DOTALL
)
NAMES: Final = "CHGCAR*, CHG*, PARCHG*, AECCAR*, LOCPOT*, .cube, .cub, also .gz, .bz2, .xz"


@dataclass(frozen=True, slots=True, eq=False)
class FieldCrystal(Crystal):
    """A crystal with a field on its cell's grid."""

    field: Field


class FieldSource:
    """All field files in a folder and its subfolders in the order of their relative paths, or one file."""

    kind = "fields"
    target_names: tuple[str, ...] = ()

    def __init__(self, path: Path, quantity: Kind) -> None:
        self._quantity = quantity
        self._folder = path if path.is_dir() else path.parent
        self._names = sorted(self._walk()) if path.is_dir() else [path.name]
        self.total: int | None = len(self._names)
        if not path.exists():
            raise SourceError(f"{path}: there is no such file or folder. A source of fields is {NAMES}")
        if not self._names or not _NAME.fullmatch(self._names[0]):
            raise SourceError(f"{path} holds no field: a source of fields is a file or a folder of {NAMES}")

    def _walk(self) -> Iterator[str]:
        def stop(error: OSError) -> None:
            raise SourceError(f"{error.filename}: cannot list the folder: {error.strerror}")

        for root, _, files in os.walk(self._folder, onerror=stop):
            for name in files:
                if _NAME.fullmatch(name) and not name.startswith("."):
                    yield (Path(root) / name).relative_to(self._folder).as_posix()

    def __iter__(self) -> Iterator[Entry]:
        folder = self._folder.resolve()
        for index, name in enumerate(self._names):
            path = os.fsencode(folder / name)
            yield Entry(index, name, f"{folder.name}/{name}", path, {}, None, f"field-{self._quantity}")


def parse_field(entry: Entry, quantity: Kind) -> list[Crystal | Rejection]:
    """The crystal and field in the file of an entry of :class:`FieldSource`, or why there is none."""
    try:
        field = read_field(Path(os.fsdecode(entry.text)), quantity)
        if field.kind != quantity:
            raise Rejected("other-quantity", f"the file holds a {field.kind}, and a {quantity} is wanted")
        if not len(field.numbers):
            raise Rejected("no-sites", "the file names no atoms")
    except Rejected as reason:
        return [Rejection(entry.id, entry.origin, reason.code, str(reason))]
    return [
        FieldCrystal(entry.id, entry.origin, field.lattice, field.frac, field.numbers, entry.targets, field)
    ]
