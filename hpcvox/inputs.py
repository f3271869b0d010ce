"""Checks that the inputs of a job exist, before it imports libraries, starts processes or makes folders.

None of them may be the folder that the job writes: its results would take the place of what it reads.
"""

from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import NamedTuple

from hpcvox.config import Settings
from hpcvox.errors import ConfigError, did_you_mean

_MOST_NAMES = 1000
"""Most names of a folder that are compared with a missing name to propose a similar one."""


_LIKENESS = 0.8
"""How alike a missing name and a proposal must be: higher than for settings, since folders hold many similar names."""


class Input(NamedTuple):
    """Marks a setting as one or more paths that the job reads: ``Annotated[Path, Input(...)]``."""

    made_by: str = ""
    """How the user gets such an input; it ends the error message."""
    names: Callable[[], list[str]] = list
    """Returns the names that are valid instead of a path."""


def require(settings: Settings, only: Collection[str] | None = None, prefix: str = "") -> None:
    """Check that every input that the settings name exists.

    Args:
        only: the keys that are looked at; None: all.
        prefix: stands before the keys in messages.

    Raises:
        ConfigError: one does not exist, or is the folder ``out``; the message names the key, the path, and a similar
            name or what makes it.
    """
    out = getattr(settings, "out", None)
    for key, marker, path in _named(settings):
        if only is not None and key not in only:
            continue
        if isinstance(out, Path) and path.is_dir() and out.is_dir() and path.samefile(out):
            raise ConfigError(
                f"{prefix}out={out}: {key}={path} is the same folder, and what is written would take the place of what "
                "is read: choose another out"
            )
        if path.exists() or Path(f"{path}.zip").exists() or str(path) in marker.names():
            continue
        set_by = "" if key in settings.model_fields_set else " (the default)"
        near = did_you_mean(path.name, [*_beside(path), *marker.names()], _LIKENESS)
        hint = near or marker.made_by or f"give {prefix}{key}=PATH"
        raise ConfigError(f"{prefix}{key}={path}: there is no such file or folder{set_by}: {hint.strip()}")


def _named(settings: Settings) -> Iterator[tuple[str, Input, Path]]:
    for key, field in type(settings).model_fields.items():
        marker = next((one for one in field.metadata if isinstance(one, Input)), None)
        value = getattr(settings, key)
        if marker is not None and value is not None:
            for path in value if isinstance(value, list) else [value]:
                yield key, marker, path


def _beside(path: Path) -> list[str]:
    """Names in the folder in which ``path`` should be; at most :data:`_MOST_NAMES`."""
    try:
        return [other.name for other, _ in zip(path.parent.iterdir(), range(_MOST_NAMES), strict=False)]
    except OSError:
        return []
