"""Registers what other packages can add to hpcvox (networks, descriptors, ...) beside what it has itself.

Another package names its record in its metadata as an entry point, in a group such as ``hpcvox.networks``.  hpcvox
reads the entry points when somebody asks for a name that is not its own, or for all names.
"""

import importlib
from collections.abc import Callable, Mapping
from functools import cached_property
from importlib import metadata
from typing import Any, Generic, Protocol, TypeVar

from hpcvox.errors import ConfigError, did_you_mean


class Named(Protocol):
    """A record with a name, by which settings choose it."""

    @property
    def name(self) -> str:
        """The name that settings use."""


R = TypeVar("R", bound=Named)


def loaded(place: str) -> Any:
    """Import and return the object that ``package.module:NAME`` names.

    Raises:
        ImportError: there is no such module.
        AttributeError: the module has nothing of that name.
    """
    module, _, name = place.partition(":")
    return getattr(importlib.import_module(module), name)


def added(group: str) -> dict[str, Any]:
    """Load the records that other packages have registered in a ``group`` of entry points, by name.

    Raises:
        ConfigError: the record of an installed package cannot be loaded.
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
    """Where the records of other packages are (``package.module:NAME``), by name; nothing is imported."""
    return {entry.name: entry.value for entry in metadata.entry_points(group=group)}


class Registry(Generic[R]):
    """The records of one kind.  A record of hpcvox takes precedence over another package's of the same name."""

    def __init__(self, kind: str, group: str, ours: Callable[[], Mapping[str, R]]) -> None:
        """Args:
        kind: what errors call such a record (``network``).
        group: the group of entry points (``hpcvox.networks``).
        ours: returns the records of hpcvox; called when they are first needed.
        """
        self.kind, self.group, self._ours = kind, group, ours

    @cached_property
    def ours(self) -> dict[str, R]:
        """The records of hpcvox, by name."""
        return dict(self._ours())

    @cached_property
    def known(self) -> dict[str, R]:
        """All records by name: first those of hpcvox, then those of other packages."""
        others: dict[str, R] = {record.name: record for record in added(self.group).values()}
        return self.ours | {name: record for name, record in others.items() if name not in self.ours}

    def named(self, name: str) -> R | None:
        """The record of this name; None if there is none."""
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
