"""Sources of single files: one CIF, or a folder of them."""

import os
from collections.abc import Iterator
from pathlib import Path

from hpcvox.crystals.cif import MAX_BYTES
from hpcvox.crystals.record import Entry, Fault
from hpcvox.errors import SourceError


def is_cif(name: str) -> bool:
    """Whether a file name is that of a CIF; hidden files (``._x.cif`` of macOS archives) are not."""
    base = name.rsplit("/", 1)[-1]
    return base.lower().endswith((".cif", ".mcif")) and not base.startswith(".")


def file_id(name: str) -> str:
    """The id of a crystal from its file's path: the path without ``.cif``."""
    return name[: name.rindex(".")]


class FolderSource:
    """All CIFs in a folder and its subfolders, in the order of their relative paths."""

    kind = "folder"
    target_names: tuple[str, ...] = ()

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._names = sorted(self._walk())
        self.total: int | None = len(self._names)
        if not self._names:
            raise SourceError(f"{folder}: the folder and its subfolders hold no .cif file")

    def _walk(self) -> Iterator[str]:
        def stop(error: OSError) -> None:
            raise SourceError(f"{error.filename}: cannot list the folder: {error.strerror}")

        for root, _, files in os.walk(self._folder, onerror=stop):
            for name in filter(is_cif, files):
                yield (Path(root) / name).relative_to(self._folder).as_posix()

    def __iter__(self) -> Iterator[Entry]:
        for index, name in enumerate(self._names):
            yield _read(index, file_id(name), f"{self._folder.resolve().name}/{name}", self._folder / name)


class FileSource:
    """One CIF."""

    kind = "cif"
    total: int | None = 1
    target_names: tuple[str, ...] = ()

    def __init__(self, path: Path) -> None:
        self._path = path

    def __iter__(self) -> Iterator[Entry]:
        yield _read(0, file_id(self._path.name), self._path.name, self._path)


def _read(index: int, name: str, origin: str, path: Path) -> Entry:
    try:
        with path.open("rb") as file:
            text = file.read(MAX_BYTES + 1)  # the parser refuses what is longer; no need to hold more
    except OSError as error:
        return Entry(index, name, origin, b"", {}, Fault("unreadable", f"cannot read: {error.strerror}"))
    return Entry(index, name, origin, text, {})
