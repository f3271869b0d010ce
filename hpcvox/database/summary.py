"""The files in which ``hpcvox database`` describes its crystals: ``crystals.csv`` and ``database.json``."""

from enum import StrEnum
from typing import ClassVar, Final, Literal

from hpcvox.files.summary import Summary

TABLE: Final = "crystals.csv"

TARGETS: Final = {"chgnet": "formation_energy", "ewald": "ewald_energy"}
"""Name of the column with the energy, eV per atom, by kind of energy."""


class Column(StrEnum):
    """The columns of ``crystals.csv``, in their order; the energy, one of TARGETS, stands before ENERGY_MODEL."""

    ID = "material_id"
    FORMULA = "formula"
    CLASS = "class"
    PROTOTYPE = "prototype"
    SPACE_GROUP = "space_group"
    LATTICE_CONSTANT = "lattice_constant"
    ENERGY_MODEL = "energy_model"
    CIF = "cif"


class DatabaseSummary(Summary):
    """What was drawn, and the kind of its energies."""

    FILE: ClassVar[str] = "database.json"

    format: Literal["hpcvox-database"] = "hpcvox-database"
    version: Literal[1] = 1
    crystals: int
    rejects: int
    size: int
    seed: int
    classes: dict[str, int]
    target: str
    """Name of the column with the energy."""
    energy_model: str
    meaning: str
    """Description of the energy."""
