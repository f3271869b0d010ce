"""Common code of sources that read one file as a stream: it handles empty files and files that are damaged."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from hpcvox.crystals.compressed import READ_ERRORS, decompressed
from hpcvox.crystals.record import Entry, Fault
from hpcvox.errors import SourceError


class BrokenStream(Exception):
    """The stream is damaged: the end of the next record cannot be found."""


def refuse_empty(path: Path) -> None:
    """Raise SourceError if the file at ``path`` cannot be read or is empty."""
    try:
        with decompressed(path) as file:
            empty = not file.read(1)
    except READ_ERRORS as error:
        raise SourceError(f"{path}: cannot read the file: {error}") from None
    if empty:
        raise SourceError(f"{path}: the file is empty")


def until_damage(path: Path, entries: Iterable[Entry], records: str) -> Iterator[Entry]:
    """Yield ``entries`` of the file at ``path``; if it is damaged, the last entry has a fault that says so.

    ``records`` is the word for entries in the message.
    """
    index = 0
    try:
        for entry in entries:
            yield entry
            index += 1
        return
    except (BrokenStream, *READ_ERRORS) as error:
        detail = str(error) or type(error).__name__
    message = f"the file is damaged after {index} {records}; what follows is lost ({detail})"
    yield Entry(index, path.name, path.name, b"", {}, Fault("damaged-archive", message))
