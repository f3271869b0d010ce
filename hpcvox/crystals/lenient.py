"""A second reader for CIFs whose syntax gemmi refuses: pymatgen forgives more, and is 100 times slower."""

import warnings

import numpy as np

from hpcvox.crystals.checks import Cell
from hpcvox.errors import Rejected

MAX_BYTES = 512 * 1024
"""pymatgen's time grows with the file; longer ones are rejected as they are, so that none stalls a run."""


def read(text: bytes, complaint: str) -> list[Cell]:
    """The first structure of a CIF with faulty syntax, if pymatgen can make it out.

    ``complaint`` is what gemmi said, for the message where pymatgen cannot either.

    Raises:
        Rejected: ``cif-syntax``, ``disordered``.
    """
    refused = Rejected("cif-syntax", f"not a valid CIF: {complaint}")
    lowered = text.lower()
    if b"\0" in text or len(text) > MAX_BYTES or b"_cell" not in lowered or b"_atom_site" not in lowered:
        raise refused
    from pymatgen.io.cif import CifParser

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            parser = CifParser.from_str(text.decode(errors="replace"))
            structures = parser.parse_structures(primitive=False, on_error="raise")
        except Exception:  # pymatgen raises whatever it stumbles over
            raise refused from None
    if not structures:
        raise refused
    structure = structures[0]
    if not structure.is_ordered:
        raise Rejected("disordered", "sites are partly occupied or shared")
    try:
        numbers = np.array([site.specie.Z for site in structure], dtype=np.uint8)
    except (AttributeError, OverflowError):
        raise Rejected("element", "a site holds no chemical element") from None
    return [Cell(np.array(structure.lattice.matrix), np.array(structure.frac_coords), numbers)]
