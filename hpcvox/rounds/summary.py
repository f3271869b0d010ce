"""What a campaign says: ``finds.csv`` and ``rounds.csv`` with their columns, and what each round writes of itself."""

from collections.abc import Sequence
from enum import StrEnum
from typing import ClassVar, Final

from pydantic import Field

from hpcvox.files.summary import Summary
from hpcvox.stability.summary import above_column, energy_column, phases_column

KEPT: Final = "kept.csv"
"""The finds of one round, as ``finds.csv`` has those of all."""
LOST: Final = "lost.csv"
"""What was judged well and is no find."""


class Find(StrEnum):
    """Columns of ``finds.csv``, beside those of each calculator; energies in eV/atom."""

    ID = "id"
    ROUND = "round"
    CANDIDATE = "candidate"  # its id in round-NNN/generated, of its decile and its number
    PARENT = "parent"  # the network that drew it
    CHECKSUM = "parent_checksum"
    SEED = "seed"  # with decile, number and checksum: the latent point
    DECILE = "decile"
    CONDITION_FROM = "condition_from"
    CONDITION_TO = "condition_to"
    FORMULA = "formula"
    SITES = "sites"
    GROUP = "space_group"
    SYMBOL = "space_group_symbol"
    DENSITY = "density"  # g/cm³
    ABOVE = "energy_above_hull"  # the highest that any calculator says
    STABLE = "on_the_hull"  # 1: by every calculator
    BOND_CHANGE = "bond_change_percent"
    WANTED = "wanted"  # 1: it is predicted what is wanted
    CALCULATORS = "calculators"
    CIF = "cif"


BEFORE: Final = (
    Find.ID, Find.ROUND, Find.CANDIDATE, Find.PARENT, Find.CHECKSUM, Find.SEED, Find.DECILE,
    Find.CONDITION_FROM, Find.CONDITION_TO, Find.FORMULA, Find.SITES, Find.GROUP, Find.SYMBOL, Find.DENSITY,
    Find.ABOVE, Find.STABLE,
)  # fmt: skip
AFTER: Final = (Find.WANTED, Find.BOND_CHANGE, Find.CALCULATORS, Find.CIF)


def predicted_column(target: str) -> str:
    """Of what a find is predicted, in the target's unit."""
    return f"predicted_{target}"


def find_columns(stages: Sequence[str], hulls: Sequence[str], targets: Sequence[str] = ()) -> tuple[str, ...]:
    """Of ``finds.csv``; ``hulls`` are those of the stages that have one, ``targets`` what is predicted."""
    figures = [energy_column(stage) for stage in stages]
    figures += [of(stage) for stage in hulls for of in (above_column, phases_column)]
    return (*BEFORE, *figures, *map(predicted_column, targets), *AFTER)


class Reason(StrEnum):
    """Why what was judged well is no find, in this order."""

    NOT_RELAXED = "not-relaxed"
    NOT_CONVERGED = "not-converged"
    NOT_PLAUSIBLE = "not-plausible"
    NO_HULL = "no-hull"
    ABOVE = "above-hull"
    TRAINED_ON = "in-training-set"
    KNOWN = "known"
    FOUND_BEFORE = "found-before"
    DUPLICATE = "duplicate"


class Lost(StrEnum):
    """Columns of ``lost.csv``."""

    ID = "id"
    FORMULA = "formula"
    REASON = "reason"
    ABOVE = "energy_above_hull"
    MATCH = "match"
    MESSAGE = "message"


class RoundDone(Summary):
    """How far a round is: the steps that have ended, in their order, and seconds that each has taken, all runs."""

    FILE: ClassVar[str] = "timings.json"  # which is no gain of a job by itself

    done: list[str] = Field(default_factory=list)
    seconds: dict[str, float] = Field(default_factory=dict)
    cores: int = 1
    """That its steps had."""

    @property
    def core_hours(self) -> float:
        """Of all its steps so far."""
        return sum(self.seconds.values()) * self.cores / 3600


class RoundSummary(Summary):
    """A round from its samples to its finds: a line of ``rounds.csv``."""

    round: int
    samples: int
    plausible: int
    unique: int
    """Of the plausible."""
    in_training: int
    """Of the unique, those that the network was trained on, beside finds."""
    replayed: int
    """Of the unique, finds of a round before."""
    known: int
    new: int
    """Left of the unique, with a composition of their own: those that are relaxed."""
    calculations: int
    """Relaxations that were done."""
    converged: int
    finds: int
    """Near the hull, unique and new."""
    wanted: int
    """Of the finds, those that are predicted what is wanted; all where nothing is."""
    on_hull: int
    """Of the finds, those on the hull or below."""
    msun: float
    """Share of the samples that are finds."""
    sun: float
    """Share of the samples that are finds on the hull."""
    found_again: int
    """What relaxed to a find of before, beside the replayed."""
    reasons: dict[str, int]
    """Why what was relaxed is no find."""


ROUND_COLUMNS: Final = tuple(name for name in RoundSummary.model_fields if name != "reasons")
