"""Makes safe text and safe file names of crystals' ids, which may hold any characters."""

import os
import re
from urllib.parse import quote

import xxhash

LONGEST = 150
"""Most characters of an id in a file name; a longer id is replaced by its beginning and its hash."""


def plain(text: str) -> str:
    """``text`` without characters that UTF-8 cannot encode; names of files may hold bytes that are no text."""
    return text.encode(errors="backslashreplace").decode()


def of_file(path: str) -> str:
    """A file's path as text: its bytes are taken for UTF-8, so that ids and shards are the same in every locale."""
    return os.fsencode(path).decode(errors="surrogateescape")


def file_stem(id: str) -> str:
    """The name, without suffix, of the file of the crystal ``id``: different for each id, and never hidden."""
    return shortened(quoted(plain(id)), plain(id))


def quoted(id: str) -> str:
    """``id`` in characters that every file system accepts, and not hidden."""
    return re.sub("^[.]", "%2E", quote(id, safe="#"))


def shortened(safe: str, id: str) -> str:
    """``safe``, the file name for ``id``; if it is too long, its beginning and the hash of the id."""
    return safe if len(safe) <= LONGEST else f"{safe[:100]}-{xxhash.xxh3_128_hexdigest(id.encode())}"
