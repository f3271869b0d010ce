"""Energy above the hull of known phases: how far a crystal is from being stable, by its formation energy."""

import csv
import math
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, NamedTuple

from hpcvox.crystals.elements import ATOMIC_NUMBERS
from hpcvox.crystals.parse import parse
from hpcvox.crystals.record import Crystal
from hpcvox.crystals.sources.source import open_source
from hpcvox.crystals.sources.tables import CSV_SUFFIXES
from hpcvox.crystals.text import text_lines
from hpcvox.errors import ConfigError, did_you_mean
from hpcvox.screening.settings import ScreenSettings

MOST_ELEMENTS: Final = 8
"""Of a crystal whose hull is computed: its time and memory grow exponentially with their number."""

ELEMENT_TOLERANCE: Final = 0.1
"""eV/atom; an element lower than this below 0 has not a formation energy but an energy."""


class Phase(NamedTuple):
    """A known compound: atoms of each element in its reduced formula, and its formation energy in eV/atom."""

    formula: str
    amounts: tuple[tuple[str, float], ...]
    energy: float


def read_references(settings: ScreenSettings) -> list[Phase]:
    """The phases of ``settings.references`` below 0 eV/atom, of each composition the lowest, by formula.

    What has a formation energy of 0 or more is never part of a hull: its elements are lower.

    Raises:
        ConfigError: a column is missing, a formula or energy cannot be read, or energies are not of formation.
        SourceError: the source cannot be read.
    """
    path, column = settings.references, settings.reference_energy
    assert path is not None
    table = path.name.lower().endswith(CSV_SUFFIXES) and path.is_file()
    given = _of_table(path, settings.reference_formula, column) if table else _of_crystals(path, column)
    lowest: dict[str, Phase] = {}
    count = 0
    for where, formula, energy in given:
        count += 1
        phase = _phase(where, formula, energy)
        if len(phase.amounts) == 1:
            if energy < -ELEMENT_TOLERANCE:
                raise ConfigError(
                    f"references: {where}: the element {formula} has {energy:g} eV/atom, and formation energies of "
                    f"elements are 0 by definition: set reference_energy to a column of formation energies"
                )
        elif energy < 0 and energy < lowest.get(phase.formula, phase._replace(energy=0.0)).energy:
            lowest[phase.formula] = phase
    if not count:
        raise ConfigError(f"references: {path} has no phase with a number in {column!r}")
    return [lowest[formula] for formula in sorted(lowest)]


class Hull:
    """The convex hull of formation energies of ``phases`` and of the elements, which are at 0 by definition."""

    def __init__(self, phases: Iterable[Phase]) -> None:
        self._phases: dict[frozenset[str], list[Phase]] = {}
        for phase in phases:
            self._phases.setdefault(frozenset(symbol for symbol, _ in phase.amounts), []).append(phase)
        self._diagram = lru_cache(maxsize=256)(self._computed)

    def above(self, amounts: Mapping[str, float], energy: float) -> float:
        """``energy`` of a crystal less that of the hull at its composition, in eV/atom.

        Negative for a crystal that is more stable than any mixture of the known phases.  NaN for more than
        :data:`MOST_ELEMENTS` elements.

        Args:
            amounts: atoms of each element in the crystal, by symbol.
            energy: its formation energy in eV/atom; of NaN NaN comes.
        """
        if math.isnan(energy) or len(amounts) > MOST_ELEMENTS:
            return math.nan
        from pymatgen.core import Composition

        diagram = self._diagram(frozenset(amounts))
        return energy - float(diagram.get_hull_energy_per_atom(Composition(amounts)))

    def _computed(self, system: frozenset[str]) -> Any:
        """pymatgen's phase diagram of the elements ``system``."""
        from pymatgen.analysis.phase_diagram import PDEntry, PhaseDiagram
        from pymatgen.core import Composition

        entries = [PDEntry(Composition({symbol: 1}), 0.0) for symbol in sorted(system)]
        for elements, phases in self._phases.items():
            if elements <= system:
                for phase in phases:
                    composition = Composition(dict(phase.amounts))
                    entries.append(PDEntry(composition, phase.energy * composition.num_atoms))
        return PhaseDiagram(entries)


def _phase(where: str, formula: str, energy: float) -> Phase:
    from pymatgen.core import Composition

    try:
        composition = Composition(formula).reduced_composition
        amounts = {symbol: float(amount) for symbol, amount in composition.get_el_amt_dict().items()}
    except Exception as error:  # pymatgen raises many kinds
        raise ConfigError(f"references: {where}: {formula!r} is no formula ({error})") from None
    if not amounts or not amounts.keys() <= ATOMIC_NUMBERS.keys():
        raise ConfigError(f"references: {where}: {formula!r} is no formula of elements")
    return Phase(composition.reduced_formula, tuple(sorted(amounts.items())), energy)


def _of_table(path: Path, formula: str, energy: str) -> Iterator[tuple[str, str, float]]:
    """Row, formula and energy of each line of a CSV that has both."""
    with text_lines(path) as file:
        table = csv.DictReader(file)
        names = table.fieldnames or []
        if formula not in names and energy in names and "cif" in names:
            yield from _of_crystals(path, energy)
            return
        for setting, name in (("reference_formula", formula), ("reference_energy", energy)):
            if name not in names:
                near = did_you_mean(name, names)
                raise ConfigError(
                    f"{setting}: there is no column {name!r} in {path}: {near}valid: {', '.join(names)}"
                )
        for number, row in enumerate(table, start=2):
            where, text = f"{path}:row {number}", (row[energy] or "").strip()
            if not text or not (row[formula] or "").strip():
                continue
            try:
                value = float(text)
            except ValueError:
                raise ConfigError(
                    f"references: {where}: {text[:40]!r} in the column {energy} is no number"
                ) from None
            if math.isfinite(value):
                yield where, row[formula].strip(), value


def _of_crystals(path: Path, energy: str) -> Iterator[tuple[str, str, float]]:
    """Origin, formula and energy of each crystal of a source that has one."""
    for entry in open_source(path, targets=[energy]):
        for crystal in parse(entry):
            if isinstance(crystal, Crystal) and energy in crystal.targets:
                yield crystal.origin, crystal.formula, crystal.targets[energy]
