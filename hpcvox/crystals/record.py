"""The records of ``hpcvox.crystals``: an entry (one raw input), a crystal (parsed), a reject (with its reason)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from math import gcd
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hpcvox.crystals.elements import SYMBOLS, electronegativity
from hpcvox.errors import Rejected


class Reject(NamedTuple):
    """An input that could not be used, with the reason.

    ``code`` is a short word that never changes, by which tables count rejects; ``message`` is for people.
    """

    id: str
    origin: str
    code: str
    message: str

    @classmethod
    def of(cls, rejected: "Entry | Crystal", reason: Rejected) -> "Reject":
        """The reject of an entry or a crystal, for a reason."""
        return cls(rejected.id, rejected.origin, reason.code, str(reason))


class Fault(NamedTuple):
    """Why the text of an input could not even be read (a damaged archive member)."""

    code: str
    message: str


CANDIDATE: Final = "cif-candidate"
"""Format of CIFs of generated crystals, whose atoms may be nearer than those of real crystals."""


class Entry(NamedTuple):
    """One input of a source, not yet parsed; cheap to make and to send to another process."""

    index: int  # type: ignore[assignment] # position in the source, from 0, without gaps
    id: str
    origin: str  # "file.csv:row 17" | "folder/x.cif" | "x.tar.xz!member.cif"
    text: bytes  # the CIF or other structure; empty if there is a fault, or if `file` holds it
    targets: dict[str, float]  # finite numbers only; a missing target has no key
    fault: Fault | None = None
    format: str = "cif"  # format of the text or file: a key of hpcvox.crystals.parse.READERS
    file: Path | None = None  # the file of a field, which is too large to send; the parser reads it


@dataclass(frozen=True, slots=True, eq=False)
class Crystal:
    """One ordered crystal structure with its id and targets."""

    id: str
    origin: str
    lattice: NDArray[np.float64]  # (3, 3) | rows are the cell vectors a, b, c in Å
    frac: NDArray[np.float64]  # (n_sites, 3) | fractional coordinates in [0, 1)
    numbers: NDArray[np.uint8]  # (n_sites,) | atomic numbers
    targets: Mapping[str, float]  # finite numbers; an absent target has no key
    remarks: tuple[str, ...] = field(
        default=(), kw_only=True
    )  # codes of remarks, see hpcvox.crystals.formats.cif.agreement

    @property
    def n_sites(self) -> int:
        """Number of atoms in the cell."""
        return len(self.numbers)

    @property
    def formula(self) -> str:
        """Reduced chemical formula, elements by electronegativity: ``SrTiO3``, ``MgO``."""
        return reduced_formula(self.numbers.tobytes())


_PLACE = tuple((electronegativity(z), symbol) for z, symbol in enumerate(SYMBOLS))
"""The rank of each element in a formula, by atomic number."""


@lru_cache(maxsize=65536)
def reduced_formula(numbers: bytes) -> str:
    """The reduced formula of ``numbers``, the atomic number of each site as a byte, in any order."""
    counts = {z: numbers.count(z) for z in set(numbers)}
    divisor = gcd(*counts.values())
    formula = ""
    for z in sorted(counts, key=_PLACE.__getitem__):
        formula += SYMBOLS[z] + (str(counts[z] // divisor) if counts[z] != divisor else "")
    return formula
