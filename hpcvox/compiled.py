"""Chooses the folder in which numba caches compiled code.

numba itself tries the folder of the code, then the user's cache folder.  It looks for them when a function is defined,
and finds neither in a container without a home.  Then this module names a folder in the node's temporary folder.  numba
later runs what it finds in its cache, so no other user may be able to write there.
"""

import atexit
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from hpcvox.errors import ConfigError
from hpcvox.terminal import say

VARIABLE: Final = "NUMBA_CACHE_DIR"
NAME: Final = f"numba-hpcvox-{os.geteuid()}"
"""Name of the folder in the node's temporary folder; those of Ray are named ``hpcvox-*``."""

_CODE: Final = Path(__file__).parent


def settle() -> None:
    """Set ``NUMBA_CACHE_DIR`` if numba would find no folder by itself; a value that the user has set is kept."""
    given = Path(os.environ.get(VARIABLE, ""))
    if given.name.startswith(NAME):  # set by the process that started this one, perhaps on another node
        if _is_private(given):
            return
        del os.environ[VARIABLE]
    elif given.name and _writable(given):
        return
    if _found():
        return
    folder = _private()
    if folder is not None:
        os.environ[VARIABLE] = str(folder)
        say(f"numba caches compiled code in {folder}: neither {_CODE} nor a home can be written", error=True)


def require() -> None:
    """Raise :class:`ConfigError` if numba has no folder that it can write to."""
    given = Path(os.environ.get(VARIABLE, ""))
    if not (given.name and _writable(given)) and not _found():
        raise ConfigError(
            f"numba has no folder for compiled code: neither {_CODE}, a home nor {', '.join(_temporary())} can be "
            f"written; set {VARIABLE} to a folder that can be written"
        )


def _found() -> bool:
    """Whether numba finds a folder by itself."""
    caches = Path(os.getenv("XDG_CACHE_HOME", os.path.expanduser("~/.cache"))) / "numba"  # noqa: PTH111 # as numba does
    return all(map(_writable, _beside())) or (caches.is_absolute() and _writable(caches))


def _beside() -> Iterator[Path]:
    for folder, inner, _ in os.walk(_CODE):
        inner[:] = [name for name in inner if name[0] not in "._"]
        yield Path(folder, "__pycache__")


def _writable(folder: Path) -> bool:
    """Whether this process can write to a folder or, if it does not exist, make it."""
    while not os.path.exists(folder) and folder != folder.parent:  # noqa: PTH110 # no error where nobody may look
        folder = folder.parent
    return folder.is_dir() and os.access(folder, os.W_OK | os.X_OK, effective_ids=True)


def _temporary() -> list[str]:
    return [*filter(None, [os.environ.get("TMPDIR")]), "/tmp", "/var/tmp", "/dev/shm"]


def _private() -> Path | None:
    """A folder that only this user can write to; None if none can be made.

    If another user owns the usual name, the folder has a random name and is removed when this process ends.
    """
    for base in filter(_is_safe, map(Path, _temporary())):
        folder = base / NAME
        try:
            folder.mkdir(mode=0o700, exist_ok=True)
            if _is_private(folder):
                return folder
        except OSError:
            pass
        try:
            folder = Path(tempfile.mkdtemp(prefix=f"{NAME}-", dir=base))
        except OSError:
            continue
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        return folder
    return None


def _is_safe(base: Path) -> bool:
    """Whether no other user can replace this user's folders in ``base``."""
    try:
        status = base.stat()
    except OSError:
        return False
    trusted = status.st_uid in (0, os.geteuid())
    return trusted and (not status.st_mode & 0o022 or bool(status.st_mode & stat.S_ISVTX))


def _is_private(folder: Path) -> bool:
    try:
        status = folder.lstat()
    except OSError:
        return False
    return (
        stat.S_ISDIR(status.st_mode)
        and status.st_uid == os.geteuid()
        and status.st_mode & 0o777 == 0o700
        and os.access(folder, os.W_OK, effective_ids=True)
    )
