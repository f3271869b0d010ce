"""From an entry of any format to crystals: the one door that the engines use.

:func:`parse` never raises for bad input: what cannot be used comes back as a rejection.
"""

from collections.abc import Callable
from functools import partial
from typing import Final

import numpy as np

from hpcvox.crystals.checks import Cell, checked
from hpcvox.crystals.fields.crystal import parse_field
from hpcvox.crystals.formats import extxyz, poscar
from hpcvox.crystals.formats import pymatgen_json as structures
from hpcvox.crystals.formats.cif.parse import parse as parse_cif
from hpcvox.crystals.limits import MAX_BYTES
from hpcvox.crystals.record import CANDIDATE, Crystal, Entry, Rejection
from hpcvox.crystals.text import decoded
from hpcvox.errors import Rejected

Reader = Callable[[Entry], list[Crystal | Rejection]]


def parse(entry: Entry) -> list[Crystal | Rejection]:
    """The crystals of one entry, or why there is none; one crystal, but for CIFs of several blocks.

    Codes of rejections: those of :func:`hpcvox.crystals.formats.cif.parse.parse`, and ``poscar-syntax``,
    ``extxyz-syntax`` and ``json-syntax``; of fields, those of :func:`hpcvox.crystals.fields.read_field`.
    """
    return READERS[entry.format](entry)


def _reader(read: Callable[[bytes], Cell]) -> Reader:
    """A reader of entries from a reader of texts that hold one cell."""

    def reader(entry: Entry) -> list[Crystal | Rejection]:
        if entry.fault is not None:
            return [Rejection(entry.id, entry.origin, entry.fault.code, entry.fault.message)]
        try:
            if len(entry.text) > MAX_BYTES:
                raise Rejected("too-large", f"the text is longer than {MAX_BYTES // 1024**2} MiB")
            text = decoded(entry.text)
            if not text or text.isspace():
                raise Rejected("empty", "there is no text")
            with np.errstate(all="ignore"):  # what overflows is rejected for what it comes to
                return [checked(entry, read(text))]
        except Rejected as reason:
            return [Rejection(entry.id, entry.origin, reason.code, str(reason))]
        except Exception as error:  # a stranger's bytes may upset a library in any way
            return [Rejection(entry.id, entry.origin, "unreadable", f"{type(error).__name__}: {error}"[:500])]

    return reader


READERS: Final[dict[str, Reader]] = {
    "cif": parse_cif,
    CANDIDATE: parse_cif,
    "poscar": _reader(poscar.read),
    "extxyz": _reader(extxyz.read),
    "json": _reader(structures.read),
    "field-density": partial(parse_field, quantity="density"),
    "field-potential": partial(parse_field, quantity="potential"),
    "field-other": partial(parse_field, quantity="other"),
}
"""Who reads an entry, by its format."""
