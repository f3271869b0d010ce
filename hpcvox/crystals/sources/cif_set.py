"""The crystals that a run leaves, as CIFs: a folder ``cifs/`` of them, or one file ``cifs.zip`` in its place.

Whoever reads them names the folder, and gets the same crystals, in the same order and under the same names, from
either.  A zip of somebody else's beside a folder is none of these: those have :data:`COMMENT`.
"""

import contextlib
import errno
import zipfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Final, Literal, NamedTuple

from hpcvox.crystals.limits import MAX_BYTES
from hpcvox.crystals.record import Entry, Fault
from hpcvox.crystals.sources.archives import UNREADABLE, read_member
from hpcvox.crystals.sources.folders import file_id
from hpcvox.errors import HpcvoxError, SourceError
from hpcvox.files import durable
from hpcvox.files.regular import open_regular

Form = Literal["folder", "zip"]
"""How a set of CIFs is kept: a file each in a folder, or all in one file."""

COMMENT: Final = b"CIFs of hpcvox, read where the folder is named that this file is called after"
"""Of a zip that stands for a folder, where a zip has its comment."""

FORM: Final = (
    "the crystals' CIFs: folder, a file each in cifs/; zip, all in one file cifs.zip, which whatever reads cifs/ takes "
    "for it"
)
"""What the setting says of itself."""

Add = Callable[[str, str | bytes], None]
"""Takes a file's name and its text."""

_PIECE: Final = 1 << 20


class Cif(NamedTuple):
    """One of a set: its file's name, the file that it is or lies in, and how to read it."""

    name: str
    place: Path
    read: Callable[[], bytes]


class CifSet:
    """The CIFs of ``folder``, whether they lie in it or in the zip beside it; or its files of another suffix.

    A zip is kept open, so that it is the same one for as long as this is.
    """

    def __init__(self, folder: Path, suffix: str = ".cif") -> None:
        self.folder = folder
        self.suffix = suffix
        self.archive = folder.with_name(f"{folder.name}.zip")
        self._zip: zipfile.ZipFile | None = None
        self.damage = ""
        try:
            self._zip = _opened(self.archive)
        except UNREADABLE as error:
            self.damage = str(error)

    @property
    def place(self) -> Path:
        """The folder or the zip."""
        return self.folder if self._zip is None else self.archive

    def names(self) -> list[str]:
        """The files' names, sorted."""
        if self._zip is None:
            return sorted(self.loose())
        # of a stranger's run: what is no plain name stays where it is
        return sorted(name for name in self._zip.NameToInfo if name.endswith(self.suffix) and "/" not in name)

    def loose(self) -> set[str]:
        """The names of those that lie in the folder, whether they count or not."""
        return {path.name for path in self.folder.glob(f"*{self.suffix}") if path.is_file()}

    def files(self) -> dict[str, Cif]:
        """Each file by its name."""
        return {name: Cif(name, self.path(name), partial(self.read, name)) for name in self.names()}

    def path(self, name: str) -> Path:
        """Where the file is, or the zip that it lies in."""
        return self.folder / name if self._zip is None else self.archive

    def read(self, name: str) -> bytes:
        """The text of a file, at most one byte more than is read of any.

        Raises:
            OSError: it is not there, or cannot be read.
        """
        if self._zip is not None:
            return self.packed(name)
        with open_regular(self.folder / name) as file:
            return file.read(MAX_BYTES + 1)

    def packed(self, name: str) -> bytes:
        """The text of a file in the zip.

        Raises:
            OSError: there is none, or it cannot be read.
        """
        if self._zip is None:
            raise FileNotFoundError(errno.ENOENT, "there is no zip", str(self.archive))
        try:
            info = self._zip.getinfo(name)
            with self._zip.open(info) as member:
                return read_member(member, info.compress_type)
        except KeyError:
            raise FileNotFoundError(errno.ENOENT, f"{self.archive} has no such file", name) from None
        except UNREADABLE as error:
            raise OSError(errno.EIO, f"it cannot be read ({error})", f"{self.archive}!{name}") from None

    @contextlib.contextmanager
    def replaced(self, form: Form) -> Iterator[Add]:
        """Have the set be of those files that are added, each once, in this form and in no other.

        Files that stay as they are are not touched.  Until the end, those that were there before in the other form are
        what is read; a zip is either whole or as it was.
        """
        with self._zipped() if form == "zip" else self._unpacked() as add:
            yield add
        self._zip = _opened(self.archive)

    @contextlib.contextmanager
    def _unpacked(self) -> Iterator[Add]:
        self.folder.mkdir(exist_ok=True)
        kept: set[str] = set()

        def add(name: str, text: str | bytes) -> None:
            kept.add(name)
            path, data = self.folder / name, _bytes(text)
            if not _has(path, data):
                durable.write_bytes(path, data)

        yield add
        self._removed(kept)
        if self._zip is not None:
            self.archive.unlink(missing_ok=True)

    @contextlib.contextmanager
    def _zipped(self) -> Iterator[Add]:
        part = durable.fresh(durable.part_of(self.archive))
        try:
            # stored: the bytes of what is packed depend on the library that packs
            with zipfile.ZipFile(part, "w", zipfile.ZIP_STORED) as archive:
                archive.comment = COMMENT

                def add(name: str, text: str | bytes) -> None:
                    assert name not in archive.NameToInfo, f"{name} is written twice"
                    archive.writestr(_member(name), _bytes(text))

                yield add
            _check(part)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
        if _same(part, self.archive):
            part.unlink()
        else:
            with durable.renamed(part, self.archive):
                pass
        if self.folder.is_dir():
            self._removed(set())
            with contextlib.suppress(OSError):  # what else lies in it is not ours
                self.folder.rmdir()

    def _removed(self, kept: set[str]) -> None:
        """Without the files of an earlier run that are not among these."""
        for path in self.folder.glob(f"*{self.suffix}"):
            if path.name not in kept:
                path.unlink()


class CifSetSource:
    """The CIFs of a zip as those of the folder that it stands for."""

    kind = "folder"
    target_names: tuple[str, ...] = ()
    passed_over = ""

    def __init__(self, crystals: CifSet) -> None:
        self._crystals = crystals
        self._names = crystals.names()
        self.total: int | None = len(self._names)
        if not self._names:
            raise SourceError(f"{crystals.archive}: the archive holds no CIF")

    def __iter__(self) -> Iterator[Entry]:
        called = self._crystals.folder.resolve().name
        for index, name in enumerate(self._names):
            text, fault = b"", None
            try:
                text = self._crystals.read(name)
            except OSError as error:
                fault = Fault("unreadable", f"cannot read: {error.strerror}")
            yield Entry(index, file_id(name), f"{called}/{name}", text, {}, fault)


def zipped(path: Path) -> CifSet | None:
    """The set that is kept in a zip, where ``path`` is that or the folder that it stands for.

    Raises:
        SourceError: there is no such folder, and its zip is damaged.
    """
    if not path.name:  # the current folder, or the root of all
        return None
    named = path.suffix == ".zip"
    crystals = CifSet(path.with_suffix("") if named else path)
    if crystals.damage and not named and not path.is_dir():
        raise SourceError(
            f"{crystals.archive}: the zip is damaged ({crystals.damage}): run again what has made it"
        )
    return crystals if crystals.place == crystals.archive else None


def _opened(path: Path) -> zipfile.ZipFile | None:
    """The zip at ``path``, if it is one that stands for a folder; what :data:`UNREADABLE` has where it is damaged."""
    if not path.is_file():
        return None
    archive = zipfile.ZipFile(path)
    if archive.comment == COMMENT:
        return archive
    archive.close()
    return None


def _member(name: str) -> zipfile.ZipInfo:
    member = zipfile.ZipInfo(name)  # of 1980, whenever it is made
    member.create_system = 3
    member.external_attr = 0o100644 << 16
    return member


def _bytes(text: str | bytes) -> bytes:
    return text.encode() if isinstance(text, str) else text


def _has(path: Path, data: bytes) -> bool:
    try:
        return path.read_bytes() == data
    except OSError:
        return False


def _check(path: Path) -> None:
    """See that every file of a zip can be read back."""
    with zipfile.ZipFile(path) as archive:
        if (damaged := archive.testzip()) is not None:
            raise HpcvoxError(
                f"{path}: {damaged} cannot be read back as it was written: is the disk full or failing?"
            )


def _same(one: Path, other: Path) -> bool:
    """Whether both files have the same bytes."""
    try:
        with one.open("rb") as first, other.open("rb") as second:
            while piece := first.read(_PIECE):
                if second.read(_PIECE) != piece:
                    return False
            return not second.read(1)
    except OSError:
        return False
