"""Reads chemical formulas of CIFs: ``'Al2 Mg O4'``, ``'(N H4)2 (S O4)'``, ``'Ca2+, 2(F1-)'``."""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Final

from hpcvox.crystals.elements import ATOMIC_NUMBERS

_PART: Final = re.compile(r"([A-Z][a-z]?)([0-9.]*)")
_WORD: Final = re.compile(r"(?:[A-Z][a-z]?[0-9.]*)+")
_TWO_CAPITALS: Final = re.compile(r"[A-Z]{2}")
_WORD_OF_LANGUAGE: Final = re.compile(r"[a-z]{3}|^[a-z]+$")  # iron is not Ir, O and N
_NUMBERS: Final = ATOMIC_NUMBERS | {"D": 1, "T": 1}

_UNKNOWN: Final = frozenset({
    "", ".", "?", "n/a", "nan", "none", "null", "unknown", "not known", "not available", "not determined",
})  # fmt: skip
"""What files write for an unknown formula, in small letters."""

_NUMBER: Final = r"(?:\d+(?:\.\d*)?|\.\d+)"
_RUN: Final = re.compile(rf"([A-Za-z]+)({_NUMBER})?([+-]+\d*(?![A-Za-z\d(\[{{])|[+-]+)?")
_OPEN: Final = re.compile(rf"({_NUMBER})?\s*[(\[{{]")
_CLOSE: Final = re.compile(rf"\s*[)\]}}]({_NUMBER})?([+-]+)?")
_TIMES: Final = re.compile(rf"\s*({_NUMBER})(?![\d.+-])(?!\s*[(\[{{])\s*")
_CHARGE: Final = re.compile(r"(?:\d*[+-]+|[+-]\d+)(?=$|[\s,;)\]}])")
_BLANK: Final = re.compile(r"\s*")
_BETWEEN: Final = re.compile(r"\s*([,;]|[·•∙⋅*]|\.(?!\d))")
_UNCERTAINTY: Final = re.compile(r"(?<=\d)(\.\d+)\(\d+\)")
_POLYMER: Final = re.compile(r"(?<![A-Za-z])n(?=\s*[(\[{])|(?<=[)\]}])\s*n(?![a-z])")
_LOWERED: Final = str.maketrans("₀₁₂₃₄₅₆₇₈₉₊₋−", "0123456789+--", "~")
_MOST: Final = 256
"""Most possible readings of a formula; a formula with more is not read."""

Amounts = Mapping[int, float]
"""The number of atoms of each element, by atomic number."""


def absent(stated: str) -> bool:
    """Whether the text ``stated``, raw or unquoted, says that the formula is unknown."""
    return stated in ("?", ".") or stated.strip("'\"\n; ").lower() in _UNKNOWN


@lru_cache(maxsize=65536)
def readings(stated: str) -> tuple[Amounts, ...]:
    """The amounts that the formula ``stated``, raw or unquoted, may mean, the likeliest first; empty if unreadable.

    A formula has several readings if it is all in capitals (``NI O``) or in small letters, or if a number before a sign
    may be a charge or an amount (``Ca2+``).  Hydrogen and its isotopes count as one element.
    """
    text = stated.strip("'\"\n; ")
    if not (text == text.upper() and _TWO_CAPITALS.search(text)):
        plain = _plain(text)
        if plain is not None:
            return (plain,)
    if absent(text):
        return ()
    lower = text == text.lower()
    if lower and _WORD_OF_LANGUAGE.search(text):
        return ()
    text = _UNCERTAINTY.sub(r"\1", text.translate(_LOWERED).replace("^", " "))
    try:
        found = _Reader(text if lower else _POLYMER.sub("", text), lower or text == text.upper()).all()
    except (ValueError, RecursionError):
        return ()
    kept: list[Amounts] = []
    for amounts in found:
        positive = {z: amount for z, amount in amounts.items() if amount > 0}
        if positive and positive not in kept:
            kept.append(positive)
    return tuple(kept)


def _plain(text: str) -> Amounts | None:
    """The amounts of a simple list of elements, as nearly all formulas are; None for other formulas."""
    if text[:1].isspace():
        return None
    amounts: dict[int, float] = {}
    for word in text.split():
        parts = _parts(word)
        if parts is None:
            return None
        for z, amount in parts:
            amounts[z] = amounts.get(z, 0.0) + amount
    return amounts or None


@lru_cache(maxsize=65536)
def _parts(word: str) -> tuple[tuple[int, float], ...] | None:
    """Atomic numbers and amounts of a word of a formula (``O4``); cached, since few words occur in many formulas."""
    if not _WORD.fullmatch(word):
        return None
    parts = []
    for symbol, written in _PART.findall(word):
        z = _NUMBERS.get(symbol, 0)
        try:
            amount = float(written or 1)
        except ValueError:
            return None
        if z == 0 or amount <= 0:
            return None
        parts.append((z, amount))
    return tuple(parts)


class _Reader:
    """Reads a formula with brackets, charges, multipliers or letters of any case; raises ValueError if it is none."""

    def __init__(self, text: str, any_case: bool) -> None:
        self._text = text
        self._any_case = any_case
        self._at = 0

    def all(self) -> list[Amounts]:
        """All possible meanings of the whole text."""
        found = self._moieties(within=False)
        self._take(_BLANK)
        if self._at < len(self._text):
            raise ValueError
        return found

    def _take(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        match = pattern.match(self._text, self._at)
        self._at = match.end() if match else self._at
        return match

    def _moieties(self, within: bool) -> list[Amounts]:
        total = self._moiety()
        while match := self._take(_BETWEEN):
            if within and match[1] in ",;":  # (Fe,Mn): a mixture of unknown amounts
                raise ValueError
            total = _sums(total, self._moiety())
        return total

    def _moiety(self) -> list[Amounts]:
        times = self._take(_TIMES)
        total: list[Amounts] = [{}]
        while True:
            self._take(_BLANK)
            if match := self._take(_OPEN):
                total = _sums(total, self._group(match[1]))
            elif match := self._take(_RUN):
                total = _sums(total, self._run(*match.groups()))
            elif not self._take(_CHARGE):
                return _products(total, [float(times[1])]) if times else total

    def _group(self, before: str | None) -> list[Amounts]:
        inner = self._moieties(within=True)
        match = self._take(_CLOSE)
        if match is None or (before and match[1] and not match[2]):
            raise ValueError
        factors = _amounts(match[1], match[2])
        return _products(inner, [float(before or 1) * factor for factor in factors])

    def _run(self, letters: str, written: str | None, sign: str | None) -> list[Amounts]:
        amounts = _amounts(written, sign)
        found = list(_split(letters, True)) if self._any_case or letters.isupper() else []
        proper = _split(letters, False)
        if proper and not self._any_case:
            found = list(proper)
        elif proper:
            found.sort(key=lambda split: split != proper[0])
        if not found or min(amounts) <= 0:
            raise ValueError
        return [
            _sum(*({z: 1.0} for z in split[:-1]), {split[-1]: amount})
            for split in found
            for amount in amounts
        ]


def _amounts(written: str | None, sign: str | None) -> list[float]:
    """The possible amounts in a number after a symbol or bracket: ``2-`` is a charge or two, ``42-`` also four."""
    if written is None:
        return [1.0]
    if sign is None or sign[-1].isdigit():
        return [float(written)]
    likely = [1.0, float(written)]
    return [*likely, float(written[:-1])] if len(written) > 1 and written.isdigit() else likely


@lru_cache(maxsize=4096)
def _split(letters: str, any_case: bool) -> tuple[tuple[int, ...], ...]:
    """All ways to divide ``letters`` into symbols of elements, as atomic numbers."""
    if not letters:
        return ((),)
    found = []
    for length in (2, 1):
        symbol = letters[:length]
        z = _NUMBERS.get(symbol.capitalize() if any_case else symbol, 0)
        if z and len(symbol) == length:
            found += [(z, *rest) for rest in _split(letters[length:], any_case)]
            if not any_case:
                break
    if len(found) > _MOST:
        raise ValueError
    return tuple(found)


def _sums(some: Sequence[Amounts], others: Sequence[Amounts]) -> list[Amounts]:
    """The sum of each of ``some`` with each of ``others``."""
    if len(some) * len(others) > _MOST:
        raise ValueError
    return [_sum(one, other) for one in some for other in others]


def _sum(*all_amounts: Amounts) -> Amounts:
    total: dict[int, float] = {}
    for amounts in all_amounts:
        for z, amount in amounts.items():
            total[z] = total.get(z, 0.0) + amount
    return total


def _products(some: Sequence[Amounts], factors: Sequence[float]) -> list[Amounts]:
    """Each of ``some`` times each of ``factors``."""
    if len(some) * len(factors) > _MOST:
        raise ValueError
    return [{z: factor * amount for z, amount in amounts.items()} for factor in factors for amounts in some]
