"""Names and writes the files of the job."""

import re
from pathlib import Path

from hpcvox.crystals.names import quoted, shortened
from hpcvox.errors import HpcvoxError
from hpcvox.files import durable


def field_file(name: str, xc: str) -> str:
    """The name of the field file of the crystal with the id ``name``; it is unique, and is read as a CHGCAR."""
    safe = re.sub(
        "(?i)l(?=ocpot)", lambda letter: f"%{ord(letter[0]):X}", quoted(name)
    )  # so that it is not read as a potential
    return f"{shortened(safe, name)}.gpaw-{xc.lower()}.CHGCAR"


def write(path: Path, text: str) -> None:
    """Write ``text`` to ``path`` atomically.

    Raises:
        HpcvoxError: it cannot be written.
    """
    try:
        durable.write_text(path, text)
    except OSError as error:
        raise HpcvoxError(
            f"{path}: cannot write the file: {error.strerror}; run the job again to go on"
        ) from None
