"""Writes placed crystals as entries of pymatgen, which other programs put on hulls of their own."""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from hpcvox.crystals.known import structure
from hpcvox.crystals.record import Crystal
from hpcvox.files import durable
from hpcvox.stability.summary import energy_column

FILE: Final = "entries.jsonl"


def write(
    out: Path, crystals: Iterable[tuple[Mapping[str, Any], Crystal]], versions: Mapping[str, str]
) -> None:
    """Write ``entries.jsonl`` to ``out``: a ``ComputedStructureEntry`` a line, for each crystal and each calculator.

    Energies are in eV per cell, as the calculator gives them, without corrections.

    Args:
        out: the folder.
        crystals: rows of ``hull.csv``, each with its relaxed crystal.
        versions: the version of each calculator, by the calculator's name.
    """
    from pymatgen.entries.computed_entries import ComputedStructureEntry

    with durable.written_aside(out / FILE) as part, part.open("w", encoding="utf-8") as file:
        for row, crystal in crystals:
            for calculator, version in versions.items():
                entry = ComputedStructureEntry(
                    structure(crystal),
                    float(row[energy_column(calculator)]) * crystal.n_sites,
                    parameters={"calculator": calculator, "version": version},
                    entry_id=crystal.id,
                )
                file.write(json.dumps(entry.as_dict()) + "\n")
