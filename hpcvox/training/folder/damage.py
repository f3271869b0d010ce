"""Checks whether files of a training are undamaged, without importing PyTorch."""

import json
from pathlib import Path
from typing import Final

import xxhash

from hpcvox.files.regular import open_regular

_PIECE: Final = 1 << 20


def checksum(path: Path, begin: int = 0) -> str:
    """The checksum (hex) of a file's bytes from ``begin`` on; they are read in pieces, since files may be large."""
    state = xxhash.xxh3_128()
    with open_regular(path) as file:
        file.seek(begin)
        while piece := file.read(_PIECE):
            state.update(piece)
    return state.hexdigest()


def damage(path: Path) -> str | None:
    """What is wrong with the checkpoint in the folder ``path``; None if it is undamaged."""
    try:
        checksums: dict[str, str] = json.loads((path / "state.json").read_text("utf-8"))["checksums"]
        wrong = [name for name, expected in checksums.items() if checksum(path / name) != expected]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        return str(error)
    return f"checksum of {', '.join(wrong)}" if wrong else None
