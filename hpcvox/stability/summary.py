"""What ``hull`` writes about crystals: the columns of ``hull.csv``, and ``summary.json``."""

from enum import StrEnum
from typing import Final

from hpcvox.files.summary import OrAbsent, Part, Summary

TABLE: Final = "hull.csv"


class Column(StrEnum):
    """Columns of ``hull.csv``, beside those of each potential (:func:`energy_column` and the functions after it)."""

    ID = "id"
    FORMULA = "formula"
    VERDICT = "verdict"
    # eV/atom; of several potentials the highest
    ABOVE = "energy_above_hull"
    UNIQUE = "unique"
    NOVEL_FORMULA = "novel_formula"
    NOVEL = "novel"
    # the label of its protostructure; empty if no symmetry is found
    FINGERPRINT = "fingerprint"
    NOVEL_FINGERPRINT = "novel_fingerprint"
    # the id of the nearest known crystal that matches; if none does, of the crystal before it that matches
    MATCH = "match"
    CODE = "code"
    CIF = "cif"
    MESSAGE = "message"


class Verdict(StrEnum):
    """What all potentials together say of a crystal."""

    STABLE = "stable"
    METASTABLE = "metastable"
    UNSTABLE = "unstable"
    DISAGREE = "disagree"


def energy_column(stage: str) -> str:
    """The column of energies by a potential, in eV/atom, as the potential computes them."""
    return f"{stage}_energy"


def above_column(stage: str) -> str:
    """The column of energies above the hull by a potential, in eV/atom."""
    return f"{stage}_above_hull"


def phases_column(stage: str) -> str:
    """The column of the phases that make the hull at the crystal's composition, each with its fraction of the atoms."""
    return f"{stage}_phases"


class Share(Part):
    """A number of crystals, and its fraction of all candidates that were drawn."""

    count: int
    fraction: float


class New(Part):
    """Counts of crystals that are new by their formulas or by their fingerprints; of equal crystals one counts."""

    unique: Share
    novel: Share
    sun: Share
    """Stable and novel."""
    msun: Share
    """Metastable or stable, and novel."""


class Potential(Part):
    """What a potential says of the crystals on its hull."""

    version: str
    references: str
    """What computed the energies of the references; the path of a table that does not say."""
    phases: int
    """Number of compositions that the hulls are made of."""
    placed: int
    stable: int
    metastable: int
    """With those that are stable."""
    median_above_hull: float | None
    """eV/atom; None if no crystal is placed."""


class HullSummary(Summary):
    """How many crystals there are, by verdict and as the literature counts them."""

    drawn: int
    relaxed: int
    placed: int
    """Crystals that are on the hulls of all potentials."""
    stable_at_most: float
    """eV/atom above the hull, as ``metastable_at_most``."""
    metastable_at_most: float
    verdicts: dict[str, int]
    potentials: dict[str, Potential]
    """By the names of the calculators."""
    codes: dict[str, int]
    stable: Share
    metastable: Share
    """With those that are stable."""
    unique: OrAbsent[Share] = None
    novel: OrAbsent[Share] = None
    sun: OrAbsent[Share] = None
    """Stable, unique and novel."""
    msun: OrAbsent[Share] = None
    """Metastable or stable, unique and novel."""
    by_formula: OrAbsent[New] = None
    by_fingerprint: OrAbsent[New] = None
    known: list[str]
