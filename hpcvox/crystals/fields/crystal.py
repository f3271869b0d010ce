"""Reads a crystal together with a field on the grid of its cell, from the file that an entry names."""

from dataclasses import dataclass
from typing import Final

from hpcvox.crystals.fields import Field, Quantity, read_field
from hpcvox.crystals.record import Crystal, Entry, Reject
from hpcvox.errors import Rejected

_LEAST_ELECTRONS: Final = 1e-3
"""Least number of electrons in a cell; a density with fewer is zero but for rounding."""


@dataclass(frozen=True, slots=True, eq=False)
class FieldCrystal(Crystal):
    """A crystal with a field on its cell's grid."""

    field: Field


def read_crystal(entry: Entry, quantity: Quantity) -> list[Crystal | Reject]:
    """Read the crystal and the field in the file of an entry.

    Raises:
        Rejected: ``other-quantity``, ``no-sites``, or the codes of :func:`hpcvox.crystals.fields.read_field`.
    """
    assert entry.file is not None
    field = read_field(entry.file, quantity)
    if field.kind != quantity:
        raise Rejected("other-quantity", f"the file holds a {field.kind}, and a {quantity} is wanted")
    electrons = float(field.integral[0])
    if quantity == "density" and not electrons >= _LEAST_ELECTRONS:
        raise Rejected(
            "other-quantity",
            f"a density is wanted, and this one's integral over the cell is {electrons:.4g} electrons: "
            "is it a difference, a spin density or an orbital?",
        )
    if not len(field.numbers):
        raise Rejected("no-sites", "the file names no atoms")
    return [
        FieldCrystal(entry.id, entry.origin, field.lattice, field.frac, field.numbers, entry.targets, field)
    ]
