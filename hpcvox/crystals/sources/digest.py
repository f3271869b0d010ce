"""Computes a checksum of entries, so that results of the same entries need not be made again."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import xxhash

from hpcvox.crystals.record import Entry
from hpcvox.files.regular import open_regular


def entries_digest(entries: Sequence[Entry]) -> str:
    """XXH3-128 (hex) of all that the entries hold."""
    state = xxhash.xxh3_128()
    for entry in entries:
        # for a field the content of its file, not its path, which may change
        content = entry.text if entry.file is None else file_digest(entry.file)
        head = repr((entry.index, entry.id, entry.origin, len(content), entry.targets, entry.fault))
        state.update(head.encode(errors="backslashreplace"))
        if entry.format != "cif":
            state.update(entry.format.encode())
        state.update(content)
    return state.hexdigest()


def file_digest(path: Path) -> bytes:
    """XXH3-128 of a file's bytes; empty if the file cannot be read."""
    try:
        with open_regular(path) as file:
            return hashlib.file_digest(file, xxhash.xxh3_128).digest()
    except OSError:
        return b""
