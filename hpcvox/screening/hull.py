"""The energy above the hull of known phases, which says how far a crystal is from being stable."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from hpcvox.crystals.elements import ATOMIC_NUMBERS
from hpcvox.crystals.parse import parse
from hpcvox.crystals.record import Crystal
from hpcvox.crystals.sources.source import open_source
from hpcvox.crystals.sources.tables import CSV_SUFFIXES
from hpcvox.errors import ConfigError
from hpcvox.screening.settings import ScreenSettings
from hpcvox.stability.hull import Hull
from hpcvox.stability.phases import Phase
from hpcvox.stability.references import Line, columns, of_table, phase

ELEMENT_TOLERANCE: Final = 0.1
"""eV/atom; if the energy of an element differs from 0 by more, the energies are not formation energies."""


def read_references(settings: ScreenSettings) -> list[Phase]:
    """Read the phases of ``settings.references`` with energies below 0 eV/atom, the lowest of each composition.

    A phase with a formation energy of 0 or more is never part of a hull, because its elements are lower.

    Raises:
        ConfigError: a column is missing, a formula or energy cannot be read, or energies are not of formation.
        SourceError: the source cannot be read.
    """
    lowest: dict[str, Phase] = {}
    count = 0
    for line in _lines(settings):
        count += 1
        one = phase(line)
        if len(one.amounts) == 1:
            if one.energy < -ELEMENT_TOLERANCE:
                raise ConfigError(
                    f"references: {line.where}: the element {line.formula} has {one.energy:g} eV/atom, and formation "
                    f"energies of elements are 0 by definition: set reference_energy to a column of formation energies"
                )
        elif one.energy < 0 and one.energy < lowest.get(one.formula, one._replace(energy=0.0)).energy:
            lowest[one.formula] = one
    if not count:
        raise ConfigError(
            f"references: {settings.references} has no phase with a number in {settings.reference_energy!r}"
        )
    return [lowest[formula] for formula in sorted(lowest)]


def require_columns(settings: ScreenSettings) -> None:
    """See that ``settings.references`` have the columns that the settings name; reads no further than a first phase.

    Raises:
        ConfigError, SourceError: they have not, or cannot be read.
    """
    next(_lines(settings), None)


def hull_of(phases: Iterable[Phase]) -> Hull:
    """The convex hull of the formation energies of ``phases`` and of the elements, which are 0 by definition."""
    elements = (Phase(symbol, ((symbol, 1.0),), 0.0) for symbol in ATOMIC_NUMBERS)
    return Hull([*elements, *phases])


def _lines(settings: ScreenSettings) -> Iterator[Line]:
    """The references that have an energy."""
    path, energy = settings.references, settings.reference_energy
    assert path is not None
    table = path.name.lower().endswith(CSV_SUFFIXES) and path.is_file()
    return _of_table(path, settings.reference_formula, energy) if table else _of_crystals(path, energy)


def _of_table(path: Path, formula: str, energy: str) -> Iterator[Line]:
    """The lines of a CSV of formulas, or the crystals of a CSV with CIFs."""
    names = columns(path)
    if formula not in names and energy in names and "cif" in names:
        return _of_crystals(path, energy)
    return of_table(path, formula, energy, ("reference_formula", "reference_energy"))


def _of_crystals(path: Path, energy: str) -> Iterator[Line]:
    """The crystals of a source that have an energy."""
    for entry in open_source(path, targets=[energy]):
        for crystal in parse(entry):
            if isinstance(crystal, Crystal) and energy in crystal.targets:
                yield Line(crystal.origin, crystal.formula, crystal.targets[energy], crystal.id)
