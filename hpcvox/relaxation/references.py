"""Energies of the elements, computed with the same stages as the crystals, as references of formation energies."""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from hpcvox.crystals.elements import SYMBOLS
from hpcvox.crystals.record import Crystal
from hpcvox.database.references import structures
from hpcvox.relaxation.worker import Result

COLUMNS: Final = ("element", "structure", "energy", "lowest", "code", "message")


def crystals(numbers: Iterable[int]) -> list[Crystal]:
    """The structures of the elements with these atomic numbers, in order."""
    return [crystal for z in sorted(set(numbers)) for crystal in structures(SYMBOLS[z])]


def rows(results: Sequence[Result], stages: int) -> list[dict[str, Any]]:
    """A row of the table for each structure; ``lowest`` is 1 for the structure of an element with the lowest energy."""
    elements = [result.id.partition("-")[0] for result in results]
    energies = {
        i: r.stages[-1].energy / r.crystal.n_sites
        for i, r in enumerate(results)
        if r.crystal is not None and len(r.stages) == stages and not r.code
    }
    best: dict[str, int] = {}
    for i in sorted(energies, key=energies.__getitem__):
        best.setdefault(elements[i], i)
    return [
        {
            "element": element,
            "structure": result.id.partition("-")[2],
            "energy": f"{energies[i]:.6f}" if i in energies else "",
            "lowest": int(best.get(element) == i),
            "code": result.code,
            "message": result.message,
        }
        for i, (element, result) in enumerate(zip(elements, results, strict=True))
    ]


def lowest(table: Sequence[dict[str, Any]]) -> dict[int, float]:
    """The lowest energy of each element in eV per atom, by atomic number; elements without an energy are left out."""
    return {SYMBOLS.index(row["element"]): float(row["energy"]) for row in table if row["lowest"]}
