"""The files of the job: their names, and how they are written."""

import re
from pathlib import Path
from urllib.parse import quote

import xxhash

from hpcvox import durable
from hpcvox.errors import HpcvoxError


def field_file(name: str, xc: str) -> str:
    """The name of the field file of the crystal with the id ``name``: one that is read as a CHGCAR, and no other's."""
    safe = re.sub("(?i)l(?=ocpot)", lambda letter: f"%{ord(letter[0]):X}", _quoted(name))  # no potential
    return f"{_shortened(safe, name)}.gpaw-{xc.lower()}.CHGCAR"


def cif_file(name: str) -> str:
    """The name of the CIF of the crystal with the id ``name``: one that any file system takes, and no other's."""
    return f"{_shortened(_quoted(name), name)}.cif"


def _quoted(name: str) -> str:
    return re.sub("^[.]", "%2E", quote(name, safe="#"))  # no hidden file


def _shortened(safe: str, name: str) -> str:
    return safe if len(safe) <= 150 else f"{safe[:100]}-{xxhash.xxh3_128_hexdigest(name.encode())}"


def write(path: Path, text: str) -> None:
    """Write ``text`` to ``path``, whole or not at all.

    Raises:
        HpcvoxError: it cannot be written.
    """
    try:
        durable.write_text(path, text)
    except OSError as error:
        raise HpcvoxError(
            f"{path}: cannot write the file: {error.strerror}; run the job again to go on"
        ) from None
