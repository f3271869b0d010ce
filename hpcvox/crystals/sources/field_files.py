"""Field files as a source: one file or a folder.  An entry only names its file, which the parser of the entry reads."""

from collections.abc import Iterator
from pathlib import Path

from hpcvox.crystals.fields import NAMES, Quantity, format_of
from hpcvox.crystals.names import of_file
from hpcvox.crystals.record import Entry
from hpcvox.crystals.sources.folders import walked
from hpcvox.errors import SourceError


def field_name(name: str) -> bool:
    """Whether a file of this name is a field; hidden files are not."""
    return not name.startswith(".") and format_of(name) is not None


class FieldSource:
    """All field files in a folder and its subfolders in the order of their relative paths, or one file."""

    kind = "fields"
    target_names: tuple[str, ...] = ()

    def __init__(self, path: Path, quantity: Quantity) -> None:
        self._quantity = quantity
        self._folder = path if path.is_dir() else path.parent
        self._names, self.passed_over = [path.name], ""
        if path.is_dir():
            self._names, left = walked(path, field_name)
            self.passed_over = left.told()
        self.total: int | None = len(self._names)
        if not path.exists():
            raise SourceError(f"{path}: there is no such file or folder. A source of fields is {NAMES}")
        if not self._names or format_of(self._names[0]) is None:
            raise SourceError(f"{path} holds no field: a source of fields is a file or a folder of {NAMES}")

    def __iter__(self) -> Iterator[Entry]:
        folder = self._folder.resolve()
        for index, name in enumerate(self._names):
            origin, kind = of_file(f"{folder.name}/{name}"), f"field-{self._quantity}"
            yield Entry(index, of_file(name), origin, b"", {}, format=kind, file=folder / name)
