"""The summary of the repetition of a paper: its page and its table are drawn from it alone."""

import math
from typing import ClassVar, Literal

from pydantic import Field

from hpcvox.files.summary import Part, Summary

Better = Literal["higher", "lower", "neither"]


class Row(Part):
    """A quantity by one method: our value of each draw, and the paper's value."""

    quantity: str
    method: str
    at: float | None = None
    """The place on the axis of the experiment, such as the number of training crystals."""
    unit: str
    better: Better
    values: list[float]
    """Of the draws, in their order; empty: there is none of ours."""
    paper: float | None = None
    """None: the paper has no number."""
    where: str = ""
    """Where in the paper; empty: the paper has nothing of the kind."""
    absent: str = ""
    """Why there is none of ours."""

    @property
    def mean(self) -> float:
        """The mean over the draws."""
        return math.fsum(self.values) / len(self.values)

    @property
    def deviation(self) -> float | None:
        """The standard deviation over the draws (N - 1); None of a single one, which has no spread."""
        if len(self.values) < 2:
            return None
        squares = math.fsum((value - self.mean) ** 2 for value in self.values)
        return math.sqrt(squares / (len(self.values) - 1))


class Claim(Part):
    """A statement of the paper, and whether it holds here."""

    statement: str
    where: str
    """Where in the paper."""
    rule: str
    """When it holds, in numbers."""
    holds: bool | None
    """None: the spread over the draws is too large to tell, or a value is missing."""
    evidence: str
    """Our values."""


class Reduced(Part):
    """What was less here than in the paper, or another, and what that costs."""

    what: str
    here: str
    paper: str
    costs: str


class Marks(Part):
    """Marks of a figure."""

    kind: Literal["line", "points", "bars"]
    name: str = ""
    """In the legend; empty: not there."""
    x: list[float] | list[str]
    y: list[float]
    texts: list[str] = Field(default_factory=list)
    """What each point is."""


class Figure(Part):
    """A figure of the paper, drawn from our data."""

    name: str
    """Of its files."""
    title: str
    x: str
    y: str
    marks: list[Marks]
    equal: bool = False
    """Whether both axes have one scale."""


class PictureRow(Part):
    """A row of pictures with one scale of colours, from 0 to 255."""

    label: str
    pictures: list[list[list[int]]]


class Pictures(Part):
    """Rows of small pictures, with a column for each of ``heads``."""

    name: str
    title: str
    heads: list[str]
    rows: list[PictureRow]


class Made(Part):
    """What an experiment gave."""

    name: str
    title: str
    about: str
    needs: list[str]
    makes: list[str]
    axis: str
    axes: dict[str, str] = Field(default_factory=dict)
    """Of quantities that have another axis than the experiment."""
    rows: list[Row]
    claims: list[Claim]
    figures: list[Figure] = Field(default_factory=list)
    pictures: list[Pictures] = Field(default_factory=list)
    crystals: dict[str, str] = Field(default_factory=dict)
    """CIFs of crystals to look at, by what they are."""
    steps: int
    seconds: float
    """Of work in its steps."""


class ReproductionSummary(Summary):
    """The contents of ``summary.json``."""

    DO: ClassVar[str] = "remove it and run `hpcvox reproduce` again"

    hpcvox: str
    """Version that measured."""
    paper: str
    title: str
    command: str
    """What was typed, in full."""
    size: str
    facts: dict[str, str]
    quantities: dict[str, str]
    """What is measured: what it is here, and what in the paper."""
    reduced: list[Reduced]
    experiments: list[Made]
