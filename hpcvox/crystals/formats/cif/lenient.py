"""A second look at CIFs that gemmi refuses: names that are given twice, then pymatgen's reader of tokens.

pymatgen's forgives more than gemmi, and is slower.
"""

import re
import warnings
from typing import Final, NamedTuple

import gemmi

from hpcvox.crystals.formats.cif.doubled import refuse_in_text
from hpcvox.crystals.text import MARK
from hpcvox.errors import Rejected

MAX_BYTES = 512 * 1024
MAX_LINE = 2048
"""pymatgen's time grows with the file and with the square of a line (CIF 1.1 allows this much of one); longer ones
are rejected as they are, so that none stalls a run."""

_NEEDED: Final = ("_cell", "_symmetry", "_space_group", "_atom_site", "_chemical_formula_sum")
_SITES: Final = "_atom_site_fract_x"
_HEADING: Final = re.compile(r"^\s*data_", re.MULTILINE)


class Reading(NamedTuple):
    """What could be made out of a CIF."""

    document: gemmi.cif.Document
    complaint: str  # what is wrong with its syntax; empty where names are given twice and no more


def reread(text: bytes, error: Exception) -> Reading:
    """What a CIF that gemmi refuses, for ``error``, says of cells, symmetry and atom sites.

    Its blocks may have names in common, and they may have tags that are given twice: see
    :func:`hpcvox.crystals.formats.cif.doubled.settle`.

    Raises:
        Rejected: ``cif-syntax``, where pymatgen cannot make it out either.
    """
    text = text.replace(MARK, b"")  # files that were put together, each with its own
    try:
        document = gemmi.cif.read_string(text, 0)  # without looking for names that are given twice
        document.check_for_missing_values()
    except (ValueError, RuntimeError) as still:
        complaint = f"not a valid CIF: {(str(still).splitlines() or [type(error).__name__])[0]}"
        return Reading(_by_pymatgen(text, complaint), complaint)
    return Reading(document, "")


def _by_pymatgen(text: bytes, complaint: str) -> gemmi.cif.Document:
    refused = Rejected("cif-syntax", complaint)
    lowered = text.lower()
    if b"\0" in text or len(text) > MAX_BYTES or b"_cell" not in lowered or b"_atom_site" not in lowered:
        raise refused
    # Its search for blocks takes the square of the number of empty lines.
    lines = [line for line in text.decode(errors="replace").splitlines() if line and not line.isspace()]
    if max(map(len, lines)) > MAX_LINE:
        raise refused
    document = gemmi.cif.Document()
    read = 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        # block by block: pymatgen's CifFile has one alone of each name
        for part in _HEADING.split("x\n" + "\n".join(lines))[1:]:
            header = part.split("\n", 1)[0]
            if "powder_pattern" in header:  # as pymatgen: no structure, much else
                continue
            try:
                refuse_in_text(part)
            except Rejected as contradiction:
                raise Rejected("cif-syntax", f"{complaint}; and {contradiction}") from None
            try:
                block = _block("data_" + part)
                read += 1
            except Exception:  # pymatgen raises whatever it stumbles over
                block = gemmi.cif.Block(header.split(" ")[0])
            if _SITES in part.lower() and not block.find_values(_SITES):
                block.set_pair(_SITES, "?")  # it has atoms and is rejected, not taken for one without
            document.add_copied_block(block)
    if not read:
        raise refused
    return document


def _block(text: str) -> gemmi.cif.Block:
    """The block that ``text`` is."""
    from pymatgen.io.cif import CifBlock

    read = CifBlock.from_str(text)
    block = gemmi.cif.Block(read.header)
    looped = {tag for tags in read.loops for tag in tags}
    for tag, value in read.data.items():
        if tag.startswith(_NEEDED) and tag not in looped:
            block.set_pair(tag, _quoted(value))
    for tags in read.loops:
        kept = [tag for tag in tags if tag.startswith(_NEEDED)]
        if kept:
            loop = block.init_loop("", kept)
            loop.set_all_values([list(map(_quoted, read.data[tag])) for tag in kept])
    return block


def _quoted(value: str) -> str:
    return value if value in ("?", ".") else gemmi.cif.quote(value)
