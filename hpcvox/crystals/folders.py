"""Sources of single files of one structure each: one CIF or POSCAR, or a folder of them."""

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from hpcvox.crystals.cif import MAX_BYTES
from hpcvox.crystals.record import Entry, Fault
from hpcvox.errors import SourceError

_RULES: Final = (  # name of a file → format of its text; the first that fits
    (re.compile(r".*\.m?cif", re.IGNORECASE | re.DOTALL), "cif"),
    (re.compile(r".*\.(poscar|vasp)", re.IGNORECASE | re.DOTALL), "poscar"),
    (re.compile(r"(POSCAR|CONTCAR).*", re.DOTALL), "poscar"),
)
_SUFFIX: Final = re.compile(r"\.(m?cif|poscar|vasp)\Z", re.IGNORECASE)
NAMES: Final = ".cif, .mcif, POSCAR*, CONTCAR*, .poscar, .vasp"
"""The names of structure files, for messages."""


def structure_format(name: str) -> str | None:
    """The format of a file of one structure, by its name; None where it is no such file.

    Hidden files (``._x.cif`` of macOS archives) are not.
    """
    base = name.rsplit("/", 1)[-1]
    if base.startswith("."):
        return None
    return next((kind for rule, kind in _RULES if rule.fullmatch(base)), None)


def file_id(name: str) -> str:
    """The id of a crystal from its file's path: the path without ``.cif`` and the like."""
    return _SUFFIX.sub("", name)


def walked(folder: Path, wanted: Callable[[str], object]) -> list[str]:
    """Relative paths of the files in ``folder`` and its subfolders whose names are ``wanted``, sorted.

    Raises:
        SourceError: a folder cannot be listed.
    """

    def stop(error: OSError) -> None:
        raise SourceError(f"{error.filename}: cannot list the folder: {error.strerror}")

    return sorted(
        (Path(root) / name).relative_to(folder).as_posix()
        for root, _, files in os.walk(folder, onerror=stop)
        for name in filter(wanted, files)
    )


class FolderSource:
    """All structure files in a folder and its subfolders, in the order of their relative paths."""

    kind = "folder"
    target_names: tuple[str, ...] = ()

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._names = walked(folder, structure_format)
        self.total: int | None = len(self._names)
        if not self._names:
            raise SourceError(f"{folder}: the folder and its subfolders hold no structure file ({NAMES})")

    def __iter__(self) -> Iterator[Entry]:
        for index, name in enumerate(self._names):
            yield _read(index, file_id(name), f"{self._folder.resolve().name}/{name}", self._folder / name)


class FileSource:
    """One structure file."""

    total: int | None = 1
    target_names: tuple[str, ...] = ()

    def __init__(self, path: Path) -> None:
        self._path = path
        self.kind = structure_format(path.name) or ""

    def __iter__(self) -> Iterator[Entry]:
        yield _read(0, file_id(self._path.name), self._path.name, self._path)


def _read(index: int, name: str, origin: str, path: Path) -> Entry:
    try:
        with path.open("rb") as file:
            text = file.read(MAX_BYTES + 1)  # the parser refuses what is longer; no need to hold more
    except OSError as error:
        return Entry(index, name, origin, b"", {}, Fault("unreadable", f"cannot read: {error.strerror}"))
    return Entry(index, name, origin, text, {}, None, structure_format(path.name) or "cif")
