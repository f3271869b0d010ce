"""Rejects modulated and composite crystals, which have no cell in three dimensions."""

import re
from typing import Final

import gemmi

from hpcvox.crystals.formats.cif import blocks
from hpcvox.errors import Rejected

_TAGS: Final = re.compile(
    r".*_ssg_|_cell_(modulation|wave_vector|subsystem)|_exptl_crystal_type_of_structure\Z"
    r"|_atom_sites?_(displace_|occ_|rot_fourier|u_fourier|fourier_wave_vector|modulation|phason)"
)
_OF_ONE_CELL: Final = {"_cell_subsystems_number": "1", "_exptl_crystal_type_of_structure": "cryst"}
"""For each tag the value, besides 0, that an ordinary crystal has."""


def check_periodic(block: gemmi.cif.Block) -> None:
    """Raise ``Rejected("modulated")`` if the block describes a modulated or composite crystal."""
    for tag, values, _ in blocks.tagged(block):
        name = tag.lower().replace(".", "_")
        if _TAGS.match(name):
            stated = {gemmi.cif.as_string(value).strip() for value in values if not gemmi.cif.is_null(value)}
            if stated - {"", "0", _OF_ONE_CELL.get(name, "0")}:
                raise Rejected(
                    "modulated",
                    f"{tag} is stated: the crystal is modulated or composite, which no cell of three dimensions holds",
                )
