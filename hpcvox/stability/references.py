"""Reads known phases and their energies from a table: the one that comes with hpcvox, or the user's own."""

import csv
import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from hpcvox.crystals.elements import ATOMIC_NUMBERS
from hpcvox.crystals.text import text_lines
from hpcvox.errors import ConfigError, did_you_mean
from hpcvox.relaxation.summary import Column, bare, stage_column
from hpcvox.stability.phases import Phase

SHIPPED: Final = Path(__file__).parent.parent / "shipped" / "references.csv"
"""The table that comes with hpcvox; the JSON file beside it names what computed the energies."""


def energy_column(calculator: str) -> str:
    """The column of energies by a calculator: ``chgnet_energy``."""
    return stage_column(bare(calculator), Column.ENERGY)


class Line(NamedTuple):
    """A row of a table that has a formula and a finite number."""

    where: str
    """File and row, for messages."""
    formula: str
    energy: float
    id: str
    """Empty if the table has no ids."""


def read(calculator: str, path: Path | None = None) -> list[Phase]:
    """Read the phases of a CSV with a column ``formula`` and a column of total energies in eV/atom by ``calculator``.

    The column of energies is called ``CALCULATOR_energy``, as in the table of ``hpcvox relax``; in a table of the
    user's own it may also be called ``energy``.  A column ``id`` may name the phases.

    Args:
        calculator: its name.
        path: the CSV; None: the table that comes with hpcvox.

    Raises:
        ConfigError: a column is missing, a formula or energy cannot be read, or there is no phase.
    """
    table = SHIPPED if path is None else path
    energy = energy_column(calculator)
    names = columns(table)
    if energy not in names:
        if path is None:
            raise ConfigError(
                f"references: the table that comes with hpcvox has no energies by {calculator} (it has "
                f"{', '.join(calculators(table))}): give references=my.csv (docs/stability.md)"
            )
        energy = str(Column.ENERGY)
    # tables of relax and our own have the same column of formulas
    lines = of_table(table, str(Column.FORMULA), energy, ("references", "references"))
    found = [phase(line) for line in lines]
    if not found:
        raise ConfigError(f"references: {table} has no phase with a number in {energy!r}")
    return found


def calculators(table: Path) -> list[str]:
    """The calculators by which a table has energies; the names of its columns tell.

    Raises:
        ConfigError: the table cannot be read.
    """
    suffix = energy_column("")
    return [name.removesuffix(suffix) for name in columns(table) if name.endswith(suffix) and name != suffix]


def made_by(calculator: str) -> str:
    """The package and version that computed the energies by a calculator in the table that comes with hpcvox."""
    found: dict[str, str] = json.loads(SHIPPED.with_suffix(".json").read_text("utf-8"))
    return found[calculator]


def columns(path: Path) -> list[str]:
    """The names of a table's columns.

    Raises:
        ConfigError: the table cannot be read.
    """
    try:
        with text_lines(path) as file:
            return list(csv.DictReader(file).fieldnames or [])
    except (OSError, csv.Error) as error:
        raise ConfigError(f"references: {path} cannot be read: {error}") from None


def of_table(path: Path, formula: str, energy: str, settings: tuple[str, str]) -> Iterator[Line]:
    """Yield the lines of a CSV that have a formula and a finite number; others are left out.

    Args:
        path: the CSV.
        formula: the column of formulas.
        energy: the column of numbers.
        settings: the settings that name these two columns, for messages.

    Raises:
        ConfigError: a column is missing, or a text in the column of numbers is no number.
    """
    with text_lines(path) as file:
        table = csv.DictReader(file)
        names = table.fieldnames or []
        for setting, name in zip(settings, (formula, energy), strict=True):
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
                yield Line(where, row[formula].strip(), value, (row.get(Column.ID) or "").strip())


def phase(line: Line) -> Phase:
    """The phase of a line, with its formula reduced.

    Raises:
        ConfigError: the formula cannot be read, or it names what is no element.
    """
    from pymatgen.core import Composition

    try:
        composition = Composition(line.formula).reduced_composition
        amounts = {symbol: float(amount) for symbol, amount in composition.get_el_amt_dict().items()}
    # pymatgen raises errors of many kinds
    except Exception as error:
        raise ConfigError(f"references: {line.where}: {line.formula!r} is no formula ({error})") from None
    if not amounts or not amounts.keys() <= ATOMIC_NUMBERS.keys():
        raise ConfigError(f"references: {line.where}: {line.formula!r} is no formula of elements")
    return Phase(composition.reduced_formula, tuple(sorted(amounts.items())), line.energy, line.id)
