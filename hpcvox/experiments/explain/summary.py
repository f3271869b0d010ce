"""The files in which ``hpcvox explain`` says what a network has named and what it looked at."""

from enum import StrEnum
from typing import Final

from hpcvox.files.summary import OrAbsent, Part, Summary

TABLE: Final = "explained.csv"
PICTURES: Final = "pictures"
"""Folder of the pictures of single crystals."""

CLASSES: Final = "classes"
"""Name, without suffix, of the picture with a row for each class."""


class Column(StrEnum):
    """The columns of the table, before those of the layers."""

    ID = "id"
    FORMULA = "formula"
    CLASS = "class"
    PROBABILITY = "probability"
    RUNNER_UP = "runner_up"
    RUNNER_UP_PROBABILITY = "runner_up_probability"
    ENTROPY = "entropy"  # nats, of the mean over the draws of dropout
    MUTUAL_INFORMATION = "mutual_information"  # nats
    WITHOUT_ATTENDED = (
        "probability_without_attended"  # of the class, without the light where the sum is highest
    )
    WITHOUT_BRIGHTEST = "probability_without_brightest"  # without as much light of the brightest pixels
    PICTURE = "picture"  # the file, without its suffix


def of_layer(layer: int) -> str:
    """The column with the numbers of the filters of a layer that are drawn, the most active first."""
    return f"filters_of_layer_{layer}"


class Named(Part):
    """The crystals that got a class."""

    crystals: int
    mean_probability: float
    mean_without_attended: OrAbsent[float] = None
    mean_without_brightest: OrAbsent[float] = None


class ExplainSummary(Summary):
    """What was explained, by which network."""

    model: str
    checksum: str
    """Of the network's weights."""
    layers: list[int]
    """The convolutions that are drawn; 1 is the first."""
    filters: int
    draws: OrAbsent[int] = None
    """Predictions with dropout."""
    removed: OrAbsent[float] = None
    """Share of the light that is removed for the two last columns of probabilities."""
    read: int
    """Inputs."""
    explained: int
    """Crystals."""
    rejected: int
    rejects: dict[str, int]
    """How many, by their code."""
    classes: dict[str, Named]
    """By the class that the network names, in its order; classes that it named for no crystal are left out."""
