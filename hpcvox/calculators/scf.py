"""Computes crystals with GPAW, as ``python -m hpcvox.calculators.scf``.

Only this module imports GPAW, and no module imports this one.  Each result leaves ``density.npy``, in e/Å^3, in the
working folder.
"""

import os
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final, NoReturn

import numpy as np

from hpcvox.calculators.answering import answer
from hpcvox.calculators.density import smoothed
from hpcvox.calculators.field import UNUSABLE
from hpcvox.terminal import say

SPACING: Final = 0.06
"""Å between points of the grid for GPAW's all-electron density."""


def main() -> NoReturn:
    """Answer requests (see :class:`hpcvox.calculators.field.Request`)."""
    answer(_answered)


def _answered(request: dict[str, Any]) -> dict[str, Any]:
    try:
        import gpaw
    except ImportError as error:
        say(f"{type(error).__name__}: {error}", error=True)
        os._exit(UNUSABLE)  # at once, without waiting for the thread that reads standard input
    try:
        return _computed(request)
    except gpaw.KohnShamConvergenceError as error:
        detail = " ".join(str(error).split())[:200]
        limit = f"the field is not self-consistent within {request['max_iterations']} iterations"
        return {"code": "not-converged", "message": f"{limit}; {detail}" if detail else limit}
    except MemoryError as error:
        return {"code": "no-memory", "message": f"there is too little memory: {error}"}
    except Exception as error:
        traceback.print_exc()
        detail = " ".join(f"{type(error).__name__}: {error}".split())[:500]
        return {"code": "failed", "message": detail}


def _computed(request: dict[str, Any]) -> dict[str, Any]:
    """Compute energy and density of the request's crystal."""
    from ase import Atoms
    from gpaw import GPAW, PW, FermiDirac

    moments = request["moments"]
    atoms = Atoms(
        numbers=request["numbers"],
        cell=request["lattice"],
        scaled_positions=request["frac"],
        magmoms=moments or None,
        pbc=True,
    )
    calculator = GPAW(
        mode=PW(request["cutoff"]),
        xc=request["xc"],
        kpts={"density": request["k_density"], "gamma": True},
        occupations=FermiDirac(request["smearing"]),
        spinpol=bool(moments),
        maxiter=request["max_iterations"],
        txt=None,
    )
    atoms.calc = calculator
    energy = float(atoms.get_potential_energy())
    counts = [round(float(setup.Nv)) for setup in calculator.dft.setups]
    if counts != request["valence"]:
        message = f"the PAW sets found have {counts} valence electrons, not {request['valence']}"
        return {"code": "other-data-set", "message": message}
    np.save("density.npy", _density(calculator, request), allow_pickle=False)
    return {
        "energy": energy,
        "moment": float(calculator.get_magnetic_moment()) if moments else 0.0,
        "iterations": int(calculator.get_number_of_iterations()),
        "k_points": "x".join(str(n) for n in calculator.dft.ibzwfs.ibz.bz.size_c),
    }


def _density(calculator: Any, request: dict[str, Any]) -> np.ndarray[Any, np.dtype[np.float64]]:
    """The smooth valence density of a finished calculation."""
    densities = calculator.dft.densities()
    with _additions() as added:
        spacing = min(SPACING, 0.3 * request["sigma"])
        fine = densities.all_electron_densities(grid_spacing=spacing, skip_core=True).data
    spins = len(fine)
    matrices = densities.D_asii.gather(broadcast=True)
    missing = []
    for atom, matrix in matrices.items():
        setup = densities.setups[atom]
        monopole = np.einsum("sij,ij->", matrix.real[:spins], setup.Delta_iiL[:, :, 0])
        missing.append((4 * np.pi) ** 0.5 * monopole - setup.Nct - added[atom])
    return smoothed(
        fine.sum(axis=0),
        np.array(request["lattice"]),
        np.array(request["frac"]),
        np.array(missing),
        sum(request["valence"]),
        request["sigma"],
        tuple(request["shape"]),
    )


@contextmanager
def _additions() -> Iterator[list[float]]:
    """A context that collects how many electrons each atom's correction adds to the grid; GPAW returns only their sum.

    These numbers differ from the electrons in the correction, because a grid cannot integrate a cusp.
    """
    import gpaw.densities

    original = gpaw.densities.add
    added: list[float] = []

    def add(*arguments: Any) -> Any:
        electrons = original(*arguments)
        added.append(float(electrons.sum()))
        return electrons

    gpaw.densities.add = add
    try:
        yield added
    finally:
        gpaw.densities.add = original


if __name__ == "__main__":
    main()
