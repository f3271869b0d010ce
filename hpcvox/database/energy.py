"""Which energy the database has: what is asked for, or what is installed."""

from typing import Literal

from hpcvox.database import potential
from hpcvox.database.settings import DatabaseSettings


def chosen(settings: DatabaseSettings) -> Literal["chgnet", "ewald"]:
    """The energy that a database of these settings will have.

    Raises:
        MissingDependencyError: ``energy=chgnet`` and CHGNet is not installed.
    """
    energy = settings.energy
    if energy == "auto":
        energy = "chgnet" if potential.installed() else "ewald"
    if energy == "chgnet":
        potential.require()
    return energy
