"""Files of tensors with a card: the card is JSON in the metadata of a safetensors file, so both are written at once.

A safetensors file begins with the length of its header, followed by the header in JSON and the tensors' bytes.  The
card is the only entry of the metadata, and holds a checksum of these bytes.  A reader of the card reads no tensors.
"""

import errno
import json
from pathlib import Path
from typing import Final, NamedTuple

import xxhash

from hpcvox.files import durable
from hpcvox.files.regular import open_regular

KEY: Final = "card"
"""Key of the card in the metadata."""

MAX_BYTES: Final = 16 * 1024 * 1024
"""Longest header, with its card, that is read."""

_LENGTH: Final = 8
_METADATA: Final = "__metadata__"


class Header(NamedTuple):
    """The header of a file of tensors."""

    card: str | None
    """The card as JSON text; None if there is none."""
    start: int
    """Where the tensors' bytes begin."""


def start(data: bytes) -> int:
    """Where the tensors' bytes begin in ``data``, a file of safetensors."""
    return _LENGTH + int.from_bytes(data[:_LENGTH], "little")


def checksum(data: bytes) -> str:
    """The checksum of the tensors' bytes in ``data``, a file of safetensors; it does not depend on the card."""
    return xxhash.xxh3_128_hexdigest(memoryview(data)[start(data) :])


def write(path: Path, data: bytes, card: str) -> None:
    """Write ``data``, a file of safetensors, with ``card`` (JSON) to ``path`` atomically.

    Raises:
        OSError: the file cannot be written, or reads back differently.
    """
    whole = joined(data, card)
    with durable.written_aside(path) as part:
        part.write_bytes(whole)
        if part.read_bytes() != whole:
            raise OSError(errno.EIO, "the file does not read back as it was written", str(part))


def joined(data: bytes, card: str) -> bytes:
    """``data``, a file of safetensors, with ``card`` as its only metadata."""
    begin = start(data)
    tensors = {name: entry for name, entry in json.loads(data[_LENGTH:begin]).items() if name != _METADATA}
    tree = {_METADATA: {KEY: card}, **tensors}
    text = json.dumps(tree, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % _LENGTH)
    return len(text).to_bytes(_LENGTH, "little") + text + data[begin:]


def header(path: Path) -> Header:
    """Read the header of the file at ``path``, and nothing else of it.

    Raises:
        OSError: it cannot be read.
        ValueError: it is no file of tensors.
    """
    with open_regular(path) as file:
        length = int.from_bytes(file.read(_LENGTH), "little")
        if not 0 < length <= MAX_BYTES:
            raise ValueError(f"its header has {length:,} bytes, and 1 to {MAX_BYTES:,} are valid")
        text = file.read(length)
    if len(text) < length:
        raise ValueError(f"it ends within its header of {length:,} bytes")
    try:
        tree = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"its header is no JSON: {error}") from None
    metadata = tree.get(_METADATA, {}) if isinstance(tree, dict) else None
    if not isinstance(metadata, dict) or not isinstance(metadata.get(KEY, ""), str):
        raise ValueError("its header is no object with text as metadata")
    return Header(metadata.get(KEY), _LENGTH + length)
