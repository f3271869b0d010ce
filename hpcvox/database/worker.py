"""The work of one actor: it relaxes crystals or reference structures of elements by CHGNet, or does Ewald sums."""

from typing import Any

from hpcvox.actors.campaign import Part, Worker
from hpcvox.calculators import chgnet
from hpcvox.database import ewald
from hpcvox.database.prototypes.compounds import Prototype, primitive
from hpcvox.database.references import structures
from hpcvox.database.relax import Relaxed, relax
from hpcvox.errors import MissingDependencyError

Given = Prototype | str
"""A crystal, or the symbol of an element, which stands for its reference structures."""

Row = Any
"""The result of an input, as JSON stores it.  A crystal has ``[scale, eV/atom]``, or the reason why it has none.  An
element has a row for each of its structures: ``[structure, scale, eV/atom]`` or ``[structure, None, reason]``.  None:
the input has killed its process."""


def require() -> None:
    """Raise :class:`MissingDependencyError` if CHGNet is not installed."""
    if not chgnet.installed():
        raise MissingDependencyError(
            "energy=chgnet needs CHGNet, which is not installed: pip install 'hpcvox[chgnet]', "
            "or take energy=ewald"
        )


class ChgnetWorker:
    """Loads CHGNet once, then relaxes one part after the other."""

    def __init__(self) -> None:
        require()
        self._potential = chgnet.Potential()

    def __call__(self, part: Part[Given]) -> list[Row]:
        """Return a row for each crystal or element of ``part``."""
        left = {place: given for place, given in enumerate(part.items) if place not in part.fatal}
        crystals = {place: given for place, given in left.items() if isinstance(given, Prototype)}
        cells = [primitive(prototype, prototype.start) for prototype in crystals.values()]
        relaxed = relax(cells, self._potential) if cells else []
        rows = {
            place: result if isinstance(result, str) else _plain(result)
            for place, result in zip(crystals, relaxed, strict=True)
        }
        rows |= {place: self._of_element(given) for place, given in left.items() if isinstance(given, str)}
        return [rows.get(place) for place in range(len(part.items))]

    def _of_element(self, symbol: str) -> list[list[Any]]:
        cells = structures(symbol)
        relaxed = relax(cells, self._potential)
        return [[cell.id, *_plain(result)] for cell, result in zip(cells, relaxed, strict=True)]


def ewald_worker() -> Worker[Given, list[Row]]:
    """Make a worker that computes electrostatic energies in the estimated cells."""
    return _ewald_rows


def _ewald_rows(part: Part[Given]) -> list[Row]:
    return [
        [1.0, round(ewald.energy(given), 6)]
        if isinstance(given, Prototype) and place not in part.fatal
        else None
        for place, given in enumerate(part.items)
    ]


def _plain(result: Relaxed | str) -> list[Any]:
    return [None, result] if isinstance(result, str) else [round(result.scale, 8), round(result.energy, 6)]
