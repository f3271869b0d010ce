"""Runs a self-consistent field calculation by GPAW in a separate process, with a time limit."""

import contextlib
from pathlib import Path
from typing import Final, NamedTuple, TypedDict

import numpy as np
from numpy.typing import NDArray

from hpcvox.calculators.gpaw import FIX
from hpcvox.calculators.process import EndedError, Process
from hpcvox.errors import MissingDependencyError, Rejected

UNUSABLE: Final = 69
"""Exit status of :mod:`hpcvox.calculators.scf` if GPAW cannot be imported (EX_UNAVAILABLE)."""


class Request(TypedDict):
    """A request to :mod:`hpcvox.calculators.scf`."""

    lattice: list[list[float]]  # (3, 3), rows in Å
    frac: list[list[float]]  # (n, 3)
    numbers: list[int]  # (n,)
    valence: list[int]  # (n,), electrons of each atom
    moments: list[float]  # (n,), Bohr magnetons; empty: no spin
    xc: str
    cutoff: float  # eV
    k_density: float  # Å
    smearing: float  # eV
    max_iterations: int
    sigma: float  # Å
    shape: tuple[int, int, int]


class Result(NamedTuple):
    """The result of a calculation."""

    density: NDArray[np.float64]  # of the request's shape, e/Å^3
    energy: float  # eV per cell, relative to GPAW's reference atoms
    moment: float  # Bohr magnetons per cell
    iterations: int
    k_points: str  # "7x7x7"


def solve(request: Request, scratch: Path, timeout_s: float) -> Result:
    """Compute energy and density of a crystal; the process and its files are always removed at the end.

    Args:
        request: the crystal and the settings of the calculation.
        scratch: folder for files of the process.
        timeout_s: seconds that the calculation may take.

    Raises:
        Rejected: ``not-converged``, ``failed``, ``other-data-set``; ``timeout``; ``no-memory`` or ``killed``.
        MissingDependencyError: GPAW cannot be imported here.
    """
    with contextlib.closing(Process("hpcvox.calculators.scf", scratch)) as process:
        try:
            answer = process.ask(request, timeout_s)
        except EndedError as ended:
            if ended.status == UNUSABLE:
                raise MissingDependencyError(
                    f"GPAW is installed but cannot be imported ({ended.words}): {FIX} again"
                ) from None
            raise Rejected("failed", f"the process ended with status {ended.status}: {ended.words}") from None
        except Rejected as reason:
            if reason.code == "timeout":
                raise Rejected("timeout", f"it took longer than timeout_s={timeout_s:g} seconds") from None
            raise
        if "code" in answer:
            raise Rejected(answer["code"], answer["message"])
        density = np.load(process.folder / "density.npy", allow_pickle=False)
    return Result(density, **answer)
