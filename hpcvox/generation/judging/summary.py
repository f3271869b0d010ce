"""The files in which ``hpcvox judge`` reports on candidates: ``judged.csv`` and ``summary.json``."""

from enum import StrEnum
from typing import Final, Literal

from pydantic import Field

from hpcvox.files.summary import Part, Summary

TABLE: Final = "judged.csv"


class Column(StrEnum):
    """The columns of ``judged.csv``, in their order."""

    ID = "id"
    DECILE = "decile"
    FORMULA = "formula"
    LOST = "lost"  # the stage that lost the candidate; empty if none did
    CODE = "code"  # why a candidate was not placed, not valid or not plausible
    MATCH = "match"
    RMS = "rms"
    SPACEGROUP = "spacegroup"
    SYMBOL = "symbol"
    DENSITY = "density"  # g/cm³
    VOLUME = "volume"  # volume of the cell over the usual volume of its atoms
    REMARKS = "remarks"  # the other codes of REASONS that apply to the candidate
    MESSAGE = "message"
    CIF = "cif"


class Stage(StrEnum):
    """The stages that can lose a candidate, in this order."""

    PLACED = "not-placed"
    VALID = "not-valid"
    PLAUSIBLE = "not-plausible"
    ANONYMOUS = "other-anonymous-formula"
    DISTINCT = "duplicate"
    NOT_TRAINED_ON = "in-training-set"
    NOT_KNOWN = "known"
    COMPOSITION = "same-composition"

    @property
    def passed(self) -> str:
        """A description of the candidates that pass this stage, which is the stage's key in the funnel."""
        return _PASSED[self]


_PASSED: Final = {
    Stage.PLACED: "placed",
    Stage.VALID: "valid",
    Stage.PLAUSIBLE: "plausible",
    Stage.ANONYMOUS: "of the base's anonymous formula",
    Stage.DISTINCT: "distinct",
    Stage.NOT_TRAINED_ON: "not in the training set",
    Stage.NOT_KNOWN: "not known",
    Stage.COMPOSITION: "of a composition of their own",
}

DRAWN: Final = "drawn"
"""The key of all candidates in the funnel."""


class Plausible(Part):
    """How many candidates are plausible, and why the others are not, the most frequent reason first."""

    drawn: int
    plausible: int
    why_not: dict[str, int]


class Validity(Part):
    """Shares of all candidates; ``valid``: structure and composition are valid, and there is a fingerprint."""

    structure_valid: float
    composition_valid: float
    valid: float


class Benchmark(Part):
    """The share of valid candidates, and how well candidates and reference cover each other."""

    candidates: int
    structure_valid: float
    composition_valid: float
    valid: float
    cov_recall: float
    cov_precision: float
    amsd_recall: float | None
    amsd_precision: float | None
    amcd_recall: float | None
    amcd_precision: float | None
    structure_cutoff: float
    composition_cutoff: float
    candidates_without_fingerprint: int
    reference: str
    reference_crystals: int
    reference_rejects: int
    reference_without_fingerprint: int
    reference_validity: Validity
    software: dict[str, str]


class JudgeSummary(Summary):
    """How many candidates remained after each stage, and how many each stage lost."""

    funnel: dict[str, int]
    """The number of all candidates (:data:`DRAWN`), then of those that remain after each stage (:attr:`Stage.passed`).
    """
    lost: dict[str, int]
    """How many candidates each stage lost."""
    plausible: Plausible | None = None
    """None if this run loses no candidate as implausible."""
    remarks_of_those_left: dict[str, int] = Field(default_factory=dict)
    space_groups: dict[str, int]
    left_and_charge_balanced: int
    anonymous_formula: str | None
    training_set: Literal["compared", "not found"]
    known: list[str]
    benchmark: Benchmark | None = None

    def left(self, stage: Stage) -> int | None:
        """How many candidates remained after ``stage``; None if the run had no such stage."""
        return self.funnel.get(stage.passed)
