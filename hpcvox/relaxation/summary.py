"""The files in which ``hpcvox relax`` reports on crystals: ``relaxed.csv`` and ``summary.json``."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Final

from pydantic import Field

from hpcvox.files.summary import OrAbsent, Part, Summary

TABLE: Final = "relaxed.csv"


def stage_names(calculators: Sequence[str]) -> list[str]:
    """A name for each stage's columns: its calculator's, numbered where several are the same."""
    names = [bare(calculator) for calculator in calculators]
    return [
        f"{name}_{names[: i + 1].count(name)}" if names.count(name) > 1 else name
        for i, name in enumerate(names)
    ]


def bare(calculator: str) -> str:
    """The name of a calculator without its package."""
    return calculator.rpartition(":")[2]


def stage_column(stage: str, figure: str) -> str:
    """The column of a stage's figure; of its energy in eV per atom: ``chgnet_energy``."""
    return f"{stage}_{figure}"


class Column(StrEnum):
    """The columns of ``relaxed.csv`` besides the figures of each stage; energies in eV per atom, lengths in Å."""

    ID = "id"
    FORMULA = "formula"
    SITES = "sites"
    CODE = "code"
    OUTCOME = "outcome"
    CONVERGED = "converged"
    ENERGY = "energy"
    BOND_CHANGE = "bond_change_percent"
    CELL_CHANGE = "cell_change_percent"
    VOLUME_CHANGE = "volume_change_percent"
    RMSD = "rmsd"  # Å
    ENERGY_CHANGE = "energy_change"
    FORMATION = "formation_energy"
    PREDICTED = "predicted_formation_energy"
    DIFFERENCE = "formation_energy_difference"
    MATCH = "match"
    MATCH_RMS = "match_rms"
    MATCH_A = "match_a"
    MATCH_B = "match_b"
    MATCH_C = "match_c"
    CIF = "cif"
    ORIGIN = "origin"
    MESSAGE = "message"


MEASURES: Final = (
    *(Column.BOND_CHANGE, Column.CELL_CHANGE, Column.VOLUME_CHANGE, Column.RMSD),
    Column.ENERGY_CHANGE,
)
FORMATION: Final = (Column.FORMATION, Column.PREDICTED, Column.DIFFERENCE)
MATCH: Final = (Column.MATCH, Column.MATCH_RMS, Column.MATCH_A, Column.MATCH_B, Column.MATCH_C)
SUMMARISED: Final = (*MEASURES, Column.DIFFERENCE, *MATCH[1:])
"""Columns with a mean and a median in the summary."""


class StageDone(Part):
    """The calculator of a stage."""

    calculator: str
    version: str
    cell: str


class RelaxSummary(Summary):
    """Counts by code; and for the relaxed crystals the mean (as in Tables 3 and 4 of Court et al. 2020) and the median
    of each measure."""

    crystals: int
    relaxed: int
    converged: int
    codes: dict[str, int]
    outcomes: dict[str, int] = Field(default_factory=dict)
    stages: list[StageDone]
    matched: OrAbsent[int] = None
    """How many of the crystals are known; missing if they were not compared with known crystals."""
    means: dict[str, float]
    medians: dict[str, float]
