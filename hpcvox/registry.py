"""What can be added to hpcvox from another package: records with names, of ours and of entry points.

Another package names its record in its metadata, in a group such as ``hpcvox.networks``; nothing in hpcvox names it.
Entry points are read when a name is asked for that is none of ours, or when all names are.
"""

import importlib
from collections.abc import Callable, Mapping
from functools import cached_property
from importlib import metadata
from typing import Any, Generic, Protocol, TypeVar

from hpcvox.errors import ConfigError, did_you_mean


class Named(Protocol):
    """A record that goes by a name."""

    @property
    def name(self) -> str:
        """What settings call it."""


R = TypeVar("R", bound=Named)


def loaded(place: str) -> Any:
    """What ``package.module:NAME`` is; its module is imported.

    Raises:
        ImportError: there is no such module.
        AttributeError: it has nothing of that name.
    """
    module, _, name = place.partition(":")
    return getattr(importlib.import_module(module), name)


def added(group: str) -> dict[str, Any]:
    """What other packages have named in a group of entry points, by the names there.

    Raises:
        ConfigError: a package is installed whose record cannot be loaded.
    """
    found = {}
    for entry in metadata.entry_points(group=group):
        try:
            found[entry.name] = entry.load()
        except (ImportError, AttributeError) as error:
            package = entry.dist.name if entry.dist else "of another package"
            raise ConfigError(
                f"{package} is installed, and its entry point {entry.name} = {entry.value} ({group}) cannot be loaded: "
                f"{error}; mend the package or uninstall it"
            ) from None
    return found


def places(group: str) -> dict[str, str]:
    """Where that is what other packages have named, as ``package.module:NAME``; nothing of it is loaded."""
    return {entry.name: entry.value for entry in metadata.entry_points(group=group)}


class Registry(Generic[R]):
    """The records of one kind.  One of ours is never replaced by another package's of the same name."""

    def __init__(self, kind: str, group: str, ours: Callable[[], Mapping[str, R]]) -> None:
        """Name the ``kind`` as errors do, and the ``group`` of entry points; ``ours`` are called for when asked for."""
        self.kind, self.group, self._ours = kind, group, ours

    @cached_property
    def ours(self) -> dict[str, R]:
        """Those of hpcvox, by their names."""
        return dict(self._ours())

    @cached_property
    def known(self) -> dict[str, R]:
        """Ours, and then those of other packages."""
        others: dict[str, R] = {record.name: record for record in added(self.group).values()}
        return self.ours | {name: record for name, record in others.items() if name not in self.ours}

    def named(self, name: str) -> R | None:
        """The record of this name, if there is one."""
        return self.ours.get(name) or self.known.get(name)

    def find(self, name: str) -> R:
        """The record of this name.

        Raises:
            ConfigError: there is none.
        """
        if record := self.named(name):
            return record
        raise ConfigError(
            f"there is no {self.kind} {name!r}: {did_you_mean(name, list(self.known))}valid: {', '.join(self.known)}"
        )
