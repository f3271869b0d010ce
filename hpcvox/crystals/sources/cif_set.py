"""The CIFs that a run writes: a folder ``cifs/`` of files, or one file ``cifs.zip`` instead.

A reader always names the folder, and gets the same crystals from both, in the same order and under the same names.  A
zip beside a folder counts only if it has :data:`COMMENT`, so that other zips are not mistaken for such a set.
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
"""The form of a set of CIFs: single files in a folder, or all in one zip."""

COMMENT: Final = b"CIFs of hpcvox, read where the folder is named that this file is called after"
"""The comment of a zip that stands for a folder."""

FORM: Final = (
    "the crystals' CIFs: folder, a file each in cifs/; zip, all in one file cifs.zip, which whatever reads cifs/ takes "
    "for it"
)
"""The description of the setting that chooses the form."""

Add = Callable[[str, str | bytes], None]
"""A function that takes the name and the text of a file."""

_PIECE: Final = 1 << 20


class Cif(NamedTuple):
    """A CIF of a set: its name, the file that it is (or the zip that holds it), and a function that reads it."""

    name: str
    place: Path
    read: Callable[[], bytes]


class CifSet:
    """The CIFs of ``folder``, from the folder or from the zip that stands for it; or files with another suffix.

    A zip stays open as long as this object exists, so that it stays the same file.
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
        # the zip may be a stranger's: members whose name is no plain file name are ignored
        return sorted(name for name in self._zip.NameToInfo if name.endswith(self.suffix) and "/" not in name)

    def loose(self) -> set[str]:
        """The names of the files in the folder, also if a zip counts instead of them."""
        return {path.name for path in self.folder.glob(f"*{self.suffix}") if path.is_file()}

    def files(self) -> dict[str, Cif]:
        """Each file by its name."""
        return {name: Cif(name, self.path(name), partial(self.read, name)) for name in self.names()}

    def path(self, name: str) -> Path:
        """The path of the file, or of the zip that holds it."""
        return self.folder / name if self._zip is None else self.archive

    def read(self, name: str) -> bytes:
        """Read the text of a file, at most one byte more than the longest text that is allowed.

        Raises:
            OSError: the file does not exist, or cannot be read.
        """
        if self._zip is not None:
            return self.packed(name)
        with open_regular(self.folder / name) as file:
            return file.read(MAX_BYTES + 1)

    def packed(self, name: str) -> bytes:
        """Read the text of a file in the zip.

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
        """A context that replaces the set by the files that are added in it, each once, in the form ``form`` only.

        Files that do not change are not written.  Until the end of the context, readers get an old set of the other
        form; a zip is either complete or unchanged.
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
            # stored without compression, because compressed bytes depend on the version of the library
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
            with contextlib.suppress(OSError):  # the folder may hold files of others
                self.folder.rmdir()

    def _removed(self, kept: set[str]) -> None:
        """Remove the files of an earlier run that are not in ``kept``."""
        for path in self.folder.glob(f"*{self.suffix}"):
            if path.name not in kept:
                path.unlink()


class CifSetSource:
    """The CIFs of a zip as a source, which is the same as the folder that the zip stands for."""

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
    """The set in a zip, if ``path`` is such a zip or the folder that it stands for; else None.

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
    """Open the zip at ``path`` if it stands for a folder; raise one of :data:`UNREADABLE` if it is damaged."""
    if not path.is_file():
        return None
    archive = zipfile.ZipFile(path)
    if archive.comment == COMMENT:
        return archive
    archive.close()
    return None


def _member(name: str) -> zipfile.ZipInfo:
    member = zipfile.ZipInfo(name)  # always dated 1980, so that equal sets have equal bytes
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
    """Check that every file of a zip can be read back."""
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
