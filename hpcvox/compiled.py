"""Where numba keeps what it has compiled: beside the code; where nobody may write there, among the user's caches; where
there is no home, either, in the node's temporary folder.

numba looks for a place when a function is defined, and finds none in a container without a home.  What it keeps is
code that it runs later on: in a folder for all, another user could put theirs.
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
"""Of the folder in the node's temporary folder; ``hpcvox-*`` are those of Ray."""

_CODE: Final = Path(__file__).parent


def settle() -> None:
    """Name a folder to numba where it would find none; those that the environment names come first."""
    given = Path(os.environ.get(VARIABLE, ""))
    if given.name.startswith(NAME):  # of a process before this one, on another node perhaps
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
        say(
            f"numba keeps what it compiles in {folder}: neither {_CODE} nor a home can be written", error=True
        )


def require() -> None:
    """Raise :class:`ConfigError` where numba has no folder to write."""
    given = Path(os.environ.get(VARIABLE, ""))
    if not (given.name and _writable(given)) and not _found():
        raise ConfigError(
            f"numba has no folder for what it compiles: neither {_CODE}, a home nor {', '.join(_temporary())} can be "
            f"written; set {VARIABLE} to a folder that can"
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
    """Whether a folder can be written or, where it is not there, be made."""
    while not os.path.exists(folder) and folder != folder.parent:  # noqa: PTH110 # no error where nobody may look
        folder = folder.parent
    return folder.is_dir() and os.access(folder, os.W_OK | os.X_OK, effective_ids=True)


def _temporary() -> list[str]:
    return [*filter(None, [os.environ.get("TMPDIR")]), "/tmp", "/var/tmp", "/dev/shm"]


def _private() -> Path | None:
    """A folder of this user's alone; where others have taken its name, one for this process and what it starts."""
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
    """Whether nobody else can put another folder in the place of this user's."""
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
