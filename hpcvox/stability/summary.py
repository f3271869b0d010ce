"""What ``hull`` says of crystals: ``hull.csv`` with its columns, and ``summary.json``."""

from enum import StrEnum
from typing import Final

from hpcvox.files.summary import OrAbsent, Part, Summary

TABLE: Final = "hull.csv"


class Column(StrEnum):
    """Of ``hull.csv``, beside those of each potential (:func:`above_column`, :func:`phases_column`)."""

    ID = "id"
    FORMULA = "formula"
    VERDICT = "verdict"
    ABOVE = "energy_above_hull"  # eV/atom, the highest of all potentials'
    UNIQUE = "unique"
    NOVEL_FORMULA = "novel_formula"
    NOVEL = "novel"
    MATCH = "match"  # of those before it, where it is not unique; else of the known
    CODE = "code"
    CIF = "cif"
    MESSAGE = "message"


class Verdict(StrEnum):
    """What the potentials say together."""

    STABLE = "stable"
    METASTABLE = "metastable"
    UNSTABLE = "unstable"
    DISAGREE = "disagree"


def energy_column(stage: str) -> str:
    """eV/atom by a potential, as it computes them."""
    return f"{stage}_energy"


def above_column(stage: str) -> str:
    """eV/atom above the hull by a potential."""
    return f"{stage}_above_hull"


def phases_column(stage: str) -> str:
    """The phases of the hull at the crystal's composition, with the share of the atoms in each."""
    return f"{stage}_phases"


class Share(Part):
    """So many crystals, and as a fraction of all that were drawn."""

    count: int
    fraction: float


class Potential(Part):
    """A potential with its hull: crystals by verdict, and figures of those on it."""

    version: str
    references: str
    phases: int
    """Of other compositions each, of which hulls are made."""
    placed: int
    stable: int
    metastable: int
    """Those that are stable among them."""
    median_above_hull: float | None


class HullSummary(Summary):
    """Crystals by verdict, and as the literature counts them."""

    drawn: int
    relaxed: int
    placed: int
    """On the hull of every potential."""
    stable_at_most: float
    metastable_at_most: float
    verdicts: dict[str, int]
    potentials: dict[str, Potential]
    """By the names of the calculators."""
    codes: dict[str, int]
    stable: Share
    metastable: Share
    """Those that are stable among them."""
    unique: OrAbsent[Share] = None
    novel: OrAbsent[Share] = None
    novel_formula: OrAbsent[Share] = None
    sun: OrAbsent[Share] = None
    """Stable, unique and novel."""
    msun: OrAbsent[Share] = None
    """Metastable (or stable), unique and novel."""
    known: list[str]
