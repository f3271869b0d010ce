"""What the experiments share: the networks of the draws, and curves of class probabilities over crystals."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hpcvox.files.summary import Part
from hpcvox.reproduction.steps import Steps
from hpcvox.reproduction.summary import Better, Row
from hpcvox.reproduction.ziletti.settings import ZilettiSettings

PROBABILITY: Final = "probability"


class Net(NamedTuple):
    """A network of a draw."""

    folder: Path
    """Its run folder, or its name if it comes with hpcvox."""
    identity: Any
    """What decides its weights, as JSON."""


class Bench(NamedTuple):
    """What the experiments are made with."""

    settings: ZilettiSettings
    steps: Steps
    pristine: Sequence[Net]
    """Trained on perfect crystals alone; of each draw."""
    others: Mapping[str, Sequence[Net]]
    """By what they were trained on: the networks that these are compared with, of each draw."""

    @property
    def draws(self) -> range:
        """The numbers of the draws."""
        return range(self.settings.scale.draws)

    def seed(self, number: int) -> int:
        """The seed of a draw."""
        return self.settings.seed_of(number)

    def settled(self, net: Net, number: int, *more: Any) -> list[Any]:
        """What decides the result of asking a network, with ``more``."""
        return [net.identity, self.seed(number), *more]


class Curves(Part):
    """The probability of each class along an axis, over the crystals of a draw."""

    mean: dict[str, list[float]]
    spread: dict[str, list[float]]
    """The standard deviation over the crystals."""


def curves(classes: Sequence[str], said: NDArray[np.float64]) -> Curves:
    """Curves of probabilities ``said``, (points, crystals, classes)."""
    mean, spread = said.mean(1), said.std(1)
    return Curves(
        mean={name: mean[:, place].tolist() for place, name in enumerate(classes)},
        spread={name: spread[:, place].tolist() for place, name in enumerate(classes)},
    )


def along(quantity: str, points: Sequence[float], found: Sequence[Curves], shown: Sequence[str]) -> list[Row]:
    """Rows of the classes ``shown``: the mean probability, and its spread over the crystals; values of the draws."""
    told = []
    for name, part in ((quantity, "mean"), (spread_of(quantity), "spread")):
        for kind in shown:
            by_draw: list[Mapping[str, list[float]]] = [getattr(one, part) for one in found]
            told += [
                row(name, kind, at, [each[kind][place] for each in by_draw], "", "neither")
                for place, at in enumerate(points)
            ]
    return told


def spread_of(quantity: str) -> str:
    """The quantity that tells how much another differs from crystal to crystal."""
    return quantity.replace(PROBABILITY, "sd over crystals")


def row(
    quantity: str,
    method: str,
    at: float | None,
    values: Sequence[float],
    unit: str = "%",
    better: Better = "higher",
) -> Row:
    """A row of the page."""
    return Row(quantity=quantity, method=method, at=at, unit=unit, better=better, values=list(values))
