"""Reads the user's key to a database when it is needed; the key is saved nowhere and is in no message."""

import os
from pathlib import Path
from typing import Final

from hpcvox.errors import ConfigError
from hpcvox.files.regular import open_regular

VARIABLE: Final = "MP_API_KEY"
LENGTH: Final = 32


def read_key(path: Path | None) -> str:
    """Read the key from the file ``path``; if that is None, from the environment.

    Raises:
        ConfigError: there is no key, other users may read its file, or the text is no key.
    """
    key, place = (os.environ.get(VARIABLE, ""), VARIABLE) if path is None else (_private(path), str(path))
    key = key.strip()
    if not key:
        raise ConfigError(
            f"there is no key in {place}: take yours from https://materialsproject.org/api, and put it into the "
            f"environment as {VARIABLE}, or into a file of mode 600 that key_file names"
        )
    if len(key) != LENGTH or not (key.isascii() and key.isalnum()):
        raise ConfigError(
            f"what is in {place} is no key of the Materials Project: those are {LENGTH} letters and digits"
        )
    return key


def _private(path: Path) -> str:
    try:
        with open_regular(path) as file:
            if os.fstat(file.fileno()).st_mode & 0o077:
                raise ConfigError(f"key_file: others may read {path}: chmod 600 {path}")
            return file.read(1000).decode()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise ConfigError(f"key_file: cannot read {path}: {reason}") from None
