"""Small CIFs made from their parts, and what becomes of them."""

from collections.abc import Iterable, Mapping

from gemmi.cif import quote

from hpcvox.crystals.parse import parse
from hpcvox.crystals.record import Crystal, Entry, Reject

NACL = ("Na 0 0 0", "Cl 0.5 0.5 0.5")


def cif(
    cell: Iterable[float],
    sites: Iterable[str],
    items: Mapping[str, str] | None = None,
    operations: Iterable[str] = (),
    columns: str = "type_symbol fract_x fract_y fract_z",
) -> str:
    """A CIF of one block: cell in Å and degrees, rows of its atom sites, further items, listed operations."""
    names = ("length_a", "length_b", "length_c", "angle_alpha", "angle_beta", "angle_gamma")
    lines = ["data_x", *(f"_cell_{name} {value:g}" for name, value in zip(names, cell, strict=False))]
    lines += [f"{tag} {quote(value)}" for tag, value in (items or {}).items()]
    if listed := list(operations):
        lines += ["loop_", "_symmetry_equiv_pos_as_xyz", *(f"'{operation}'" for operation in listed)]
    lines += ["loop_", *(f"_atom_site_{column}" for column in columns.split()), *sites]
    return "\n".join(lines) + "\n"


def read(text: str | bytes) -> Crystal | Reject:
    """What becomes of a CIF of one block."""
    raw = text.encode() if isinstance(text, str) else text
    (result,) = parse(Entry(0, "x", "x.cif", raw, {}))
    return result


def outcome(text: str | bytes) -> str:
    """``"OK"`` and the number of atoms, or the code of the rejection."""
    result = read(text)
    return f"OK {result.n_sites}" if isinstance(result, Crystal) else result.code
