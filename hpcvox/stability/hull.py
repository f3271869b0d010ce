"""The convex hull of known phases: how far a crystal is above it, and which phases it would decompose into."""

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
"""Most elements of a crystal that is placed; time and memory of a hull grow exponentially with their number."""


class Place(NamedTuple):
    """The hull at a composition."""

    energy: float
    """The energy of the hull, eV/atom."""
    phases: tuple[tuple[float, Phase], ...]
    """The phases that a crystal of this composition would decompose into, each after the fraction of the atoms that it
    would have; the largest fraction first."""


class Hull:
    """The convex hulls of known phases, one for each chemical system that is asked for.

    All energies are of one kind: total energies by one calculator, or formation energies, which are 0 for the elements.
    pymatgen's ``PhaseDiagram`` computes the hulls.
    """

    def __init__(self, phases: Iterable[Phase], correction: Callable[[Amounts], float] | None = None) -> None:
        """Take the phases; of those with the same composition only the lowest counts.

        Args:
            phases: known phases, the elements among them: a crystal with an element that is missing is not placed.
            correction: computes from a composition what is added to the energy of each phase and each crystal, in
                eV/atom; None: nothing is added.
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

    def __getstate__(self) -> dict[str, Any]:
        """All but the diagrams, which another process computes anew."""
        return {name: value for name, value in self.__dict__.items() if name != "_diagram"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._diagram = lru_cache(maxsize=256)(self._computed)

    @classmethod
    def of(cls, calculator: str, references: Path | None = None) -> "Hull":
        """Make the hull from a table of energies by one calculator.

        Args:
            calculator: its name in ``hpcvox relax``; energies by different calculators cannot be compared.
            references: a CSV of formulas and energies (:func:`hpcvox.stability.references.read`); None: the table that
                comes with hpcvox.

        Raises:
            ConfigError: the table cannot be used, or the one that comes with hpcvox has no energies by this calculator.
        """
        from hpcvox.stability.corrections import correction
        from hpcvox.stability.references import read

        return cls(read(calculator, references), correction(calculator))

    def above(self, formulas: Sequence[str], energies: NDArray[np.float64]) -> NDArray[np.float64]:
        """Energies above the hull in eV/atom, (n,); negative: more stable than any mixture of the known phases.

        An energy above the hull is NaN if an element of the crystal has no reference, if the crystal has more than
        :data:`MOST_ELEMENTS` elements, or if its own energy is NaN.

        Args:
            formulas: n chemical formulas.
            energies: the energies of the crystals by the calculator of the phases, (n,), eV/atom.

        Raises:
            ValueError: there are not as many energies as formulas.
        """
        from pymatgen.core import Composition

        if len(formulas) != len(energies):
            raise ValueError(f"{len(formulas)} formulas and {len(energies)} energies")
        amounts = [Composition(formula).get_el_amt_dict() for formula in formulas]
        above = np.full(len(formulas), np.nan)
        # crystals of one chemical system follow each other, so that its hull is made only once
        for i in sorted(range(len(formulas)), key=lambda i: sorted(amounts[i])):
            if (place := self.place(amounts[i])) is not None:
                above[i] = float(energies[i]) + self._correction(amounts[i]) - place.energy
        return above

    def distance(self, amounts: Amounts, energy: float) -> float:
        """Energy above the hull of one crystal in eV/atom; NaN as in :meth:`above`.

        Args:
            amounts: the atoms of each element, by symbol.
            energy: by the calculator of the phases, eV/atom.
        """
        place = None if math.isnan(energy) else self.place(amounts)
        return math.nan if place is None else energy + self._correction(amounts) - place.energy

    def unknown(self, amounts: Amounts) -> list[str]:
        """The elements of a composition that have no reference, sorted by symbol."""
        return sorted(amounts.keys() - self.elements)

    def place(self, amounts: Amounts) -> Place | None:
        """The hull at a composition; None if an element has no reference, or there are too many elements."""
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
        """pymatgen's phase diagram of the elements ``system``, by corrected energies; ``attribute`` is the phase."""
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
