"""Writes placed crystals as entries of pymatgen, which other programs put on hulls of their own."""

import contextlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from hpcvox.crystals.known import structure
from hpcvox.crystals.record import Crystal
from hpcvox.files import durable
from hpcvox.stability.corrections import correction
from hpcvox.stability.summary import energy_column


def file_of(calculator: str) -> str:
    """The name of the file with the entries of one calculator."""
    return f"entries_{calculator}.jsonl"


def write(
    out: Path, crystals: Iterable[tuple[Mapping[str, Any], Crystal]], versions: Mapping[str, str]
) -> None:
    """Write a file for each calculator to ``out``, with a line for each crystal: a ``ComputedStructureEntry``.

    Beside the keys of the entry a line has ``material_id``, by which Matbench Discovery's tables are indexed.
    Energies are in eV per cell, as the calculator gives them; ``correction`` is what makes them comparable with those
    of the Materials Project (:mod:`hpcvox.stability.corrections`).

    Args:
        out: the folder.
        crystals: rows of ``hull.csv``, each with its relaxed crystal.
        versions: the version of each calculator, by the calculator's name.
    """
    with contextlib.ExitStack() as stack:
        files = {}
        for calculator in versions:
            part = stack.enter_context(durable.written_aside(out / file_of(calculator)))
            files[calculator] = stack.enter_context(part.open("w", encoding="utf-8"))
        for row, crystal in crystals:
            for calculator, version in versions.items():
                entry = {"material_id": crystal.id, **_entry(row, crystal, calculator, version)}
                files[calculator].write(json.dumps(entry) + "\n")


def _entry(row: Mapping[str, Any], crystal: Crystal, calculator: str, version: str) -> dict[str, Any]:
    from pymatgen.entries.computed_entries import ComputedStructureEntry

    one = structure(crystal)
    correct = correction(calculator)
    per_atom = 0.0 if correct is None else correct(one.composition.get_el_amt_dict())
    entry = ComputedStructureEntry(
        one,
        float(row[energy_column(calculator)]) * crystal.n_sites,
        correction=per_atom * crystal.n_sites,
        parameters={"calculator": calculator, "version": version},
        entry_id=crystal.id,
    )
    found: dict[str, Any] = entry.as_dict()
    return found
