"""Files with one structure each as sources: one CIF or POSCAR, or a folder of them."""

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, NamedTuple

from hpcvox.crystals.compressed import READ_ERRORS, unpacked
from hpcvox.crystals.limits import MAX_BYTES
from hpcvox.crystals.names import of_file
from hpcvox.crystals.record import Entry, Fault
from hpcvox.crystals.sources.passed_over import FILES, FOLDERS, PassedOver
from hpcvox.crystals.text import decoded
from hpcvox.errors import SourceError
from hpcvox.files.regular import open_regular

_PACKED: Final = r"(\.(gz|bz2|xz))?"
_RULES: Final = (  # name of a file → format of its text; the first that fits counts
    (re.compile(rf".*\.m?cif{_PACKED}", re.IGNORECASE | re.DOTALL), "cif"),
    (re.compile(rf".*\.(poscar|vasp){_PACKED}", re.IGNORECASE | re.DOTALL), "poscar"),
    (re.compile(r"(POSCAR|CONTCAR).*", re.DOTALL), "poscar"),
    (re.compile(rf"(poscar|contcar){_PACKED}", re.IGNORECASE), "poscar"),
)
_PACKED_NAME: Final = re.compile(r"\.(gz|bz2|xz)\Z", re.IGNORECASE)
_SOME_CIF: Final = re.compile(rb"(?i)data_|loop_|_cell[._]")
_SOME_LINES: Final = re.compile(rb"(?:[^\0\n]*\n){7}")
_SUFFIX: Final = re.compile(rf"(\.(m?cif|poscar|vasp))?{_PACKED}\Z", re.IGNORECASE)
NAMES: Final = ".cif, .mcif, POSCAR*, CONTCAR*, .poscar, .vasp, also .gz, .bz2, .xz"
"""The names of structure files, for messages."""


def structure_format(name: str) -> str | None:
    """The format of a file with one structure, from its name; None if it is no such file, or hidden."""
    if hidden(name):
        return None
    base = name.rsplit("/", 1)[-1]
    return next((kind for rule, kind in _RULES if rule.fullmatch(base)), None)


def hidden(name: str) -> bool:
    """Whether a file is hidden by its name, as ``._x.cif`` of macOS archives are."""
    return name.rsplit("/", 1)[-1].startswith(".")


def file_id(name: str) -> str:
    """The id of a crystal from its file's path: the path without ``.cif``, ``.cif.gz`` and the like."""
    return _SUFFIX.sub("", name, count=1)


class Walk(NamedTuple):
    """The files of a folder and its subfolders."""

    names: list[str]  # paths in the folder, sorted
    passed_over: PassedOver  # other files that are not hidden, and folders that a second path leads to


def walked(folder: Path, wanted: Callable[[str], object]) -> Walk:
    """The files in ``folder`` and its subfolders for whose names ``wanted`` is true.

    A folder that several links lead to is read once: under its own path if it lies in ``folder``, else under the path
    of the first link.  A link to a folder that contains the link is not followed.

    Raises:
        SourceError: a folder cannot be listed.
    """

    def stop(error: OSError) -> None:
        raise SourceError(f"{error.filename}: cannot list the folder: {error.strerror}")

    names: list[str] = []
    passed_over = PassedOver()
    seen: set[str] = set()  # real paths of folders
    tops = [folder]  # links to folders are appended, and so come after all real folders
    for top in tops:
        target, place = (f"{os.path.realpath(path)}/" for path in (top, top.parent))
        if top != folder and place.startswith(target.replace("//", "/")):
            passed_over.add(FOLDERS, of_file(top.relative_to(folder).as_posix()))
            continue
        for root, folders, files in os.walk(top, onerror=stop):
            here = Path(root)
            inside = here.relative_to(folder)
            real = os.path.realpath(root)
            if real in seen:
                passed_over.add(FOLDERS, of_file(inside.as_posix()))
                folders.clear()
                continue
            seen.add(real)
            folders.sort()
            tops += [here / name for name in folders if (here / name).is_symlink()]
            prefix = f"{inside.as_posix()}/" if inside.parts else ""
            in_hidden = any(map(hidden, inside.parts))  # .git has files without number
            for name in sorted(files):
                if wanted(name):
                    names.append(prefix + name)
                elif not (in_hidden or hidden(name)):
                    passed_over.add(FILES, of_file(prefix + name))
    return Walk(sorted(names), passed_over)


class FolderSource:
    """All structure files in a folder and its subfolders, in the order of their relative paths."""

    kind = "folder"
    target_names: tuple[str, ...] = ()

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._names, left = walked(folder, structure_format)
        self.passed_over = left.told()
        self.total: int | None = len(self._names)
        if not self._names:
            others = f", but {self.passed_over}" if self.passed_over else ""
            raise SourceError(
                f"{folder}: the folder and its subfolders hold no structure file ({NAMES}){others}"
            )

    def __iter__(self) -> Iterator[Entry]:
        for index, name in enumerate(self._names):
            yield _read(index, file_id(name), f"{self._folder.resolve().name}/{name}", self._folder / name)


class FileSource:
    """One structure file."""

    total: int | None = 1
    target_names: tuple[str, ...] = ()
    passed_over = ""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.kind = structure_format(path.name) or ""

    def __iter__(self) -> Iterator[Entry]:
        yield _read(0, file_id(self._path.name), self._path.name, self._path)


def _read(index: int, name: str, origin: str, path: Path) -> Entry:
    kind, name, origin = structure_format(path.name) or "cif", of_file(name), of_file(origin)
    try:
        with open_regular(path) as file:
            text = file.read(MAX_BYTES + 1)  # enough for the parser to see that a text is too long
        return unpacked_entry(Entry(index, name, origin, text, {}, None, kind), "unreadable")
    except OSError as error:
        return Entry(index, name, origin, b"", {}, Fault("unreadable", f"cannot read: {error.strerror}"))


def unpacked_entry(entry: Entry, code: str) -> Entry:
    """``entry`` with its text decompressed, or with a fault ``code`` if the text is damaged."""
    if len(entry.text) > MAX_BYTES:
        return entry
    try:
        text = unpacked(entry.text, MAX_BYTES + 1)
    except READ_ERRORS as error:
        fault = Fault(code, f"the file is compressed and damaged: {error}")
        return entry._replace(text=b"", fault=fault)
    if text is not entry.text:
        return entry._replace(text=text)
    packed = _PACKED_NAME.search(entry.origin)
    if packed and not (_SOME_CIF if entry.format == "cif" else _SOME_LINES).search(decoded(text)):
        reason = f"the file is not compressed as its name ({packed[0]}) says, and its text is no structure"
        return entry._replace(text=b"", fault=Fault(code, reason))
    return entry
