"""What sources have in common that read one file as a stream: an empty one, and one with a damaged tail."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from hpcvox.crystals.compressed import READ_ERRORS, decompressed
from hpcvox.crystals.record import Entry, Fault
from hpcvox.errors import SourceError


class BrokenStream(Exception):
    """The next record cannot be told from what follows it."""


def refuse_empty(path: Path) -> None:
    """Raises SourceError where the file at ``path`` cannot be read or holds nothing."""
    try:
        with decompressed(path) as file:
            empty = not file.read(1)
    except READ_ERRORS as error:
        raise SourceError(f"{path}: cannot read the file: {error}") from None
    if empty:
        raise SourceError(f"{path}: the file is empty")


def until_damage(path: Path, entries: Iterable[Entry], records: str) -> Iterator[Entry]:
    """``entries`` of the file at ``path``; where it is damaged, one more that says after how many ``records``."""
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
