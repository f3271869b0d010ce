"""The plainest CIFs have one outcome, whichever of the two readers they come to."""

import re

import numpy as np
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pymatgen.core import Lattice, Structure
from pymatgen.io.cif import CifWriter

from hpcvox.crystals.formats.cif.plain import plain_crystal
from hpcvox.crystals.formats.cif.writing import cif_text
from hpcvox.crystals.parse import parse
from hpcvox.crystals.record import CANDIDATE, Crystal, Entry, Reject

PEROVSKITE = Structure(
    Lattice.cubic(3.905),
    ["Sr", "Ti", "O", "O", "O"],
    np.array([[0, 0, 0], [0.5, 0.5, 0.5], [0.5, 0.5, 0], [0.5, 0, 0.5], [0, 0.5, 0.5]]),
)
WATER = Structure(
    Lattice.from_parameters(4.4, 4.6, 4.9, 88, 97, 101),
    ["O", "H", "H"],
    np.array([[0.1, 0.2, 0.3], [0.1, 0.41, 0.3], [0.3, 0.15, 0.35]]),
)
CIFS = tuple(str(CifWriter(structure)) for structure in (PEROVSKITE, WATER))
SWAPS = (
    "1",
    "0",
    "9",
    ".",
    "-",
    "'",
    '"',
    "_",
    "#",
    ";",
    "?",
    "\n",
    " ",
    "\t",
    "\r",
    "H",
    "O",
    "Fe",
    "loop_",
    "data_x",
    "é",
)


def entry(text: str, format: str = "cif") -> Entry:
    return Entry(0, "x", "x.cif", text.encode(), {"e": 1.0}, format=format)


def told(results: list[Crystal | Reject]) -> list[object]:
    """What became of an entry, to the last bit; without the place in the text that a faulty syntax is told of."""
    return [
        (r.id, r.lattice.tolist(), r.frac.tolist(), r.numbers.tolist(), r.remarks, dict(r.targets))
        if isinstance(r, Crystal)
        else (r.id, r.code, r.code == "cif-syntax" or r.message)
        for r in results
    ]


def both(text: str, format: str = "cif") -> tuple[list[object], list[object]]:
    """What becomes of a CIF, and of the same with a comment before it, which makes it one for the reader of all."""
    other = entry(f"# one more\n# and one more\n{text}", format)
    assert plain_crystal(other) is None
    return told(parse(entry(text, format))), told(parse(other))


def test_what_pymatgen_and_hpcvox_write_is_plain() -> None:
    for text in CIFS:
        crystal = plain_crystal(entry(text))
        assert crystal is not None
        assert plain_crystal(entry(cif_text(crystal))) is not None


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(CIFS), st.integers(0, 1000), st.integers(0, 3), st.sampled_from(SWAPS))
@example(CIFS[0], 0, 0, "")
@example(CIFS[1], 0, 0, "")
def test_whatever_is_changed_both_readers_say_the_same(text: str, place: int, cut: int, put: str) -> None:
    changed = text[:place] + put + text[place + cut :]
    assert len(set(map(str, both(changed)))) == 1


@settings(max_examples=400, deadline=None)
@given(
    st.sampled_from(CIFS),
    st.integers(0, 60),
    st.sampled_from(("", "0", "1", "2", "1.00", "-0.99", "5e-1", "nan", "inf", "D", "X")),
)
def test_whichever_word_is_another_both_readers_say_the_same(text: str, word: int, put: str) -> None:
    spans = [match.span() for match in re.finditer(r"(?<=\s)[^_\s']+", text)]
    start, end = spans[word % len(spans)]
    assert len(set(map(str, both(text[:start] + put + text[end:])))) == 1


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(CIFS), st.integers(0, 40), st.integers(0, 40))
def test_whichever_line_is_lost_or_doubled_both_readers_say_the_same(
    text: str, lost: int, doubled: int
) -> None:
    lines = text.splitlines()
    for changed in (
        [line for k, line in enumerate(lines) if k != lost],
        [*lines[:doubled], *lines[doubled : doubled + 1], *lines[doubled:]],
    ):
        assert len(set(map(str, both("\n".join(changed) + "\n")))) == 1


def test_candidates_may_have_atoms_as_near_as_by_the_reader_of_all() -> None:
    near = CIFS[0].replace("0.50000000  0.50000000  0.50000000", "0.15000000  0.00000000  0.00000000")
    for format in ("cif", CANDIDATE):
        one, other = both(near, format)
        assert one == other
    assert isinstance(parse(entry(near, CANDIDATE))[0], Crystal)
    assert isinstance(parse(entry(near))[0], Reject)
