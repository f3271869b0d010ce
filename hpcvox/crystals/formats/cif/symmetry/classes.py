"""Compares a space group with its classes that a CIF block may state: point group, Bravais type, Schoenflies symbol.

They do not name the group with its setting, and so make no crystal.  But they show that operations are missing.
"""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Final

import gemmi
import spglib

from hpcvox.crystals.formats.cif import blocks
from hpcvox.errors import Rejected

_LETTERS: Final = ((3, "a"), (16, "m"), (75, "o"), (143, "t"), (195, "h"), (231, "c"))
"""The letter of a crystal family in Bravais types, by the end of its numbers."""


def _point_group(number: int) -> str:
    return gemmi.find_spacegroup_by_number(number).point_group_hm()


def _laue_class(number: int) -> str:
    return gemmi.find_spacegroup_by_number(number).laue_str()


def _bravais_type(number: int) -> str:
    letter = next(letter for end, letter in _LETTERS if number < end)
    return letter + re.sub("[ABC]", "S", gemmi.find_spacegroup_by_number(number).centring_type())


def _reference(number: int) -> str:
    return str(number)


def _as_written(text: str) -> str:
    return text


def _bare(text: str) -> str:
    return re.sub("[^a-z0-9]", "", text.lower())  # Oh^5, Oh.5, O_h^5


@lru_cache(maxsize=1)
def _schoenflies_symbols() -> dict[int, str]:
    kinds = filter(None, map(spglib.get_spacegroup_type, range(1, 531)))
    return {kind.number: _bare(kind.schoenflies) for kind in kinds}


def _schoenflies(number: int) -> str:
    return _schoenflies_symbols()[number]


def _lattice(text: str) -> str:
    return re.sub("(?<=m)[ABCI]|(?<=o)[ABC]", "S", text)


def _first_number(text: str) -> str:
    return text.partition(":")[0].lstrip("0")


_CLASSES: Final[dict[str, tuple[Callable[[int], str], Callable[[str], str]]]] = {
    "point_group_H-M": (_point_group, _as_written),
    "Laue_class": (_laue_class, _as_written),
    "Bravais_type": (_bravais_type, _lattice),
    "name_Schoenflies": (_schoenflies, _bare),
    "reference_setting": (_reference, _first_number),
}
"""For each tag, without ``_space_group_``: the class of a group by its number, and of a text."""

_CENTRING: Final = "centring_type"


def classes(block: gemmi.cif.Block) -> tuple[tuple[str, str], ...]:
    """The classes that the block states: ends of tags, and texts."""
    return tuple(
        (name, text)
        for name in (*_CLASSES, _CENTRING)
        if (text := blocks.text(block, (f"_space_group_{name}", f"_space_group.{name}")))
    )


def check_classes(number: int, setting: str, name: str, stated: tuple[tuple[str, str], ...]) -> None:
    """Compare the space group ``number``, in a ``setting`` that may be unknown (empty), with :func:`classes`.

    Texts that are no class of any group are not compared.

    Raises:
        Rejected: ``symmetry``, if one of them is that of other groups.
    """
    for end, text in stated:
        if end == _CENTRING:
            # groups in rhombohedral axes are primitive
            agree = (
                not setting or text not in "PABCFIR" or text == setting[0] or f"{setting[0]}{text}" == "RP"
            )
        else:
            of_number, read = _CLASSES[end]
            agree = read(text) not in _known(end) or read(text) == of_number(number)
        if not agree:
            raise Rejected(
                "symmetry",
                f"the space group is {number} by {name}, which is not that of _space_group_{end} {text}",
            )


@lru_cache(maxsize=8)
def _known(end: str) -> frozenset[str]:
    return frozenset(map(_CLASSES[end][0], range(1, 231)))
