"""Files of extended XYZ as sources, frame by frame, each with its id and targets.

This module only finds where frames begin and end; workers read the sites (:mod:`hpcvox.crystals.formats.extxyz`).
"""

from collections.abc import Iterator
from pathlib import Path
from typing import IO, Final

from hpcvox.crystals.compressed import suffixes
from hpcvox.crystals.formats.extxyz import COUNT, FRAME_KEYS, info
from hpcvox.crystals.limits import MAX_BYTES
from hpcvox.crystals.record import Entry, Fault
from hpcvox.crystals.sources.columns import ColumnChoice
from hpcvox.crystals.sources.streams import BrokenStream, refuse_empty, until_damage
from hpcvox.crystals.text import MARK, binary_lines
from hpcvox.errors import Rejected

XYZ_SUFFIXES: Final = suffixes(".extxyz", ".xyz")


class FrameSource:
    """The frames of an extended XYZ file, numbered from 0."""

    kind = "extxyz"
    total: int | None = None
    target_names: tuple[str, ...] = ()
    passed_over = ""

    def __init__(self, path: Path, columns: ColumnChoice) -> None:
        self._path = path
        self._chosen = columns
        refuse_empty(path)

    def __iter__(self) -> Iterator[Entry]:
        return until_damage(self._path, self._entries(), "frames")

    def _entries(self) -> Iterator[Entry]:
        with binary_lines(self._path) as file:
            for index, text in enumerate(iter(lambda: _frame(file), None)):
                yield self._entry(index, text)

    def _entry(self, index: int, text: bytes) -> Entry:
        name, origin = f"{self._path.name}#{index}", f"{self._path.name}:frame {index}"
        targets: dict[str, float] = {}
        fault = None
        try:
            pairs = info(text.split(b"\n", 2)[1])
            name = self._chosen.identify(pairs, name)
            targets = self._chosen.numbers({k: v for k, v in pairs.items() if k not in FRAME_KEYS})
        except Rejected as reason:
            fault = Fault(reason.code, str(reason))
        return Entry(index, name, origin, text, targets, fault, "extxyz")


def _frame(file: IO[bytes]) -> bytes | None:
    """The text of the next frame, cut off if it is too long to be read; None at the end."""
    first = b"\n"
    while first and first.isspace():
        first = _line(file).removeprefix(MARK)  # joined files have a byte-order mark before later frames, too
    if not first:
        return None
    match = COUNT.fullmatch(first)
    if match is None:
        shown = first[:40].decode(errors="replace").strip()
        raise BrokenStream(f"a frame must begin with its number of atoms, not with {shown!r}")
    lines = [first]
    size, cut = len(first), False
    for got in range(int(match[1]) + 1):
        line = _line(file)
        if not line:
            raise BrokenStream(f"the last frame has {max(got - 1, 0)} of {int(match[1])} atoms")
        size += len(line)
        if size <= MAX_BYTES or got == 0:
            lines.append(line)
        elif not cut:  # the frame is too long: keep just enough to show that
            lines = [*lines[:2], b" " * MAX_BYTES]
            cut = True
    return b"".join(lines)


def _line(file: IO[bytes]) -> bytes:
    line = file.readline(MAX_BYTES)
    if len(line) == MAX_BYTES and not line.endswith(b"\n"):
        raise BrokenStream(f"a line is longer than {MAX_BYTES // 1024**2} MiB")
    return line
