"""What a campaign and its rounds write: the columns of their tables, and the JSON files of each round."""

from collections.abc import Sequence
from enum import StrEnum
from typing import ClassVar, Final

from pydantic import Field

from hpcvox.files.summary import Summary
from hpcvox.stability.summary import above_column, energy_column, phases_column

KEPT: Final = "kept.csv"
"""Table of the finds of one round; it has the columns of ``finds.csv``."""
LOST: Final = "lost.csv"
"""Table of the other crystals that went to ``relax``, with the reason why each is no find."""


class Find(StrEnum):
    """Columns of ``finds.csv``, beside those of calculators and of predicted properties; energies are in eV/atom."""

    ID = "id"
    ROUND = "round"
    # its id in round-NNN/generated: its decile and its number
    CANDIDATE = "candidate"
    # the network that drew it
    PARENT = "parent"
    CHECKSUM = "parent_checksum"
    # with decile, number and checksum it determines the latent point
    SEED = "seed"
    DECILE = "decile"
    CONDITION_FROM = "condition_from"
    CONDITION_TO = "condition_to"
    FORMULA = "formula"
    SITES = "sites"
    GROUP = "space_group"
    SYMBOL = "space_group_symbol"
    # g/cm³
    DENSITY = "density"
    # of several calculators the highest
    ABOVE = "energy_above_hull"
    # 1 if it is on the hull or below by every calculator
    STABLE = "on_the_hull"
    BOND_CHANGE = "bond_change_percent"
    # 1 if every wanted property is predicted in its range
    WANTED = "wanted"
    CALCULATORS = "calculators"
    CIF = "cif"


BEFORE: Final = (
    Find.ID, Find.ROUND, Find.CANDIDATE, Find.PARENT, Find.CHECKSUM, Find.SEED, Find.DECILE,
    Find.CONDITION_FROM, Find.CONDITION_TO, Find.FORMULA, Find.SITES, Find.GROUP, Find.SYMBOL, Find.DENSITY,
    Find.ABOVE, Find.STABLE,
)  # fmt: skip
AFTER: Final = (Find.WANTED, Find.BOND_CHANGE, Find.CALCULATORS, Find.CIF)


def predicted_column(target: str) -> str:
    """The column of a predicted property, in the unit of the target."""
    return f"predicted_{target}"


def find_columns(stages: Sequence[str], hulls: Sequence[str], targets: Sequence[str] = ()) -> tuple[str, ...]:
    """The columns of ``finds.csv``.

    Args:
        stages: the stages of the relaxation.
        hulls: those of them that have a hull.
        targets: the properties that networks predict.
    """
    figures = [energy_column(stage) for stage in stages]
    figures += [of(stage) for stage in hulls for of in (above_column, phases_column)]
    return (*BEFORE, *figures, *map(predicted_column, targets), *AFTER)


class Reason(StrEnum):
    """Why a crystal that went to ``relax`` is no find."""

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
    """How far a round is: the steps that have ended, in their order, and the seconds of each step in all runs."""

    # a file of this name does not count as a result (hpcvox.process.gain)
    FILE: ClassVar[str] = "timings.json"

    done: list[str] = Field(default_factory=list)
    seconds: dict[str, float] = Field(default_factory=dict)
    cores: int = 1
    """The CPUs that its steps had."""

    @property
    def core_hours(self) -> float:
        """The core hours of all its steps so far."""
        return sum(self.seconds.values()) * self.cores / 3600


class RoundSummary(Summary):
    """Counts of a round, from its samples to its finds: a row of ``rounds.csv``."""

    round: int
    samples: int
    plausible: int
    unique: int
    """Plausible samples that differ from each other."""
    in_training: int
    """Unique ones that match a training crystal, other than a find or a drawn one."""
    replayed: int
    """Unique ones that match a find of an earlier round."""
    known: int
    """Unique ones that match a known crystal."""
    new: int
    """The other unique ones, one of each composition: they are relaxed, or screened first if something is wanted."""
    calculations: int
    """Relaxations that were done."""
    converged: int
    finds: int
    """Relaxed crystals that are near the hull, unique and new."""
    wanted: int
    """Finds whose wanted properties are predicted in their range; all finds if nothing is wanted."""
    on_hull: int
    """Finds that are on the hull or below."""
    msun: float
    """Fraction of the samples that are finds."""
    sun: float
    """Fraction of the samples that are finds on the hull or below."""
    found_again: int
    """Relaxed crystals that match a find of an earlier round; those of ``replayed`` are not relaxed."""
    reasons: dict[str, int]
    """How many crystals are no finds, by :class:`Reason`."""


ROUND_COLUMNS: Final = tuple(name for name in RoundSummary.model_fields if name != "reasons")
