"""The plainest CIFs, read by one look at their text: P 1 as pymatgen writes it, which most data sets are made of.

What is read here is held to all that other CIFs are held to, by the same functions.  Whatever is not as it should be
is left to :func:`hpcvox.crystals.formats.cif.parse.read`, which tells why, so that both readers have the same
outcomes; this one takes half the time.
"""

import re
from typing import Final

import numpy as np

from hpcvox.crystals.cells import lattice_from_parameters
from hpcvox.crystals.checks import (
    FAR,
    check_count,
    check_filled,
    check_length,
    check_spacing,
    inside_cell,
)
from hpcvox.crystals.formats.cif.agreement import check_volume, remarks
from hpcvox.crystals.formats.cif.claims import Claims
from hpcvox.crystals.formats.cif.elements.formulas import readings
from hpcvox.crystals.formats.cif.elements.symbols import number_of_type
from hpcvox.crystals.limits import MAX_BYTES
from hpcvox.crystals.occupancy import FULL, whole_sites
from hpcvox.crystals.overlap import LEAST_DISTANCES_A, LEAST_OF_CANDIDATES_A, plane_spacings
from hpcvox.crystals.record import CANDIDATE, Crystal, Entry
from hpcvox.errors import Rejected

_NUMBER: Final = r"(\d+(?:\.\d+)?)"
_PLAIN: Final = re.compile(
    r"(?:\#[ -~]*\n)?data_[!-~]+\n"
    r"_symmetry_space_group_name_H-M\ +'P\ 1'\n"
    + "".join(rf"_cell_length_{name}\ +{_NUMBER}\n" for name in "abc")
    + "".join(rf"_cell_angle_{name}\ +{_NUMBER}\n" for name in ("alpha", "beta", "gamma"))
    + r"""_symmetry_Int_Tables_number\ +1\n
    _chemical_formula_structural\ +(?!(?i:data|loop|save|stop|global)_)([A-Z][A-Za-z0-9_().]*)\n
    _chemical_formula_sum\ +('[A-Z][A-Za-z0-9.\ ]*')\n
    (?:_cell_volume\ +"""
    + _NUMBER
    + r"""\n_cell_formula_units_Z\ +([1-9]\d*)\n)?
    loop_\n\ _symmetry_equiv_pos_site_id\n\ _symmetry_equiv_pos_as_xyz\n\ +1\ +'x,\ y,\ z'\n
    loop_\n\ _atom_site_type_symbol\n\ _atom_site_label\n(\ _atom_site_symmetry_multiplicity\n)?
    \ _atom_site_fract_x\n\ _atom_site_fract_y\n\ _atom_site_fract_z\n(\ _atom_site_occupancy\n)?
    ([A-Za-z0-9.+\-\ \n]*)""",  # no character with a meaning of its own: words between blanks
    re.ASCII | re.VERBOSE,
)
_ONE: Final = frozenset({"1"})


def plain_crystal(entry: Entry) -> Crystal | None:
    """The crystal of one entry whose CIF is of the plainest kind, and agrees with itself; None of all others."""
    if len(entry.text) > MAX_BYTES or not entry.text.isascii():
        return None
    match = _PLAIN.fullmatch(entry.text.decode())
    if match is None:
        return None
    try:
        return _crystal(entry, match)
    except (Rejected, ValueError):
        return None


def _crystal(entry: Entry, match: re.Match[str]) -> Crystal | None:
    *lengths_and_angles, structural, formula, volume_stated, units, multiplicity, occupancy, rows = (
        match.groups()
    )
    a, b, c, alpha, beta, gamma = map(float, lengths_and_angles)
    words = rows.split()
    x = 3 if multiplicity else 2
    width = x + (4 if occupancy else 3)
    count = len(words) // width
    amounts = readings(formula)
    if (
        count * width != len(words)
        or not count
        or not amounts
        or not (multiplicity is None or _ONE.issuperset(words[2::width]))
        or not (occupancy is None or FULL.issuperset(words[x + 3 :: width]))
    ):
        return None
    check_count(count)
    found = list(map(number_of_type, words[::width]))
    columns = list(map(float, words[x::width] + words[x + 1 :: width] + words[x + 2 :: width]))
    if 0 in found or max(columns) > FAR or min(columns) < -FAR:
        return None
    numbers = np.frombuffer(bytearray(found), np.uint8)
    frac = inside_cell(np.array(columns), str)
    lattice = lattice_from_parameters(a, b, c, alpha, beta, gamma)
    orthogonal = alpha == beta == gamma == 90.0
    spacing = min(a, b, c) if orthogonal else float(plane_spacings(lattice).min())
    check_spacing(spacing)
    check_length(max(a, b, c))
    stated = Claims(
        formula,
        amounts,
        units=float(units) if units else None,
        volume=float(volume_stated) if volume_stated else None,
        density=None,
        weight=None,
        types=frozenset(),
        others=(structural,),
        counts=(),
    )
    volume = a * b * c if orthogonal else float(lattice[0, 0] * lattice[1, 1] * lattice[2, 2])
    check_volume(stated, volume)
    check_filled(volume, count, count)
    least = LEAST_OF_CANDIDATES_A if entry.format == CANDIDATE else LEAST_DISTANCES_A
    frac, numbers = whole_sites(lattice, frac, numbers, None, spacing, None, least)
    if remarks(stated, numbers, volume, None, 1, ()):
        return None
    return Crystal(entry.id, entry.origin, lattice, frac, numbers, entry.targets)
