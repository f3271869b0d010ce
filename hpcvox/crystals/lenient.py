"""A second look at CIFs whose syntax gemmi refuses: pymatgen's reader of tokens forgives more, and is slower."""

import warnings
from typing import Final

import gemmi

from hpcvox.errors import Rejected

MAX_BYTES = 512 * 1024
MAX_LINE = 2048
"""pymatgen's time grows with the file and with the square of a line (CIF 1.1 allows this much of one); longer ones
are rejected as they are, so that none stalls a run."""

_NEEDED: Final = ("_cell", "_symmetry", "_space_group", "_atom_site", "_chemical_formula_sum")


def read(text: bytes, complaint: str) -> gemmi.cif.Document:
    """What a CIF with faulty syntax says of cells, symmetry and atom sites, if pymatgen can make it out.

    ``complaint`` is the message where pymatgen cannot either.

    Raises:
        Rejected: ``cif-syntax``.
    """
    refused = Rejected("cif-syntax", complaint)
    lowered = text.lower()
    if b"\0" in text or len(text) > MAX_BYTES or b"_cell" not in lowered or b"_atom_site" not in lowered:
        raise refused
    # Its search for blocks takes the square of the number of empty lines.
    lines = [line for line in text.decode(errors="replace").splitlines() if line and not line.isspace()]
    if max(map(len, lines)) > MAX_LINE:
        raise refused
    from pymatgen.io.cif import CifFile

    document = gemmi.cif.Document()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            for name, found in CifFile.from_str("\n".join(lines)).data.items():
                block = document.add_new_block(name)
                looped = {tag for tags in found.loops for tag in tags}
                for tag, value in found.data.items():
                    if tag.startswith(_NEEDED) and tag not in looped:
                        block.set_pair(tag, _quoted(value))
                for tags in found.loops:
                    kept = [tag for tag in tags if tag.startswith(_NEEDED)]
                    if kept:
                        loop = block.init_loop("", kept)
                        loop.set_all_values([list(map(_quoted, found.data[tag])) for tag in kept])
        except Exception:  # pymatgen raises whatever it stumbles over
            raise refused from None
    return document


def _quoted(value: str) -> str:
    return value if value in ("?", ".") else gemmi.cif.quote(value)
