"""Chooses the energy of the database: the one that the settings name, or else the best that is installed."""

from typing import Literal

from hpcvox.calculators import chgnet
from hpcvox.database.settings import DatabaseSettings
from hpcvox.database.worker import require


def chosen(settings: DatabaseSettings) -> Literal["chgnet", "ewald"]:
    """The energy that a database with these settings will have.

    Raises:
        MissingDependencyError: ``energy=chgnet`` and CHGNet is not installed.
    """
    energy = settings.energy
    if energy == "auto":
        energy = "chgnet" if chgnet.installed() else "ewald"
    if energy == "chgnet":
        require()
    return energy
