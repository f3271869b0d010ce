"""Searches the text of a CIF for rare tags; in most files there are none, and their tags need not be examined."""

import re
from collections.abc import Iterable
from typing import Final, NamedTuple

import gemmi

_UNUSUAL: Final = re.compile(
    rb"_(?:s(?:pace_group(?<!_symmetry_space_group)|sg|ubsystem|tructure(?!_))|m(?:agn|odulation)|h(?:-m_|all)"
    rb"|wave_vector|fourier|displace_|occ_|phason)"
)
_MODULATED: Final = re.compile(
    rb"[._](?:ssg|modulation|wave_vector|subsystem|fourier|displace_|occ_|phason|type_of_structure)"
)


class Unusual(NamedTuple):
    """The rare kinds of tags that may occur in a CIF; those that do occur are never missed, in upper or lower case."""

    modulated: bool  # tags of modulated and composite crystals
    magnetic: bool  # tags of magnetic space groups
    dotted: bool  # tags with the dots of DDLm, which may stand beside their plain spelling


def unusual(text: bytes, found: Iterable[tuple[gemmi.cif.Block, object]]) -> Unusual | None:
    """Search ``text`` for rare tags; ``found`` are the blocks in it, each with something else.

    Returns:
        None if there are no rare tags, all tags are of the old dictionary, each statement about symmetry has at most
        one tag, and there is no Hall symbol.
    """
    lowered = text.lower()
    dotted = False
    for block, _ in found:
        dotted = dotted or bool(block.get_mmcif_category_names())
    if not dotted and _UNUSUAL.search(lowered) is None:
        return None
    return Unusual(_MODULATED.search(lowered) is not None, b"magn" in lowered, dotted)
