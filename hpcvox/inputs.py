"""What a job reads has to be there: asked before a library is loaded, a process started or a folder made."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from hpcvox.config import Settings
from hpcvox.errors import ConfigError, did_you_mean

_MOST_NAMES = 1000
"""Of a folder, those that are looked at for one like the name that is not there."""


_LIKENESS = 0.8
"""Of a path's name to that of another file, which is not one of few words."""


class Input(NamedTuple):
    """Marks a setting whose path, or paths, a job reads: ``Annotated[Path, Input(...)]``."""

    made_by: str = ""
    """How one gets it, at the end of a message."""
    names: Callable[[], list[str]] = list
    """What is known by its name and no path."""


def require(settings: Settings) -> None:
    """See that what the settings name to read is there.

    Raises:
        ConfigError: it is not; says the key, the path, what lies there that is called alike, and what makes it.
    """
    for key, marker, path in _named(settings):
        if path.exists() or Path(f"{path}.zip").exists() or str(path) in marker.names():
            continue
        set_by = "" if key in settings.model_fields_set else " (the default)"
        near = did_you_mean(path.name, [*_beside(path), *marker.names()], _LIKENESS)
        hint = near or marker.made_by or f"give {key}=PATH"
        raise ConfigError(f"{key}={path}: there is no such file or folder{set_by}: {hint.strip()}")


def _named(settings: Settings) -> Iterator[tuple[str, Input, Path]]:
    for key, field in type(settings).model_fields.items():
        marker = next((one for one in field.metadata if isinstance(one, Input)), None)
        value = getattr(settings, key)
        if marker is not None and value is not None:
            for path in value if isinstance(value, list) else [value]:
                yield key, marker, path


def _beside(path: Path) -> list[str]:
    """Names in the folder where ``path`` should be."""
    try:
        return [other.name for other, _ in zip(path.parent.iterdir(), range(_MOST_NAMES), strict=False)]
    except OSError:
        return []
