"""Results that are made anew with other settings: what was there is set aside, and goes when the new is whole."""

import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from hpcvox.process.settings_files import CONFIG, LAUNCH

ASIDE: Final = ".before"
"""Folder, in that of the results, with those of before."""

_NONE: Final = (CONFIG, LAUNCH)
"""Files that are no results."""


def holds_results(out: Path, names: Iterable[str]) -> bool:
    """Whether there are results in ``out``, whole or not, and settings that they were made with.

    Args:
        names: patterns of the files and folders that results are.
    """
    if not (out / CONFIG).is_file():
        return False
    return any(path.is_file() for entry in _entries(out, names) for path in (entry, *entry.rglob("*")))


def set_aside(out: Path, names: Iterable[str]) -> Path:
    """Move the results in ``out``, and nothing that others keep there, to a folder in it, which is returned.

    Where the ones before those are there yet, these were never whole, and go.  May be interrupted and called again:
    the settings move last.
    """
    aside = out / ASIDE
    if (aside / CONFIG).exists():
        for entry in list(_entries(out, names)):
            _remove(entry)
        return aside
    aside.mkdir(exist_ok=True)
    for entry in [*_entries(out, names), out / CONFIG]:
        entry.replace(aside / entry.name)
    return aside


def whole(out: Path) -> None:
    """What is in ``out`` is whole: what was there before it goes."""
    shutil.rmtree(out / ASIDE, ignore_errors=True)


def _remove(entry: Path) -> None:
    if entry.is_dir() and not entry.is_symlink():
        shutil.rmtree(entry)
    else:
        entry.unlink()


def _entries(out: Path, names: Iterable[str]) -> Iterator[Path]:
    found = {path for name in names for path in out.glob(name)}
    for path in sorted(found):
        if not path.name.startswith(".") and path.name not in _NONE:
            yield path
