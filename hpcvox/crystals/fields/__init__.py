"""Scalar fields of crystals as electronic-structure codes write them: densities and potentials on a grid."""

from pathlib import Path

from hpcvox.crystals.fields.cube import read_cube
from hpcvox.crystals.fields.record import MAX_POINTS, Field, Quantity
from hpcvox.crystals.fields.vasp import read_chgcar, read_locpot
from hpcvox.errors import Rejected

__all__ = ["MAX_POINTS", "Field", "Quantity", "read_chgcar", "read_cube", "read_field", "read_locpot"]


def read_field(path: Path, kind: Quantity = "density") -> Field:
    """The field in a file; its format is told by its name, compression by its first bytes.

    Names that hold ``CHG``, ``AECCAR`` or ``PARCHG`` are read as a CHGCAR, ``LOCPOT`` as that, ``.cube`` and
    ``.cub`` as a Gaussian cube, in upper or lower case.

    Args:
        kind: what a cube holds (no cube says so); of no effect on the others.

    Raises:
        Rejected: ``unknown-format``, and the codes of :func:`read_chgcar`, :func:`read_locpot`, :func:`read_cube`.
    """
    name = path.name.lower()
    if "locpot" in name:
        return read_locpot(path)
    if any(word in name for word in ("chg", "aeccar")):
        return read_chgcar(path)
    if ".cube" in name or ".cub" in name:
        return read_cube(path, kind)
    raise Rejected(
        "unknown-format",
        f"{path.name}: the name tells no format of a field: CHGCAR, CHG, PARCHG, AECCAR, LOCPOT, or .cube",
    )
