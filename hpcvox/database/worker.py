"""What an actor does: a chunk of crystals, or one element's reference structures, relaxed by CHGNet."""

from typing import Any, NamedTuple

from hpcvox.calculators import chgnet
from hpcvox.database import ewald
from hpcvox.database.prototypes.compounds import Prototype, primitive
from hpcvox.database.references import structures
from hpcvox.database.relax import Relaxed, relax
from hpcvox.errors import MissingDependencyError


class Task(NamedTuple):
    """One unit of work, and the name of the file that keeps its result."""

    name: str  # "crystals-00017" | "reference-Fe"
    prototypes: tuple[Prototype, ...] = ()
    element: str = ""

    @property
    def ids(self) -> list[str]:
        """What is evaluated, in order; tells whether a kept result is of this task."""
        return [self.element] if self.element else [prototype.id for prototype in self.prototypes]


Part = dict[str, Any]
"""A task's result as JSON keeps it: ``{"model": ..., "ids": [...], "results": [[scale, eV/atom] | reason]}``."""


def require() -> None:
    """Raise :class:`MissingDependencyError` where CHGNet is not installed."""
    if not chgnet.installed():
        raise MissingDependencyError(
            "energy=chgnet needs CHGNet, which is not installed: pip install 'hpcvox[chgnet]', "
            "or take energy=ewald"
        )


class ChgnetWorker:
    """Loads CHGNet once and relaxes task after task."""

    def __init__(self, model: str) -> None:
        self._model = model
        require()
        self._potential = chgnet.Potential()

    def __call__(self, task: Task) -> Part:
        if task.element:
            cells = structures(task.element)
            relaxed = relax(cells, self._potential)
            named = [(cell.id, *_plain(result)) for cell, result in zip(cells, relaxed, strict=True)]
            return {"model": self._model, "ids": task.ids, "results": named}
        relaxed = relax([primitive(p, p.start) for p in task.prototypes], self._potential)
        results = [r if isinstance(r, str) else _plain(r) for r in relaxed]
        return {"model": self._model, "ids": task.ids, "results": results}


class EwaldWorker:
    """Electrostatic energies in the estimated cells."""

    def __init__(self, model: str) -> None:
        self._model = model

    def __call__(self, task: Task) -> Part:
        results = [[1.0, round(ewald.energy(prototype), 6)] for prototype in task.prototypes]
        return {"model": self._model, "ids": task.ids, "results": results}


def _plain(result: Relaxed | str) -> list[Any]:
    return [None, result] if isinstance(result, str) else [round(result.scale, 8), round(result.energy, 6)]
