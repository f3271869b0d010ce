"""Parses an entry of any format into crystals; all jobs use this.

:func:`parse` never raises for bad input: it returns a reject instead.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Final, TypeVar

import numpy as np

from hpcvox.crystals.checks import StatedCell, checked
from hpcvox.crystals.fields.crystal import read_crystal
from hpcvox.crystals.formats import extxyz, poscar, pymatgen_json
from hpcvox.crystals.formats.cif.parse import read as read_cif
from hpcvox.crystals.record import CANDIDATE, Crystal, Entry, Reject
from hpcvox.crystals.text import usable
from hpcvox.errors import Rejected

Made = TypeVar("Made")

Reader = Callable[[Entry], list[Crystal | Reject]]
"""Reads the crystals of an entry; whatever it raises rejects the entry."""


def parse(entry: Entry, fatal: str | None = None) -> list[Crystal | Reject]:
    """Parse one entry into crystals and rejects: one result, or several for a CIF with several blocks.

    Args:
        entry: the entry.
        fatal: what happened to the processes that parsed the entry before; it is then rejected as ``worker-died``.

    Codes of rejects: those of sources; ``too-large``, ``empty`` and ``unreadable`` for all texts; those of
    :func:`hpcvox.crystals.formats.cif.parse.read` and :func:`hpcvox.crystals.checks.checked`; ``poscar-syntax``,
    ``extxyz-syntax`` and ``json-syntax``; for fields those of :func:`hpcvox.crystals.fields.read_field`.
    """
    if fatal is not None:
        return [Reject(entry.id, entry.origin, "worker-died", fatal)]
    if entry.fault is not None:
        return [Reject(entry.id, entry.origin, entry.fault.code, entry.fault.message)]
    try:
        return READERS[entry.format](entry)
    except Rejected as reason:
        return [Reject.of(entry, reason)]
    except Exception as error:  # libraries may raise anything for strange input
        return [Reject(entry.id, entry.origin, "unreadable", f"{type(error).__name__}: {error}"[:500])]


def each_crystal(
    entries: Sequence[Entry], fatal: Mapping[int, str], make: Callable[[Crystal, int, int], Made]
) -> Iterator[Made | Reject]:
    """Parse entries; yield what ``make`` returns for each crystal, and the rejects, in their order.

    Args:
        entries: the entries.
        fatal: what happened to the processes that parsed an entry before, by its place; see :func:`parse`.
        make: called with a crystal, the place of its entry, and its number in the entry; a crystal for which it raises
            :class:`Rejected` is a reject.
    """
    for place, entry in enumerate(entries):
        for number, result in enumerate(parse(entry, fatal.get(place))):
            if isinstance(result, Reject):
                yield result
                continue
            try:
                made = make(result, place, number)
            except Rejected as reason:
                yield Reject.of(result, reason)
            else:
                yield made


def _of_cell(read: Callable[[bytes], StatedCell]) -> Reader:
    """Make a reader of entries from a reader of texts with one cell each."""

    def reader(entry: Entry) -> list[Crystal | Reject]:
        text = usable(entry.text)
        with np.errstate(all="ignore"):  # later checks reject overflows
            return [checked(entry, read(text))]

    return reader


READERS: Final[dict[str, Reader]] = {
    "cif": read_cif,
    CANDIDATE: read_cif,
    "poscar": _of_cell(poscar.read),
    "extxyz": _of_cell(extxyz.read),
    "json": _of_cell(pymatgen_json.read),
    "field-density": partial(read_crystal, quantity="density"),
    "field-potential": partial(read_crystal, quantity="potential"),
    "field-other": partial(read_crystal, quantity="other"),
}
"""The reader of entries, by their format."""
