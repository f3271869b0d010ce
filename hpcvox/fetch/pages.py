"""Saves the pages of a fetch on disk, each with the link to the next one; they are joined at the end.

A page is a gzip file of lines: a header, then its crystals.  It is written atomically.
"""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

from hpcvox.crystals.compressed import READ_ERRORS
from hpcvox.files import durable

FOLDER: Final = "pages"


class Header(NamedTuple):
    """The header of a page."""

    url: str
    next: str | None
    entries: int  # number of entries in the answer: crystals and rejects
    rejects: list[list[str]]  # rows of rejects.csv
    meta: dict[str, Any]  # of the answer


class Pages:
    """The pages of a fetch, numbered from 1 in the order in which they came."""

    def __init__(self, out: Path) -> None:
        self._folder = out / FOLDER
        self.headers: list[Header] = []
        self.entries = 0  # of all pages
        while (header := self._whole(len(self.headers))) is not None:
            self._append(header)

    def add(self, header: Header, crystals: list[bytes]) -> None:
        """Write the next page and sync it to disk."""
        self._folder.mkdir(exist_ok=True)
        durable.write_bytes(
            self._path(len(self.headers)), packed(b"\n".join([json.dumps(header).encode(), *crystals, b""]))
        )
        self._append(header)

    def crystals(self) -> Iterator[bytes]:
        """The lines of all pages' crystals, in order."""
        for number in range(len(self.headers)):
            with gzip.open(self._path(number)) as file:
                file.readline()
                yield from file

    def remove(self) -> None:
        """Remove all pages, which are no longer needed."""
        if self._folder.exists():
            for path in self._folder.iterdir():
                path.unlink()
            self._folder.rmdir()

    def _append(self, header: Header) -> None:
        self.headers.append(header)
        self.entries += header.entries

    def _path(self, number: int) -> Path:
        return self._folder / f"{number + 1:06d}.jsonl.gz"

    def _whole(self, number: int) -> Header | None:
        """The header of a page; None if the page is missing or damaged, and must be fetched again."""
        try:
            lines = gzip.decompress(self._path(number).read_bytes()).splitlines()
            header = Header(*json.loads(lines[0]))
        except (*READ_ERRORS, ValueError, TypeError, IndexError):
            return None
        return header if len(lines) - 1 + len(header.rejects) == header.entries else None


def packed(data: bytes) -> bytes:
    """``data`` compressed by gzip; the bytes do not depend on the time or the name of the file."""
    return gzip.compress(data, 6, mtime=0)
