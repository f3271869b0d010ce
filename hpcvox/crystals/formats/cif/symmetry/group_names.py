"""Space groups by name: symbols in the spellings of programs, numbers, and the settings that they leave open."""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

import gemmi
import spglib

_ORIGIN: Final = re.compile(
    r"[\s,:;({\[]*origin(?:\s*(?:choice|setting|no\.?|number))?\s*[:=]?\s*([12])[\s)}\]]*$", re.IGNORECASE
)
_SETTING: Final = re.compile(r"\s*:\s*([12HR])\s*$|\s*([SZHR])\s*$")
_ICSD: Final = {"S": "1", "Z": "2"}
_SCREWS: Final = re.compile(r"[(_~]([1-6])[)~]?|<sub>([1-6])</sub>", re.IGNORECASE)
_SPELLINGS: Final = (("\\-", "-"), ("\\=", "-"), ("−", "-"), ("–", "-"), ("*", ""), ("'", ""), ('"', ""))


def settings(symbol: str) -> tuple[gemmi.SpaceGroup, ...]:
    """The settings that the Hermann-Mauguin ``symbol`` may mean, the likeliest first; none where it is no symbol.

    Short and full symbols in the spellings of SHELX (``P2(1)/c``), CIF editors (``P 2_1/n``), the ICSD
    (``F d -3 m Z``, ``R -3 m H``) and FINDSYM (``(origin choice 2)``).  A symbol that says nothing of its
    origin or of its axes (rhombohedral or hexagonal) has both settings.
    """
    return _settings(symbol.strip())


@lru_cache(maxsize=4096)
def _settings(symbol: str) -> tuple[gemmi.SpaceGroup, ...]:
    text = symbol
    for old, new in _SPELLINGS:
        text = text.replace(old, new)
    choice = ""
    if match := _ORIGIN.search(text):
        choice, text = match[1], text[: match.start()]
    text = _SCREWS.sub(lambda screw: screw[1] or screw[2], text).strip()
    if match := _SETTING.search(text):
        bare, ext = _by_symbol(text[: match.start()]), match[1] or _ICSD.get(match[2], match[2])
        if bare is not None and ext in {group.ext for group in _siblings(bare)}:
            return tuple(group for group in _siblings(bare) if group.ext == ext)
    found = _by_symbol(text)
    if found is None:
        return ()
    return tuple(group for group in _siblings(found) if choice in ("", group.ext)) or _siblings(found)


def _by_symbol(text: str) -> gemmi.SpaceGroup | None:
    found: gemmi.SpaceGroup | None = gemmi.find_spacegroup_by_name(text)
    return _full_symbols().get(re.sub(r"[\s_]", "", text).lower()) if found is None else found


@lru_cache(maxsize=1)
def _full_symbols() -> dict[str, gemmi.SpaceGroup]:
    """Full and other symbols that gemmi does not know (``F 4/m -3 2/m``), without spaces, from spglib's table."""
    names: dict[str, gemmi.SpaceGroup] = {}
    for hall in range(1, 531):
        kind = spglib.get_spacegroup_type(hall)
        group = (
            None if kind is None else gemmi.find_spacegroup_by_ops(gemmi.symops_from_hall(kind.hall_symbol))
        )
        if kind is None or group is None:
            continue
        spelled = (kind.international_full, *kind.international.split("="))
        for name in spelled:
            names.setdefault(re.sub(r"[\s_]", "", name).lower(), group)
    return names


def _siblings(group: gemmi.SpaceGroup) -> tuple[gemmi.SpaceGroup, ...]:
    """The settings of the same symbol: origins 1 and 2, or hexagonal and rhombohedral axes."""
    return tuple(other for other in _table() if (other.number, other.hm) == (group.number, group.hm))


@lru_cache(maxsize=1)
def _table() -> tuple[gemmi.SpaceGroup, ...]:
    return tuple(gemmi.spacegroup_table())


@lru_cache(maxsize=256)
def standard(number: int) -> tuple[gemmi.SpaceGroup, ...]:
    """The standard setting of the group ``number`` (1 to 230), with both origins or axes where there are two."""
    return _siblings(gemmi.find_spacegroup_by_number(number))


@lru_cache(maxsize=256)
def every_setting(number: int) -> tuple[gemmi.SpaceGroup, ...]:
    """All settings of the group ``number`` that the International Tables have names for."""
    return tuple(group for group in _table() if group.number == number)


def coded(groups: Iterable[gemmi.SpaceGroup], code: str) -> tuple[gemmi.SpaceGroup, ...]:
    """Those of ``groups`` that have the coordinate-system ``code`` (``2``, ``b1``, ``h``, ``1cab``)."""
    wanted = code.strip().lower()
    return tuple(
        group
        for group in groups
        if wanted
        in {
            (group.ext.strip("\0") + group.qualifier).lower(),
            (group.ext.strip("\0") + (group.qualifier or "abc")).lower(),
        }
    )


def axis_stated(symbol: str, group: gemmi.SpaceGroup) -> bool:
    """Whether the symbol names the axes of the group's setting, as ``P 1 21/c 1`` does and ``P 21/c`` does not."""
    bare = re.sub(r"[\s_()]", "", symbol).lower()
    return bare.startswith(group.hm.replace(" ", "").lower())
