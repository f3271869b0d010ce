"""What ``judge`` says of candidates: ``judged.csv``, its columns, and ``summary.json``."""

from enum import StrEnum
from typing import Final, Literal

from pydantic import Field

from hpcvox.files.summary import Part, Summary

TABLE: Final = "judged.csv"


class Column(StrEnum):
    """Of ``judged.csv``, in their order."""

    ID = "id"
    DECILE = "decile"
    FORMULA = "formula"
    LOST = "lost"  # the stage, empty where it is left
    CODE = "code"  # of what was not placed, valid or plausible, why
    MATCH = "match"
    RMS = "rms"
    SPACEGROUP = "spacegroup"
    SYMBOL = "symbol"
    DENSITY = "density"  # g/cm³
    VOLUME = "volume"  # of the cell over what its atoms usually take up
    REMARKS = "remarks"  # the further codes of REASONS that are true of it
    MESSAGE = "message"
    CIF = "cif"


class Stage(StrEnum):
    """Where a candidate can be lost, in this order."""

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
        """What a candidate is that was not lost here, in words: its key in the funnel."""
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
"""Key of the funnel: all candidates."""


class Plausible(Part):
    """How many candidates are plausible, and why the others are not, the most frequent reason first."""

    drawn: int
    plausible: int
    why_not: dict[str, int]


class Validity(Part):
    """Shares; ``valid``: structure and composition are, and there is a fingerprint."""

    structure_valid: float
    composition_valid: float
    valid: float


class Benchmark(Part):
    """How valid all candidates are, and how far they and the reference cover each other."""

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
    """How many candidates each stage left."""

    funnel: dict[str, int]
    """All that were :data:`DRAWN`, then those that are left after each stage, by :attr:`Stage.passed`."""
    lost: dict[str, int]
    """At each stage, by the stage."""
    plausible: Plausible | None = None
    """None where none is lost as not plausible."""
    remarks_of_those_left: dict[str, int] = Field(default_factory=dict)
    space_groups: dict[str, int]
    left_and_charge_balanced: int
    anonymous_formula: str | None
    training_set: Literal["compared", "not found"]
    known: list[str]
    benchmark: Benchmark | None = None

    def left(self, stage: Stage) -> int | None:
        """How many are left after ``stage``; None where it was not asked for."""
        return self.funnel.get(stage.passed)
