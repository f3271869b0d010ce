"""Makes the tables of the database from the results of the workers."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from hpcvox.crystals.formats.cif.writing import cif_text
from hpcvox.database import ewald
from hpcvox.database.prototypes.compounds import STRUCTURES, Prototype, conventional
from hpcvox.database.summary import TARGETS, Column
from hpcvox.database.worker import Row

MEANINGS: Final = {
    "chgnet": "formation energy in eV per atom from the elements in the lowest of their structures in "
    "references.csv, cells relaxed, all energies by CHGNet",
    "ewald": "electrostatic energy in eV per atom of point charges in a cell estimated from radii (formal "
    "charges; in Heusler compounds mean less own electronegativity); not a formation energy",
}

REJECT_COLUMNS: Final = ("id", "origin", "code", "message")
REFERENCE_COLUMNS: Final = ("element", "structure", "energy_per_atom", "scale", "lowest", "energy_model")

_SIGNIFICANT = 6


class Tables(NamedTuple):
    """Rows of the files that the job writes."""

    crystals: list[dict[str, Any]]
    rejects: list[dict[str, Any]]
    references: list[dict[str, Any]] | None


def columns(energy: str) -> tuple[str, ...]:
    """The columns of ``crystals.csv``; the name of the energy's column says which energy it is."""
    before = list(Column)[: list(Column).index(Column.ENERGY_MODEL)]
    return (*before, TARGETS[energy], Column.ENERGY_MODEL, Column.CIF)


def assembled(
    drawn: Sequence[Prototype],
    results: Sequence[Row],
    elements: Mapping[str, Row],
    energy: str,
    model: str,
) -> Tables:
    """Make one row for every drawn crystal, as a crystal or a reject, in the order of the draw.

    Args:
        drawn: the crystals.
        results: the result of each.
        elements: the results of each element, if energies are by CHGNet.
        energy: ``chgnet`` or ``ewald``.
        model: the energies' model, as tables name it.
    """
    references = _reference_rows(elements, model) if energy == "chgnet" else None
    element_energy = {row["element"]: row["energy_per_atom"] for row in references or () if row["lowest"]}
    crystals: list[dict[str, Any]] = []
    rejects: list[dict[str, Any]] = []
    for prototype, result in zip(drawn, results, strict=True):
        reason = _reason(result, prototype, element_energy if energy == "chgnet" else None)
        if reason is not None:
            code, message = reason
            rejects.append({"id": prototype.id, "origin": "built-in", "code": code, "message": message})
            continue
        scale, value = result
        if energy == "chgnet":
            value -= sum(element_energy[symbol] for symbol in _atoms(prototype)) / len(_atoms(prototype))
        named = model if energy == "chgnet" else ewald.name(prototype)
        crystals.append(_row(prototype, prototype.start * scale, TARGETS[energy], value, named))
    return Tables(crystals, rejects, references)


def _reason(
    result: Row, prototype: Prototype, element_energy: dict[str, float] | None
) -> tuple[str, str] | None:
    if result is None:
        return "worker-died", "the process that computed it died three times; run again to try again"
    if isinstance(result, str):
        return "not-relaxed", result
    if element_energy is not None:
        missing = [symbol for symbol in prototype.species if symbol not in element_energy]
        if missing:
            return "no-reference", f"there is no reference energy of {', '.join(missing)}"
    return None


def _atoms(prototype: Prototype) -> list[str]:
    return [prototype.species[kind] for kind, _ in STRUCTURES[prototype.structure].sites]


def _row(prototype: Prototype, a: float, target: str, value: float, model: str) -> dict[str, Any]:
    a = round(a, _SIGNIFICANT)
    return {
        Column.ID: prototype.id,
        Column.FORMULA: prototype.formula,
        Column.CLASS: prototype.compound_class,
        Column.PROTOTYPE: prototype.structure,
        Column.SPACE_GROUP: STRUCTURES[prototype.structure].space_group,
        Column.LATTICE_CONSTANT: f"{a:.6f}",
        target: f"{value:.6f}",
        Column.ENERGY_MODEL: model,
        Column.CIF: cif_text(conventional(prototype, a)),
    }


def _reference_rows(elements: Mapping[str, Row], model: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for symbol, structures in elements.items():
        relaxed = [(value, name, scale) for name, scale, value in structures or () if scale is not None]
        for value, name, scale in relaxed:
            rows.append(
                {
                    "element": symbol,
                    "structure": name.partition("-")[2],
                    "energy_per_atom": value,
                    "scale": scale,
                    "lowest": int((value, name, scale) == min(relaxed)),
                    "energy_model": model,
                }
            )
    return rows
