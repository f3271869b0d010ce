"""Files of tensors with a card: JSON in the metadata of a safetensors file, which are one file and written as one.

A file of safetensors begins with the length of its header, the header in JSON, and then the tensors' bytes.  The card
is the one entry of its metadata, and has a checksum of these bytes, which a look at the header alone does not read.
"""

import errno
import json
from pathlib import Path
from typing import Final, NamedTuple

import xxhash

from hpcvox.files import durable
from hpcvox.files.regular import open_regular

KEY: Final = "card"
"""Of the metadata."""

MAX_BYTES: Final = 16 * 1024 * 1024
"""No header is longer, the card in it included."""

_LENGTH: Final = 8
_METADATA: Final = "__metadata__"


class Header(NamedTuple):
    """What a file of tensors begins with."""

    card: str | None
    """JSON; None where it has no card."""
    start: int
    """Where the tensors' bytes begin."""


def start(data: bytes) -> int:
    """Where the tensors' bytes begin in ``data``, a file of safetensors."""
    return _LENGTH + int.from_bytes(data[:_LENGTH], "little")


def checksum(data: bytes) -> str:
    """Of the tensors' bytes in ``data``, a file of safetensors: the same with any card and with none."""
    return xxhash.xxh3_128_hexdigest(memoryview(data)[start(data) :])


def write(path: Path, data: bytes, card: str) -> None:
    """Write ``data``, a file of safetensors, with ``card`` in JSON to ``path``, whole or not at all.

    Raises:
        OSError: it cannot be written, or is read back as something else.
    """
    whole = joined(data, card)
    with durable.written_aside(path) as part:
        part.write_bytes(whole)
        if part.read_bytes() != whole:
            raise OSError(errno.EIO, "what was written is not what is read back", str(part))


def joined(data: bytes, card: str) -> bytes:
    """``data``, a file of safetensors, with ``card`` in the place of any metadata that it has."""
    begin = start(data)
    tensors = {name: entry for name, entry in json.loads(data[_LENGTH:begin]).items() if name != _METADATA}
    tree = {_METADATA: {KEY: card}, **tensors}
    text = json.dumps(tree, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % _LENGTH)
    return len(text).to_bytes(_LENGTH, "little") + text + data[begin:]


def header(path: Path) -> Header:
    """The header of the file at ``path``, of which no more is read.

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
