"""From an entry of any format to crystals: the one door that the engines use.

:func:`parse` never raises for bad input: what cannot be used comes back as a reject.
"""

from collections.abc import Callable
from functools import partial
from typing import Final

import numpy as np

from hpcvox.crystals.checks import StatedCell, checked
from hpcvox.crystals.fields.crystal import read_crystal
from hpcvox.crystals.formats import extxyz, poscar, pymatgen_json
from hpcvox.crystals.formats.cif.parse import read as read_cif
from hpcvox.crystals.record import CANDIDATE, Crystal, Entry, Reject
from hpcvox.crystals.text import usable
from hpcvox.errors import Rejected

Reader = Callable[[Entry], list[Crystal | Reject]]
"""May raise anything: what it raises rejects the entry."""


def parse(entry: Entry, fatal: str | None = None) -> list[Crystal | Reject]:
    """The crystals of one entry, or why there is none: one result, and several of a CIF of several blocks.

    Args:
        fatal: what happened to the processes that had the entry in hand; it is then rejected as ``worker-died``.

    Codes of rejects: the codes of sources; ``too-large``, ``empty`` and ``unreadable`` of all texts; those of
    :func:`hpcvox.crystals.formats.cif.parse.read` and of :func:`hpcvox.crystals.checks.checked`; ``poscar-syntax``,
    ``extxyz-syntax`` and ``json-syntax``; of fields, those of :func:`hpcvox.crystals.fields.read_field`.
    """
    if fatal is not None:
        return [Reject(entry.id, entry.origin, "worker-died", fatal)]
    if entry.fault is not None:
        return [Reject(entry.id, entry.origin, entry.fault.code, entry.fault.message)]
    try:
        return READERS[entry.format](entry)
    except Rejected as reason:
        return [Reject(entry.id, entry.origin, reason.code, str(reason))]
    except Exception as error:  # a stranger's bytes may upset a library in any way
        return [Reject(entry.id, entry.origin, "unreadable", f"{type(error).__name__}: {error}"[:500])]


def _of_cell(read: Callable[[bytes], StatedCell]) -> Reader:
    """A reader of entries from a reader of texts that hold one cell."""

    def reader(entry: Entry) -> list[Crystal | Reject]:
        text = usable(entry.text)
        with np.errstate(all="ignore"):  # what overflows is rejected for what it comes to
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
"""Who reads an entry, by its format."""
