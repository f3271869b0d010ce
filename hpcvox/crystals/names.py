"""Ids of crystals as text and as names of files: a source's own may hold anything."""

import re
from urllib.parse import quote

import xxhash

LONGEST = 150
"""Characters of an id that a file's name takes; of a longer one its beginning and its hash."""


def plain(text: str) -> str:
    """``text`` without what UTF-8 has no bytes for: a file's name may hold bytes that are no text."""
    return text.encode(errors="backslashreplace").decode()


def file_stem(id: str) -> str:
    """The name, without suffix, of the file of the crystal ``id``: one that no other id has, and not hidden."""
    return shortened(quoted(plain(id)), plain(id))


def quoted(id: str) -> str:
    """``id`` in characters that any file system takes, and not hidden."""
    return re.sub("^[.]", "%2E", quote(id, safe="#"))


def shortened(safe: str, id: str) -> str:
    """``safe``, which stands for ``id``, as it is or, where it is too long, its beginning and the id's hash."""
    return safe if len(safe) <= LONGEST else f"{safe[:100]}-{xxhash.xxh3_128_hexdigest(id.encode())}"
