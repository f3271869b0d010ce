"""Archives as sources: tar (plain, gzip, bzip2, xz) and zip, with members in the order of the file.

A damaged archive gives all entries that can still be read, then one entry with a fault that names the archive.
"""

import mmap
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final, NamedTuple

from hpcvox.crystals.compressed import READ_ERRORS, decompressed
from hpcvox.crystals.limits import MAX_BYTES
from hpcvox.crystals.record import Entry, Fault
from hpcvox.crystals.sources.folders import NAMES, file_id, hidden, structure_format, unpacked_entry
from hpcvox.crystals.sources.passed_over import FILES, PassedOver
from hpcvox.errors import SourceError

COMPRESSED_TAR: Final = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")

_LOCAL: Final = b"PK\x03\x04"
"""The first bytes of a member of a zip."""

_PIECE: Final = 4096
_AGAIN: Final = 1 << 20

_MAX_HEADER: Final = 1 << 20
"""Most bytes of the extra headers of a tar's member (long names, attributes), which tarfile reads into memory."""

_LONG: Final = (
    *(tarfile.XHDTYPE, tarfile.SOLARIS_XHDTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK),
    tarfile.XGLTYPE,
)

_READ_ERRORS: Final = (*READ_ERRORS, tarfile.TarError, struct.error)

_TAR_ERRORS: Final = (*_READ_ERRORS, ValueError, RecursionError)
"""The exceptions of tarfile for damaged headers: bad numbers, and recursion over many long headers in a row."""

UNREADABLE: Final = (zipfile.BadZipFile, RuntimeError, NotImplementedError, *_READ_ERRORS)
"""The exceptions of opening a zip or reading a member.

RuntimeError: the member is encrypted; NotImplementedError: unknown compression.
"""


def _damaged(index: int, path: Path, found: int, detail: object) -> Entry:
    message = (
        f"the archive is damaged after {found} readable structure files; what follows is lost ({detail})"
    )
    return Entry(index, path.name, path.name, b"", {}, Fault("damaged-archive", message))


def _member(index: int, path: Path, name: str, text: bytes, fault: Fault | None = None) -> Entry:
    kind = structure_format(name) or "cif"
    entry = Entry(index, file_id(name.removeprefix("./")), f"{path.name}!{name}", text, {}, fault, kind)
    return unpacked_entry(entry, "damaged-member")


class TarSource:
    """The structure files of a tar archive, read as a stream."""

    kind = "tar"
    total: int | None = None
    target_names: tuple[str, ...] = ()
    passed_over = ""  # known only after the archive was read to its end

    def __init__(self, path: Path) -> None:
        self._path = path

    def __iter__(self) -> Iterator[Entry]:
        ended: list[bool] = []
        header = _headers(ended)
        index = 0
        left = PassedOver()
        detail: object = "it ends without its end mark"
        try:
            with decompressed(self._path) as stream:
                with tarfile.open(fileobj=stream, mode="r|", tarinfo=header, encoding="utf-8") as archive:
                    while (member := archive.next()) is not None:
                        archive.members.clear()  # type: ignore[attr-defined] # else all are kept, and all that is said of each
                        if member.isfile() and structure_format(member.name):
                            handle = archive.extractfile(member)
                            assert handle is not None  # regular files have contents
                            text = handle.read(MAX_BYTES + 1)
                            yield _member(index, self._path, member.name, text)
                            index += 1
                        elif not member.isdir() and not hidden(member.name):
                            left.add(FILES, member.name)
                while stream.read(MAX_BYTES):  # read to the end, where the checksum of the compression is
                    pass
        except _TAR_ERRORS as error:
            ended.clear()
            detail = error
        self.passed_over = left.told()
        if not ended:
            yield _damaged(index, self._path, index, detail)
        elif index == 0:
            raise SourceError(f"{self._path}: the archive holds no structure file ({NAMES})")


def _headers(ended: list[bool]) -> type[tarfile.TarInfo]:
    """A class of headers for reading one tar, which limits their length.

    It appends to ``ended`` at the end mark of the archive; tarfile alone cannot tell a cut archive from a complete one.
    """
    of_all = 0

    class Header(tarfile.TarInfo):
        @classmethod
        def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> "Header":
            nonlocal of_all
            if len(buf) == tarfile.BLOCKSIZE and not any(buf):
                ended.append(True)
            made = super().frombuf(buf, encoding, errors)
            if made.type in _LONG:
                of_all += made.size if made.type == tarfile.XGLTYPE else 0  # kept to the end
                if max(made.size, of_all) > _MAX_HEADER:
                    raise tarfile.ReadError(f"a header of {made.size:,} bytes")
            if made.type == tarfile.GNUTYPE_SPARSE:
                raise tarfile.ReadError("a sparse file, which is not read")
            return made

        def _proc_gnusparse_10(self, *_: object) -> None:
            """Refuse the other form of a sparse file, whose map may have any length."""
            raise tarfile.ReadError("a sparse file, which is not read")

    return Header


class ZipSource:
    """The structure files of a zip archive."""

    kind = "zip"
    target_names: tuple[str, ...] = ()

    def __init__(self, path: Path) -> None:
        self._path = path
        self._damage: str | None = None
        self._names: list[str] = []
        left = PassedOver()
        try:
            with zipfile.ZipFile(path) as archive:
                self._names = [info.filename for info in _members(archive)]
                for info in archive.infolist():
                    if not (info.is_dir() or structure_format(info.filename) or hidden(info.filename)):
                        left.add(FILES, info.filename)
        except (zipfile.BadZipFile, *_READ_ERRORS) as error:
            self._damage = str(error)
        self.passed_over = left.told()
        self.total: int | None = None if self._damage else len(self._names)
        if self._damage is None and not self._names:
            raise SourceError(f"{path}: the archive holds no structure file ({NAMES})")

    def __iter__(self) -> Iterator[Entry]:
        if self._damage is not None:
            index = 0
            for name, text in _salvaged(self._path):
                yield _member(index, self._path, name, text)
                index += 1
            yield _damaged(index, self._path, index, self._damage)
            return
        with zipfile.ZipFile(self._path) as archive:
            for index, info in enumerate(_members(archive)):
                try:
                    with archive.open(info) as handle:
                        text = read_member(handle, info.compress_type)
                except UNREADABLE as error:
                    fault = Fault("damaged-member", f"the archive member cannot be read: {error}")
                    yield _member(index, self._path, info.filename, b"", fault)
                else:
                    yield _member(index, self._path, info.filename, text)


def _members(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    return [info for info in archive.infolist() if not info.is_dir() and structure_format(info.filename)]


def read_member(handle: IO[bytes], method: int) -> bytes:
    """Read the text of a member, at most one byte more than the longest text that is allowed.

    A deflated member is inflated only as far as needed.  Other methods unpack a whole piece of the packed bytes, so
    these pieces are small.
    """
    if method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        return handle.read(MAX_BYTES + 1)
    pieces, size = [], 0
    while size <= MAX_BYTES and (piece := handle.read(_PIECE)):
        pieces.append(piece)
        size += len(piece)
    return b"".join(pieces)[: MAX_BYTES + 1]


def _salvaged(path: Path) -> Iterator[tuple[str, bytes]]:
    """The complete members of a zip that has lost its directory (at its end), found by local headers (APPNOTE 4.3.7).

    After a damaged member the search continues right after its header, because the next member may lie within the bytes
    that seemed to belong to it.  In total this reads at most as many bytes as the file has.
    """
    size = path.stat().st_size
    if not size:
        return
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        again = size + _AGAIN
        at = data.find(_LOCAL)
        while 0 <= at <= size - 30:
            member = _local(data, at)
            if member.text is not None and structure_format(member.name):
                yield member.name, member.text
            end = member.end
            if not member.whole and (again := again - (end - at)) > 0:
                end = at
            at = data.find(_LOCAL, max(end, at + 4))


class _Local(NamedTuple):
    """The member after a local header."""

    name: str
    text: bytes | None  # the text of a complete member, or the part that is read of one that is too large
    end: int  # where the reading ended
    whole: bool


def _local(data: mmap.mmap, at: int) -> _Local:
    flags, method, crc, packed, name_length, extra = struct.unpack_from("<6xHH4xII4xHH", data, at)
    start = at + 30 + name_length + extra
    name = data[at + 30 : at + 30 + name_length].decode("utf-8" if flags & 0x800 else "cp437", "replace")
    text, end, whole = None, start, False
    if not flags & 1 and method == zipfile.ZIP_DEFLATED:
        text, end, whole = _inflated(data, start)
    elif not flags & 1 and method == zipfile.ZIP_STORED and not flags & 8 and start + packed <= len(data):
        text, end, whole = data[start : start + min(packed, MAX_BYTES + 1)], start + packed, True
    if text is not None and len(text) <= MAX_BYTES and not flags & 8 and zlib.crc32(text) != crc:
        text = None
    return _Local(name, text, end, whole)


def _inflated(data: mmap.mmap, start: int) -> tuple[bytes | None, int, bool]:
    """Inflate the data at ``start``; return the text, where it ended, and whether it was complete or long enough."""
    inflate = zlib.decompressobj(-zlib.MAX_WBITS)
    pieces, size, at = [], 0, start
    try:
        while size <= MAX_BYTES and not inflate.eof and at < len(data):
            packed = data[at : at + _PIECE]
            at += len(packed)
            while packed and size <= MAX_BYTES and not inflate.eof:
                pieces.append(inflate.decompress(packed, MAX_BYTES + 1 - size))
                size += len(pieces[-1])
                packed = inflate.unconsumed_tail
    except zlib.error:
        return None, at, False
    end = at - len(inflate.unused_data) - len(inflate.unconsumed_tail)
    whole = inflate.eof or size > MAX_BYTES
    return b"".join(pieces) if whole else None, end, whole
