"""Checks of sources."""

import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from hpcvox.crystals.limits import MAX_BYTES
from hpcvox.crystals.parse import READERS, parse
from hpcvox.crystals.record import Crystal, Entry
from hpcvox.crystals.sources.source import Source, open_source

CODE: Final = re.compile(r"[a-z]+(-[a-z]+)*")
"""Form of a code: a short word."""


def check_source(
    path: Path, id_column: str = "auto", cif_column: str = "cif", targets: Sequence[str] | None = None
) -> list[Entry]:
    """Read the source at ``path`` as jobs do, and check everything that they rely on.

    Entries are numbered from 0, are the same in each reading, name their origin, and have a format that can be read.
    Their ids are different, except for entries with a fault.  Parsing an entry raises nothing and gives valid crystals.

    Returns:
        The entries, for checks of your own.

    Raises:
        AssertionError: a check fails.
        SourceError: the source cannot be opened.
    """
    source = open_source(path, id_column, cif_column, targets)
    entries = list(source)
    assert entries, f"{path} has no entry"
    assert list(source) == entries, "a second reading of the same source gives other entries"
    anew = list(open_source(path, id_column, cif_column, targets))
    assert anew == entries, "the source, opened again, gives other entries"
    assert [entry.index for entry in entries] == list(range(len(entries))), "entries are numbered from 0"
    assert source.total in (None, len(entries)), (
        f"total is {source.total}, and there are {len(entries)} entries"
    )
    used = [entry.id for entry in entries if entry.fault is None]
    assert len(set(used)) == len(used), "two entries without a fault have one id"
    for entry in entries:
        _check_entry(entry, source)
    return entries


def _check_entry(entry: Entry, source: Source) -> None:
    told = f"entry {entry.index} ({entry.origin}): "
    assert entry.id == entry.id.encode().decode(), told + "its id is not text that a file can hold"
    assert source.path.name in entry.origin, told + "its origin does not name the source"
    assert entry.format in READERS, told + f"format {entry.format!r}; valid: {', '.join(READERS)}"
    assert len(entry.text) <= MAX_BYTES, told + "its text is longer than what is read"
    assert all(map(math.isfinite, entry.targets.values())), told + "a target is no finite number"
    if source.target_names:
        assert set(entry.targets) <= set(source.target_names), told + "it has a target that is not announced"
    if entry.fault is not None:
        assert CODE.fullmatch(entry.fault.code), (
            told + f"{entry.fault.code!r} is no code such as damaged-archive"
        )
        assert entry.fault.message, told + "its fault says nothing"
    for result in parse(entry):
        if isinstance(result, Crystal):
            check_crystal(result)
        else:
            assert CODE.fullmatch(result.code), told + f"{result.code!r} is no code"
            assert result.message, told + f"{result.code} says nothing"


def check_crystal(crystal: Crystal) -> None:
    """Check everything of a crystal that descriptors rely on.

    Raises:
        AssertionError: a shape, a dtype or a range differs from :class:`hpcvox.crystals.record.Crystal`.
    """
    n = len(crystal.numbers)
    assert n > 0, "a crystal has a site at least"
    assert crystal.lattice.shape == (3, 3), "the lattice is (3, 3)"
    assert crystal.lattice.dtype == np.float64, "the lattice is of float64"
    assert np.isfinite(crystal.lattice).all(), "the lattice is finite"
    assert abs(np.linalg.det(crystal.lattice)) > 0, "the cell has a volume"
    assert crystal.frac.shape == (n, 3), "fractional coordinates are (n_sites, 3)"
    assert ((crystal.frac >= 0) & (crystal.frac < 1)).all(), "fractional coordinates are in [0, 1)"
    assert crystal.numbers.dtype == np.uint8, "atomic numbers are of uint8"
    assert ((crystal.numbers >= 1) & (crystal.numbers <= 118)).all(), "atomic numbers are 1 to 118"
