"""Writes a density as the text of a CHGCAR."""

from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from hpcvox.crystals.elements import SYMBOLS
from hpcvox.crystals.record import Crystal

_PER_LINE = 5


def chgcar_text(crystal: Crystal, density: NDArray[np.float64], comment: str) -> str:
    """The text of a CHGCAR, which holds ρ·V, for ``density`` (M1, M2, M3) in e/Å^3 on the cell of ``crystal``.

    :func:`hpcvox.crystals.fields.read_chgcar` reads the cell back exactly, and values and the number of electrons to 12
    digits.

    Args:
        crystal: its cell and sites are written.
        density: electrons are positive.
        comment: the first line of the file, without a line end.
    """
    volume = abs(float(np.linalg.det(crystal.lattice)))
    runs = [(SYMBOLS[z], len(list(sites))) for z, sites in groupby(crystal.numbers.tolist())]
    lines = [
        " ".join(comment.split()),
        "1.0",
        *(" ".join(f"{value!r:>23}" for value in vector) for vector in crystal.lattice.tolist()),
        " ".join(symbol for symbol, _ in runs),
        " ".join(str(count) for _, count in runs),
        "Direct",
        *(" ".join(f"{value:19.16f}" for value in site) for site in crystal.frac.tolist()),
        "",
        " ".join(str(count) for count in density.shape),
    ]
    words = [f"{value:.11E}" for value in (density * volume).ravel(order="F").tolist()]
    lines += [" ".join(words[i : i + _PER_LINE]) for i in range(0, len(words), _PER_LINE)]
    return "\n".join(lines) + "\n"
