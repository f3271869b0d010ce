"""The files in which ``hpcvox screen`` reports on crystals: its tables, and ``summary.json``."""

import keyword
import re
import unicodedata
from enum import StrEnum
from typing import Final

from hpcvox.files.summary import Part, Summary

PROPERTIES: Final = "properties.csv"
SCREENED: Final = "screened.csv"


class Column(StrEnum):
    """The columns of both tables, besides those of the targets; only ``screened.csv`` has ``cif``."""

    ID = "id"
    FORMULA = "formula"
    N_SITES = "n_sites"
    N_ELEMENTS = "n_elements"
    VOLUME = "volume"  # Å³ of the cell
    DENSITY = "density"  # g/cm³
    HULL = "energy_above_hull"
    UNSEEN = "unseen_elements"
    CIF = "cif"


OF_CRYSTALS: Final = (Column.N_SITES, Column.N_ELEMENTS, Column.VOLUME, Column.DENSITY)
"""Columns with numbers of every crystal: sites in the cell, elements, volume of the cell (Å³), density (g/cm³)."""


def identifier(column: str) -> str:
    """The name of a column in an expression: characters that are not allowed there become ``_``."""
    name = re.sub(r"\W", "_", unicodedata.normalize("NFKC", column))
    return f"_{name}" if not name or name[0].isdigit() or keyword.iskeyword(name) else name


def std_column(column: str) -> str:
    """The name of the column with the standard deviation of an ensemble whose mean is in ``column``."""
    return f"{column}_std"


class Clause(Part):
    """A clause of ``where``: the crystals that fulfil it, and those that fulfil all clauses up to it."""

    clause: str
    passing: int
    left: int


class Target(Part):
    """A predicted column: its target, and the networks that predict it."""

    target: str
    networks: list[str]
    checksums: list[str]
    learnt_as_logarithm: list[bool]
    uncertainty: str


class ScreenSummary(Summary):
    """How many crystals were predicted, and how many pass."""

    read: int
    rejected: int
    predicted: int
    with_unseen_elements: int
    metals: int | None
    """None if no network predicts the band gap."""
    where: str | None
    clauses: list[Clause]
    passing: int
    rank: str | None
    descending: bool
    rejects: dict[str, int]
    targets: dict[str, Target]
    """By their columns."""
    without_the_rule_of_metals: list[str]
    phases_of_the_hull: int | None
    significant_digits: int
