"""Crystals that can be downloaded from the page: all of a section as CIF, table or extended XYZ, or one as a CIF.

The page holds their texts, compressed.  Its script passes them to the browser as files, without any request.
"""

import csv
import gzip
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from ase import Atoms
from ase.io.extxyz import write_extxyz

from hpcvox.crystals.sources.cif_set import Cif, CifSet
from hpcvox.featurize.export_formats import info_keys
from hpcvox.files.rows import Lines
from hpcvox.generation.candidates import CIFS
from hpcvox.report.drawing import crystals
from hpcvox.report.parts import Downloads
from hpcvox.report.reading import CIF, FORMULA, ID, number
from hpcvox.report.run import Folder
from hpcvox.terminal import counted

TEXTS: Final = (ID, FORMULA, CIF)
"""Columns that hold no numbers."""


class Listed(NamedTuple):
    """A row of a folder's table, and the CIF that it names."""

    id: str
    cif: Cif
    row: Mapping[str, str]


def listed(folder: Folder[Any], rows: Sequence[Mapping[str, str]]) -> list[Listed]:
    """The ``rows`` whose CIF exists in ``cifs/`` of ``folder``."""
    if folder.path is None:
        return []
    there = CifSet(folder.path / CIFS).files()
    named = ((row, Path(row.get(CIF, "")).name) for row in rows)
    return [Listed(row.get(ID, ""), there[name], row) for row, name in named if name in there]


def pack(name: str, chosen: Sequence[Listed], most: int) -> tuple[Downloads | None, list[str]]:
    """Pack the first ``most`` of ``chosen`` as files ``NAME.cif``, ``NAME.csv`` and ``NAME.extxyz``.

    The table has the same rows, with the text of the CIF instead of its path, so that ``hpcvox featurize`` can read it.

    Returns:
        The files, or None if there is no crystal or ``most`` is 0; and notes for the page.
    """
    whole: list[tuple[Listed, bytes]] = []
    frames = io.StringIO()
    unread = 0
    for one in chosen[:most]:
        try:
            text = one.cif.read()
            lattice, frac, numbers = crystals.read_cif(text)
        except (ValueError, OSError):
            unread += 1
            continue
        whole.append((one, text if text.endswith(b"\n") else text + b"\n"))
        atoms = Atoms(numbers, scaled_positions=frac, cell=lattice, pbc=True, info=_head(one))
        write_extxyz(frames, [atoms])
    notes = (
        [f"{counted(unread, 'CIF')} cannot be read, so not downloaded from here either."] if unread else []
    )
    if len(chosen) > most > 0:
        notes.append(f"The first {most:,} of {len(chosen):,} crystals can be downloaded; each has its CIF.")
    if not whole:
        return None, notes
    places, at = {}, 0
    for one, text in whole:
        places[one.id] = (one.cif.name, at, at + len(text))
        at += len(text)
    files = {
        f"{name}.cif": b"".join(text for _, text in whole),
        f"{name}.csv": _table(whole),
        f"{name}.extxyz": frames.getvalue().encode(),
    }
    # without a time stamp, so that the same crystals give the same bytes
    return Downloads(name, {key: gzip.compress(text, mtime=0) for key, text in files.items()}, places), notes


def _head(one: Listed) -> dict[str, str | float]:
    """A row as the ``key=value`` pairs of a frame's comment line; empty cells are left out."""
    keys = info_keys([key for key in one.row if key not in TEXTS])
    head: dict[str, str | float] = {}
    for column, text in one.row.items():
        plain = " ".join(text.split())
        if plain and column != CIF:
            # the formula NaN is not a number, and the id 007 is not 7
            value = None if column in TEXTS else number(plain)
            head[keys.get(column, column)] = plain if value is None else value
    return head


def _table(whole: Sequence[tuple[Listed, bytes]]) -> bytes:
    columns = list(dict.fromkeys(key for one, _ in whole for key in one.row))
    text = io.StringIO()
    table = csv.DictWriter(Lines(text), fieldnames=columns, restval="")
    table.writeheader()
    table.writerows({**one.row, CIF: cif.decode(errors="replace")} for one, cif in whole)
    return text.getvalue().encode()
