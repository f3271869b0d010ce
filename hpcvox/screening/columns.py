"""The columns of ``properties.csv``, and their names in ``where`` and ``rank``."""

from collections.abc import Collection
from typing import NamedTuple

from hpcvox.errors import ConfigError, did_you_mean
from hpcvox.screening.networks import PropertyNetworks
from hpcvox.screening.settings import ScreenSettings
from hpcvox.screening.summary import OF_CRYSTALS, Column, identifier, std_column


class Columns(NamedTuple):
    """The columns of a table of certain networks."""

    targets: dict[str, str]
    """The column of each target: its name, with ``_predicted`` added if every crystal has a column of that name."""
    numbers: tuple[str, ...]
    """Columns of numbers, in their order."""
    names: dict[str, str]
    """The columns that can have a value, by their names in an expression."""

    @property
    def header(self) -> tuple[str, ...]:
        """All columns."""
        return (Column.ID, Column.FORMULA, *self.numbers, Column.UNSEEN)

    def column(self, name: str) -> str:
        """The column that the setting ``rank`` names.

        Raises:
            ConfigError: there is none.
        """
        if name not in self.names and name not in self.names.values():
            near = did_you_mean(name, self.names)
            raise ConfigError(f"rank: there is no column {name}: {near}valid: {', '.join(self.names)}")
        return self.names.get(name, name)


def columns(settings: ScreenSettings, networks: PropertyNetworks) -> Columns:
    """The columns of a table with these networks and settings.

    Raises:
        ConfigError: two columns would have the same name; or no network predicts the formation energy that references
            need.
    """
    targets = {target: column_of(target) for target in networks.targets}
    predicted = [name for column in targets.values() for name in (column, std_column(column))]
    hull = [Column.HULL] if settings.references is not None else []
    if hull:
        require_formation_energy(settings, targets)
    numbers = (*OF_CRYSTALS, *predicted, *hull)
    empty = {std_column(targets[t]) for t, members in networks.targets.items() if len(members) == 1}
    names: dict[str, str] = {}
    for column in numbers:
        if column in empty:
            continue
        other = names.setdefault(identifier(column), column)
        if numbers.count(column) > 1 or other != column:
            raise ConfigError(
                f"models: the columns {other} and {column} would be called the same; train one under another target"
            )
    return Columns(targets, numbers, names)


def require_formation_energy(settings: ScreenSettings, targets: Collection[str], prefix: str = "") -> None:
    """See that ``targets``, those of the networks, have the formation energy that references need.

    Args:
        prefix: stands before the key of the setting.

    Raises:
        ConfigError: they do not.
    """
    if (wanted := settings.formation_energy) not in targets:
        raise ConfigError(
            f"{prefix}formation_energy: no network of models has the target {wanted}, which references need: "
            f"{did_you_mean(wanted, targets)}valid: {', '.join(targets)}"
        )


def column_of(target: str) -> str:
    """The column of a target: its name, with ``_predicted`` where a column of every crystal has that."""
    return f"{target}_predicted" if target in {*Column} - {Column.CIF} else target
