"""The record of an experiment: what it needs and makes, and all values that the paper reports of it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, NamedTuple

from hpcvox.report.drawing.chart import Gallery
from hpcvox.reproduction.steps import Step
from hpcvox.reproduction.summary import Better, Claim, Figure, Pictures, Reduced, Row


class PaperValue(NamedTuple):
    """A value that the paper reports: of which quantity, by which method, and where it stands."""

    quantity: str
    method: str
    unit: str
    where: str
    """Figure, table or section."""
    value: float | None = None
    """None: the paper shows it as a picture alone."""
    at: float | None = None
    """The place on the axis (training crystals, replicas); None: the paper has a curve."""
    absent: str = ""
    """Why there is none of ours, if there is none."""


class Measured(NamedTuple):
    """What an experiment gave."""

    rows: Sequence[Row] = ()
    claims: Sequence[Claim] = ()
    figures: Sequence[Figure] = ()
    pictures: Sequence[Pictures] = ()
    crystals: Mapping[str, str] = MappingProxyType({})
    """CIFs of crystals to look at, by what they are."""


@dataclass(frozen=True)
class Experiment:
    """An experiment of a paper."""

    name: str
    """The name that users type."""
    title: str
    about: str
    """What is done, in sentences."""
    needs: tuple[str, ...]
    """The experiments whose steps and results it uses."""
    makes: tuple[str, ...]
    """What the page shows of it."""
    axis: str
    """What the numbers are at which its quantities are measured; empty: there are none."""
    better: Better
    """The direction in which its values are better."""
    values: tuple[PaperValue, ...]
    steps: Sequence[Step[Any]]
    measure: Callable[[], Measured]
    """Makes rows and statements of the results of its steps, which are done."""
    axes: Mapping[str, str] = field(default_factory=dict)
    """The axes of quantities that have another one than the experiment."""
    pictures: Callable[[], Sequence[Gallery]] = tuple
    """Draws what is no number, of files that its steps have left."""


def of_claims(about: str, judged: Callable[[], Sequence[Claim]], needs: tuple[str, ...]) -> Experiment:
    """The experiment that judges what the paper claims by the rows of others, without steps of its own.

    Args:
        about: by what the claims are judged.
        judged: judges them.
        needs: the experiments that are repeated.
    """
    return Experiment(
        name="claims",
        title="What the paper claims",
        about=about,
        needs=needs,
        makes=("Statements that hold or do not",),
        axis="",
        better="higher",
        values=(),
        steps=(),
        measure=lambda: Measured(claims=judged()),
    )


@dataclass(frozen=True)
class Work:
    """What the repetition of a paper does."""

    before: Sequence[Step[Any]]
    """The steps that all experiments need; they do not need each other."""
    experiments: Sequence[Experiment]
    """In the paper's order."""
    facts: Callable[[], Sequence[tuple[str, str]]]
    """Gives the data and the numbers of everything, for the top of the page, when the steps are done."""
    quantities: Mapping[str, str]
    """What is measured: what it is here, and what in the paper."""
    reduced: Sequence[Reduced]


def beside(rows: Sequence[Row], values: Sequence[PaperValue], better: Better) -> list[Row]:
    """``rows`` with the paper's values, and a row without ours for each value of the paper that no row has.

    Args:
        better: of the values that no row has.
    """
    told: list[Row] = []
    used: set[int] = set()
    for row in rows:
        found = next((n for n, value in enumerate(values) if _same(row, value)), None)
        if found is None:
            told.append(row)
            continue
        used.add(found)
        told.append(row.model_copy(update={"paper": values[found].value, "where": values[found].where}))
    for number, value in enumerate(values):
        if number not in used:
            told.append(
                Row(
                    quantity=value.quantity,
                    method=value.method,
                    at=value.at,
                    unit=value.unit,
                    better=better,
                    values=[],
                    paper=value.value,
                    where=value.where,
                    absent=value.absent or "not measured at this size",
                )
            )
    return told


def _same(row: Row, value: PaperValue) -> bool:
    return (row.quantity, row.method) == (value.quantity, value.method) and value.at in (None, row.at)
