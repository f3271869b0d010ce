"""Finds space groups and their settings by name: symbols in the spellings of many programs, and numbers."""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final, NamedTuple

import gemmi
import spglib

_OPEN, _CLOSE = r"[\s,:;({\[]*", r"[\s)}\]]*$"
_ORIGIN: Final = re.compile(
    rf"(?:{_OPEN}origin(?:\s*(?:choice|setting|no\.?|number))?\s*[:=]?\s*|[\s,:;({{\[]+O)([12]){_CLOSE}",
    re.IGNORECASE,
)
_AXES: Final = re.compile(rf"{_OPEN}\b(hex|rhomb)\w*\.?(?:\s+(?:axes|setting|cell))?{_CLOSE}", re.IGNORECASE)
_UNIQUE: Final = re.compile(rf"{_OPEN}unique\s+axis\s*[:=]?\s*([abc]){_CLOSE}", re.IGNORECASE)
_NUMBERED: Final = re.compile(  # (#14), No. 14, (225), and (4) behind a blank, which may be a screw
    rf"(?:{_OPEN}(?:\#|\bn[or]\b\.?|\bnumber\b)\s*(\d{{1,3}})|\s*[(\[{{]\s*(\d{{2,3}})|\s+[(\[{{]\s*(\d)){_CLOSE}",
    re.IGNORECASE,
)
_SETTING: Final = re.compile(r"\s*:\s*([12HR])\s*$|\s*([SZHR])\s*$")
_ICSD: Final = {"S": "1", "Z": "2"}
_SCREWS: Final = re.compile(r"[(_~]([1-6])[)~]?|<sub>([1-6])</sub>", re.IGNORECASE)
_SPELLINGS: Final = (("\\-", "-"), ("\\=", "-"), ("−", "-"), ("–", "-"), ("*", ""), ("'", ""), ('"', ""))
_MONOCLINIC: Final = range(3, 16)

_Settings = tuple[gemmi.SpaceGroup, ...]


class _Symbol(NamedTuple):
    """What a Hermann-Mauguin symbol says."""

    settings: _Settings  # settings that it may mean, the likeliest first; empty if it is no symbol
    same_letters: _Settings  # for a short monoclinic symbol: settings with its letters, for any unique axis
    stated: _Settings  # settings that it allows; empty if it names the group but allows any axes
    number: int  # number in a comment; 0 if there is none


_NONE: Final = _Symbol((), (), (), 0)


def settings(symbol: str) -> _Settings:
    """The settings that the Hermann-Mauguin ``symbol`` may mean, the likeliest first; empty if it is no symbol.

    Reads short and full symbols in the spellings of SHELX (``P2(1)/c``), CIF editors (``P 2_1/n``), the ICSD
    (``F d -3 m Z``, ``R -3 m H``) and FINDSYM (``(origin choice 2)``), with comments: ``(#14)``, ``(hexagonal
    axes)``, ``(unique axis c)``.  A symbol that does not say its origin, or whether its axes are rhombohedral or
    hexagonal, gives both settings.
    """
    return _read(symbol).settings


def same_letters(symbol: str) -> _Settings:
    """For a short monoclinic symbol: the settings with its letters for any unique axis (``P 1 1 21/n``)."""
    return _read(symbol).same_letters


def stated(symbol: str) -> _Settings:
    """The settings that the ``symbol`` allows; empty if it allows any axes.

    The short symbol of the standard setting (``P 21/c``) allows any, because it names the group in every setting.
    """
    return _read(symbol).stated


def number_in(symbol: str) -> int:
    """The number of the space group in a comment of the ``symbol`` (``P 21/c (#14)``); 0 if there is none."""
    return _read(symbol).number


@lru_cache(maxsize=4096)
def _read(symbol: str) -> _Symbol:
    text = symbol.strip()
    for old, new in _SPELLINGS:
        text = text.replace(old, new)
    read = _bare(text, 0)
    if match := _NUMBERED.search(text):
        number = int(next(filter(None, match.groups())))
        plain = _bare(text[: match.start()], number)
        # a single digit may be a screw: P2 (1)
        if 1 <= number <= 230 and (not match[3] or (plain.settings and plain.settings[0].number == number)):
            return plain
    return read


def _bare(text: str, number: int) -> _Symbol:
    """Read a symbol whose comment has no number."""
    choice, unique = "", ""
    if match := _UNIQUE.search(text):
        unique, text = match[1].lower(), text[: match.start()]
    if match := _AXES.search(text):
        choice, text = match[1][0].upper(), text[: match.start()]
    elif match := _ORIGIN.search(text):
        choice, text = match[1], text[: match.start()]
    text = _SCREWS.sub(lambda screw: screw[1] or screw[2], text).strip()
    found: _Settings = ()
    if match := _SETTING.search(text):
        bare, ext = _by_symbol(text[: match.start()]), match[1] or _ICSD.get(match[2], match[2])
        if bare is not None and ext in {group.ext for group in _siblings(bare)}:
            found = tuple(group for group in _siblings(bare) if group.ext == ext)
            return _Symbol(found, (), found, number)
    key = _key(text)
    group = _by_symbol(text)
    letters = _letters().get(key, ())
    if group is None and not letters:
        return _NONE._replace(number=number)
    first = letters[0] if group is None else group
    letters = tuple(other for other in letters if other.number == first.number)
    if unique:
        found = tuple(other for other in letters or (first,) if unique in other.qualifier)
        return _Symbol(found, (), found, number)
    if group is None:
        return _Symbol(letters, letters, letters, number)
    found = tuple(other for other in _siblings(group) if choice in ("", other.ext))
    if not found:
        found = () if choice == "R" else _siblings(group)
    if group.number not in _MONOCLINIC or key.startswith(_key(group.hm)):
        return _Symbol(found, (), found, number)
    names_the_group = letters and first.xhm() == standard(first.number)[0].xhm()
    return _Symbol(found, letters, () if names_the_group else letters or found, number)


def _key(text: str) -> str:
    return re.sub(r"[\s_]", "", text).lower()


def _by_symbol(text: str) -> gemmi.SpaceGroup | None:
    found: gemmi.SpaceGroup | None = gemmi.find_spacegroup_by_name(text)
    if found is None and _key(text) not in _letters():
        return _full_symbols().get(_key(text))
    return found


@lru_cache(maxsize=1)
def _letters() -> dict[str, _Settings]:
    """The monoclinic settings of each short symbol (without spaces and 1s); those with b unique come first."""
    found: dict[str, list[gemmi.SpaceGroup]] = {}
    for group in _table():
        if group.number in _MONOCLINIC:
            found.setdefault(_key("".join(part for part in group.hm.split() if part != "1")), []).append(
                group
            )
    return {name: tuple(sorted(groups, key=_unique_axis)) for name, groups in found.items()}


def _unique_axis(group: gemmi.SpaceGroup) -> int:
    return "bca".index(group.qualifier.strip("-123456789"))


@lru_cache(maxsize=1)
def _full_symbols() -> dict[str, gemmi.SpaceGroup]:
    """Full and other symbols that gemmi lacks (``F 4/m -3 2/m``), without spaces, from spglib's table."""
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
            names.setdefault(_key(name), group)
    return names


def _siblings(group: gemmi.SpaceGroup) -> _Settings:
    """The settings with the same symbol: origins 1 and 2, or hexagonal and rhombohedral axes."""
    return tuple(other for other in _table() if (other.number, other.hm) == (group.number, group.hm))


@lru_cache(maxsize=1)
def _table() -> _Settings:
    return tuple(gemmi.spacegroup_table())


@lru_cache(maxsize=256)
def standard(number: int) -> _Settings:
    """The standard setting of the group ``number`` (1 to 230); two settings if it has two origins or kinds of axes."""
    return _siblings(gemmi.find_spacegroup_by_number(number))


@lru_cache(maxsize=256)
def every_setting(number: int) -> _Settings:
    """All settings of the group ``number`` that have names."""
    return tuple(group for group in _table() if group.number == number)


@lru_cache(maxsize=256)
def usual_settings(number: int) -> _Settings:
    """Those of :func:`every_setting` whose cell holds as many lattice points as that of the standard one."""
    points = len(standard(number)[0].operations().cen_ops)
    return tuple(group for group in every_setting(number) if len(group.operations().cen_ops) == points)


def coded(groups: Iterable[gemmi.SpaceGroup], code: str) -> _Settings:
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
