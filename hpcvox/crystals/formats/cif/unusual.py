"""Tags that few CIFs have, looked for in the text, so that all others are spared a look at their tags."""

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
    """What a CIF may have; what it has is never missed, in whatever case it is written."""

    modulated: bool  # tags of modulated and composite crystals
    magnetic: bool  # tags of magnetic space groups
    dotted: bool  # tags with the dots of DDLm, which may stand beside their plain spelling


def unusual(text: bytes, found: Iterable[tuple[gemmi.cif.Block, object]]) -> Unusual | None:
    """What a CIF may have that few have; ``found`` in its ``text`` are blocks, each with something else.

    None where that is nothing, and there is one tag of symmetry at most for each thing and no Hall symbol: all are
    of the old dictionary.
    """
    lowered = text.lower()
    dotted = False
    for block, _ in found:
        dotted = dotted or bool(block.get_mmcif_category_names())
    if not dotted and _UNUSUAL.search(lowered) is None:
        return None
    return Unusual(_MODULATED.search(lowered) is not None, b"magn" in lowered, dotted)
