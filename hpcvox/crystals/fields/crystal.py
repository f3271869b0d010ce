"""A crystal with a field on its cell's grid, from the file that an entry names."""

from dataclasses import dataclass

from hpcvox.crystals.fields import Field, Kind, read_field
from hpcvox.crystals.record import Crystal, Entry, Rejection
from hpcvox.errors import Rejected


@dataclass(frozen=True, slots=True, eq=False)
class FieldCrystal(Crystal):
    """A crystal with a field on its cell's grid."""

    field: Field


def parse_field(entry: Entry, quantity: Kind) -> list[Crystal | Rejection]:
    """The crystal and field in the file of an entry, or why there is none."""
    assert entry.file is not None
    try:
        field = read_field(entry.file, quantity)
        if field.kind != quantity:
            raise Rejected("other-quantity", f"the file holds a {field.kind}, and a {quantity} is wanted")
        if not len(field.numbers):
            raise Rejected("no-sites", "the file names no atoms")
    except Rejected as reason:
        return [Rejection(entry.id, entry.origin, reason.code, str(reason))]
    return [
        FieldCrystal(entry.id, entry.origin, field.lattice, field.frac, field.numbers, entry.targets, field)
    ]
