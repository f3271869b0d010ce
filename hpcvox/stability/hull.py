"""The convex hull of known phases: how far a crystal is above it, and what it would fall apart into."""

import math
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from itertools import combinations
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hpcvox.stability.phases import Amounts, Phase

MOST_ELEMENTS: Final = 8
"""Of a crystal whose hull is computed: its time and memory grow exponentially with their number."""


class Place(NamedTuple):
    """Where a composition is on the hull."""

    energy: float
    """Of the hull there, eV/atom."""
    phases: tuple[tuple[float, Phase], ...]
    """What the hull is made of there: the share of the atoms that is in each phase, the largest first."""


class Hull:
    """The convex hulls of ``phases``, one for each chemical system that is asked for.

    Energies are of one kind: total energies by one calculator, or formation energies with the elements at 0.
    pymatgen's ``PhaseDiagram`` does the geometry.
    """

    def __init__(self, phases: Iterable[Phase], correction: Callable[[Amounts], float] | None = None) -> None:
        """Take the phases; of each composition the lowest counts.

        Args:
            phases: elements among them; a crystal of an element that is not has no place.
            correction: eV/atom that is added to the energy of each phase and each crystal, by its composition.
        """
        self._correction = correction or (lambda _: 0.0)
        lowest: dict[str, Phase] = {}
        for phase in phases:
            if phase.formula not in lowest or phase.energy < lowest[phase.formula].energy:
                lowest[phase.formula] = phase
        self._systems: dict[frozenset[str], list[Phase]] = {}
        for formula in sorted(lowest):
            phase = lowest[formula]
            self._systems.setdefault(frozenset(dict(phase.amounts)), []).append(phase)
        self.phases: Final = len(lowest)
        self.elements: Final = frozenset(next(iter(one)) for one in self._systems if len(one) == 1)
        self._diagram = lru_cache(maxsize=256)(self._computed)

    @classmethod
    def of(cls, calculator: str, references: Path | None = None) -> "Hull":
        """The hull of a calculator's energies.

        Args:
            calculator: its name, as ``hpcvox relax`` has it; energies of one are nothing to those of another.
            references: a CSV of formulas and energies (:func:`hpcvox.stability.references.read`); None: the table that
                comes with hpcvox.

        Raises:
            ConfigError: the table cannot be used, or none that comes with hpcvox is of this calculator.
        """
        from hpcvox.stability.corrections import correction
        from hpcvox.stability.references import read

        return cls(read(calculator, references), correction(calculator))

    def above(self, formulas: Sequence[str], energies: NDArray[np.float64]) -> NDArray[np.float64]:
        """Energies above the hull in eV/atom, (n,); negative: more stable than any mixture of the known phases.

        NaN where an element has no reference, for more than :data:`MOST_ELEMENTS` elements, and where the energy is.

        Args:
            formulas: chemical formulas, n of them.
            energies: by the same calculator as the phases', (n,), eV/atom.
        """
        from pymatgen.core import Composition

        if len(formulas) != len(energies):
            raise ValueError(f"{len(formulas)} formulas and {len(energies)} energies")
        amounts = [Composition(formula).get_el_amt_dict() for formula in formulas]
        above = np.full(len(formulas), np.nan)
        # crystals of one chemical system in a row: its hull is made once
        for i in sorted(range(len(formulas)), key=lambda i: sorted(amounts[i])):
            if (place := self.place(amounts[i])) is not None:
                above[i] = float(energies[i]) + self._correction(amounts[i]) - place.energy
        return above

    def distance(self, amounts: Amounts, energy: float) -> float:
        """Energy above the hull of one crystal in eV/atom; NaN as in :meth:`above`."""
        place = None if math.isnan(energy) else self.place(amounts)
        return math.nan if place is None else energy + self._correction(amounts) - place.energy

    def unknown(self, amounts: Amounts) -> list[str]:
        """The elements that have no reference."""
        return sorted(amounts.keys() - self.elements)

    def place(self, amounts: Amounts) -> Place | None:
        """Where a composition is on the hull; None where an element has no reference, or there are too many."""
        if len(amounts) > MOST_ELEMENTS or self.unknown(amounts):
            return None
        from pymatgen.core import Composition

        parts = self._diagram(frozenset(amounts)).get_decomposition(Composition(amounts))
        phases = sorted(((share, entry.attribute, entry.energy_per_atom) for entry, share in parts.items()),
                        key=lambda part: (-round(part[0], 9), part[1].formula))  # fmt: skip
        return Place(
            sum(float(share * energy) for share, _, energy in phases),
            tuple((float(share), phase) for share, phase, _ in phases),
        )

    def _computed(self, system: frozenset[str]) -> Any:
        """pymatgen's phase diagram of the elements ``system``; energies are corrected, ``attribute`` is the phase."""
        from pymatgen.analysis.phase_diagram import PDEntry, PhaseDiagram
        from pymatgen.core import Composition

        entries = []
        for size in range(1, len(system) + 1):
            for elements in combinations(sorted(system), size):
                for phase in self._systems.get(frozenset(elements), ()):
                    composition = Composition(dict(phase.amounts))
                    energy = phase.energy + self._correction(dict(phase.amounts))
                    entries.append(PDEntry(composition, energy * composition.num_atoms, attribute=phase))
        return PhaseDiagram(entries)
