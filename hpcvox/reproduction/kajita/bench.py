"""What the experiments share: the crystals, their shard sets and targets, and the trainings on them."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hpcvox.files.summary import Part
from hpcvox.reproduction.kajita.baselines import Crystals
from hpcvox.reproduction.kajita.data import TARGETS
from hpcvox.reproduction.kajita.draws import Draw, split
from hpcvox.reproduction.kajita.networks import Training, trained
from hpcvox.reproduction.kajita.sets import SUFFIX, Sets, Values
from hpcvox.reproduction.kajita.settings import KajitaSettings
from hpcvox.reproduction.steps import Step, Steps

Array = NDArray[np.float64]

ALL: tuple[int, ...] = tuple(range(len(TARGETS)))


class Predicted(Part):
    """What one network says of the test crystals, a row each, a column a target, in the targets' units."""

    original: list[list[float]]
    """Of the crystals as they are."""
    turned: list[list[float]]
    """The mean over turns that no training has."""


class Bench(NamedTuple):
    """The crystals of the experiments."""

    settings: KajitaSettings
    ids: Sequence[str]
    formulas: Sequence[str]
    data: Any
    """What identifies them."""
    sets: Sets
    steps: Steps
    targets: Step[Values]

    def draw(self, number: int) -> Draw:
        """Which crystals draw ``number`` trains on and tests."""
        return split(self.formulas, self.settings.seed, number)

    @property
    def sizes(self) -> list[int]:
        """The training sizes, none beyond the crystals that every draw has."""
        most = min(len(self.draw(number).train) for number in range(self.settings.scale.draws))
        given = self.settings.training_sizes
        wanted = [round(share * most) for share in self.settings.scale.shares] if given is None else given
        return sorted({max(2, min(size, most)) for size in wanted})

    def values(self, crystals: NDArray[np.int64], which: Sequence[int] = ALL) -> Array:
        """The targets ``which`` of crystals, (N, T)."""
        known = np.array(self.steps.done(self.targets).values)
        return np.asarray(known[crystals][:, list(which)])

    def crystals(self, number: int, size: int, which: Sequence[int]) -> Crystals:
        """The crystals of draw ``number`` with ``size`` to train on."""
        train, test = self.draw(number).train[:size], self.draw(number).test
        return Crystals(
            [self.ids[place] for place in train],
            [self.ids[place] for place in test],
            self.values(train, which),
            [self.formulas[place] for place in train],
        )

    def seed(self, number: int, member: int = 0) -> int:
        """The seed of a network."""
        return 1_000_000 * self.settings.seed + 1_000 * number + member

    def settled(self, *more: Any) -> list[Any]:
        """What decides the result of a training: the data, the settings of all, and ``more``."""
        given, scale = self.settings, self.settings.scale
        network = [given.learning_rate, given.length, given.model.model_dump(mode="json")]
        return [self.data, given.seed, scale.replicas[-1], scale.resolution, network, *more]

    def member(self, name: str, number: int, size: int, which: Sequence[int], member: int) -> Step[Predicted]:
        """The step that trains a network on ``size`` crystals of draw ``number`` for the targets ``which``."""
        return Step(
            f"{name}/member-{member}",
            Predicted,
            self.settled(name, self.settings.scale.epochs, number, size, list(which), member),
            partial(self.answered, number, size, which, member, None),
        )

    def answered(
        self, number: int, size: int, which: Sequence[int], member: int, values: Array | None, work: Path
    ) -> Predicted:
        """Train a network in ``work``, and ask it about the test crystals.

        Args:
            values: what it is to learn of the training crystals (N, T); None: the targets.
        """
        crystals = self.crystals(number, size, which)
        training = Training(
            self.sets.spots,
            [name + SUFFIX for name in crystals.train],
            crystals.values if values is None else values,
            self.seed(number, member),
            self.settings.scale.replicas[-1],
            self.settings.scale.epochs,
        )
        said = trained(work, training, self.settings, [name + SUFFIX for name in crystals.test])
        return Predicted(original=said.original.tolist(), turned=said.turned.mean(0).tolist())

    def groups(self, which: Sequence[int]) -> dict[str, tuple[int, ...]]:
        """The targets that one network predicts together, by the name of the group."""
        if self.settings.scale.together:
            name = "all" if tuple(which) == ALL else "-".join(TARGETS[one].name for one in which)
            return {name: tuple(which)}
        return {TARGETS[one].name: (one,) for one in which}


def ensemble(steps: Steps, members: Sequence[Step[Predicted]]) -> tuple[Array, Array]:
    """The mean over networks of what they say of the test crystals: as they are, and turned; (M, T) each."""
    said = [steps.done(step) for step in members]
    original, turned = ([getattr(one, way) for one in said] for way in ("original", "turned"))
    return np.mean(original, axis=0), np.mean(turned, axis=0)
