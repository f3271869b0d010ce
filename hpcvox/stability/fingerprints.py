"""The fingerprint of a crystal by its symmetry: the same for the same elements in the same arrangement."""

import gzip
import json
import math
from collections import Counter, defaultdict
from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from string import ascii_uppercase
from typing import Final

import spglib

from hpcvox.crystals.elements import ATOMIC_NUMBERS, SYMBOLS
from hpcvox.crystals.known import SYMMETRY_TOLERANCE_A
from hpcvox.crystals.record import Crystal
from hpcvox.spglib_cell import spglib_cell

NONE: Final = ""
"""The fingerprint of a crystal in which no symmetry is found."""

_FAMILIES: Final = ((2, "a"), (15, "m"), (74, "o"), (142, "t"), (194, "h"), (230, "c"))
"""The last space group of each crystal family, and the family's letter in Pearson symbols."""


def fingerprint(crystal: Crystal) -> str:
    """The label of its protostructure, such as ``AB3C_cP5_221_a_c_b:Ba-O-Ti``; :data:`NONE` if it has none.

    The label has the anonymous formula, the Pearson symbol, the space group, the Wyckoff letters of each element, and
    the elements in the order of the alphabet (AFLOW's names of prototypes, Mehl et al. 2017,
    doi:10.1016/j.commatsci.2017.01.017).  Lengths and angles do not count.  It is that of pymatgen's
    ``get_protostructure_label_from_spglib``, by which Matbench Discovery tells crystals apart, in less time; pymatgen's
    table says which letters are equivalent.
    """
    try:
        found = spglib.get_symmetry_dataset(
            spglib_cell(crystal), symprec=SYMMETRY_TOLERANCE_A, angle_tolerance=5
        )
    except spglib.SpglibError:
        return NONE
    if found is None:
        return NONE
    letters: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for site in sorted(set(found.equivalent_atoms.tolist())):
        letters[SYMBOLS[crystal.numbers[site]]][found.wyckoffs[site]] += 1
    group = int(found.number)
    family = next(letter for last, letter in _FAMILIES if group <= last)
    centring = "C" if found.international[0] in "ABCS" else found.international[0]
    formula = _anonymous([int((crystal.numbers == ATOMIC_NUMBERS[one]).sum()) for one in sorted(letters)])
    wyckoffs = _canonical([letters[symbol] for symbol in sorted(letters)], group)
    return (
        f"{formula}_{family}{centring}{len(found.std_types)}_{group}_{wyckoffs}:{'-'.join(sorted(letters))}"
    )


def _canonical(letters: Sequence[Counter[str]], group: int) -> str:
    """The Wyckoff letters of each element: of all equivalent choices of origin the one with the earliest letters."""

    def renamed(new: dict[str, str]) -> tuple[int, str]:
        counts = [{new[letter]: count for letter, count in one.items()} for one in letters]
        # A stands for the 27th position of group 47, and pymatgen counts it as none
        place = sum(0 if letter == "A" else ord(letter) - 96 for one in counts for letter in one)
        words = (
            "".join(f"{count if count > 1 else ''}{letter}" for letter, count in sorted(one.items()))
            for one in counts
        )
        return place, "_".join(words)

    return min(map(renamed, _relabelings()[str(group)]))[1]


@cache
def _relabelings() -> dict[str, list[dict[str, str]]]:
    """For each space group the ways in which another origin renames its Wyckoff letters.

    pymatgen's file is read without its module, which checks the citations of 288 prototypes and takes seconds.
    """
    found = find_spec("pymatgen.analysis.prototypes")
    assert found is not None
    assert found.origin is not None
    path = Path(found.origin).with_name("wyckoff-position-relabelings.json.gz")
    with gzip.open(path, "rt", encoding="utf-8") as file:
        read = json.load(file)
    return {
        group: [{chr(int(old)): new for old, new in one.items()} for one in ways]
        for group, ways in read.items()
    }


def _anonymous(counts: Sequence[int]) -> str:
    """``AB3C`` of (1, 3, 1): letters for the elements, in their order."""
    divisor = math.gcd(*counts)
    return "".join(
        letter + (str(count // divisor) if count > divisor else "")
        for letter, count in zip(ascii_uppercase, counts, strict=False)
    )
