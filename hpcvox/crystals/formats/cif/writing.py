"""Writes a crystal as the text of a CIF."""

import math

from hpcvox.crystals.elements import SYMBOLS
from hpcvox.crystals.record import Crystal


def cif_text(crystal: Crystal) -> str:
    """The text of a CIF that lists all sites (P1), with lengths to 1e-6 Å and fractions to 1e-8.

    :func:`hpcvox.crystals.parse.parse` reads it back with that precision, and the cell in its standard orientation (a
    along x, b in the xy plane).
    """
    a, b, c = (math.sqrt(float(vector @ vector)) for vector in crystal.lattice)
    va, vb, vc = crystal.lattice
    angles = [
        math.degrees(math.acos(max(-1.0, min(1.0, float(u @ v) / (p * q)))))
        for u, v, p, q in ((vb, vc, b, c), (va, vc, a, c), (va, vb, a, b))
    ]
    counts: dict[str, int] = {}
    for z in crystal.numbers.tolist():
        counts[SYMBOLS[z]] = counts.get(SYMBOLS[z], 0) + 1
    block = "".join(ch if ch.isalnum() or ch in "-_." else "_" for ch in crystal.id) or "crystal"
    lines = [
        f"data_{block}",
        "_symmetry_space_group_name_H-M   'P 1'",
        *(f"_cell_length_{name}   {length:.6f}" for name, length in zip("abc", (a, b, c), strict=True)),
        *(
            f"_cell_angle_{name}   {angle:.8f}"
            for name, angle in zip(("alpha", "beta", "gamma"), angles, strict=True)
        ),
        "_symmetry_Int_Tables_number   1",
        f"_chemical_formula_structural   {crystal.formula}",
        "_chemical_formula_sum   '" + " ".join(f"{symbol}{n}" for symbol, n in counts.items()) + "'",
        "loop_",
        " _symmetry_equiv_pos_site_id",
        " _symmetry_equiv_pos_as_xyz",
        "  1  'x, y, z'",
        "loop_",
        *(f" _atom_site_{name}" for name in ("type_symbol", "label", "fract_x", "fract_y", "fract_z")),
    ]
    for i, (z, (x, y, w)) in enumerate(zip(crystal.numbers.tolist(), crystal.frac.tolist(), strict=True)):
        symbol = SYMBOLS[z]
        lines.append(f"  {symbol}  {symbol}{i}  {x:.8f}  {y:.8f}  {w:.8f}")
    return "\n".join(lines) + "\n"
