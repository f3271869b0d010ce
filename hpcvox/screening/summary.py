"""What ``screen`` says of crystals: its tables with their columns, and ``summary.json``."""

from enum import StrEnum
from typing import Final

from hpcvox.files.summary import Part, Summary

PROPERTIES: Final = "properties.csv"
SCREENED: Final = "screened.csv"


class Column(StrEnum):
    """Of both tables, beside those of the targets; ``cif`` of ``screened.csv`` alone."""

    ID = "id"
    FORMULA = "formula"
    N_SITES = "n_sites"
    N_ELEMENTS = "n_elements"
    VOLUME = "volume"  # Å³ of the cell
    DENSITY = "density"  # g/cm³
    HULL = "energy_above_hull"
    UNSEEN = "unseen_elements"
    CIF = "cif"


def std_column(column: str) -> str:
    """The column with the standard deviation of the networks whose mean ``column`` has."""
    return f"{column}_std"


class Clause(Part):
    """A clause of ``where``: the crystals that fulfil it, and those that fulfil all clauses up to it."""

    clause: str
    passing: int
    left: int


class Target(Part):
    """A predicted column: what it is of, and by which networks."""

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
    """None where no network has the band gap."""
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
