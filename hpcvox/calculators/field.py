"""A self-consistent field in a process of its own, with a time limit."""

import contextlib
import importlib.metadata
import importlib.util
import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Final, NamedTuple, TypedDict

import numpy as np
from numpy.typing import NDArray

import hpcvox
from hpcvox.errors import MissingDependencyError, Rejected

FIX: Final = "HPCVOX_EXTRAS='chgnet gpaw' make setup, or pip install 'hpcvox[gpaw]'"

UNUSABLE: Final = 69
"""Exit status of :mod:`hpcvox.calculators.scf` where GPAW cannot be imported (EX_UNAVAILABLE)."""

_FOREIGN: Final = ("PMI_", "PMIX_", "OMPI_", "I_MPI_", "GPAW_")
"""Variables of a launcher of MPI, under which GPAW would take itself for a rank; and of other set-ups of GPAW."""


class Request(TypedDict):
    """What :mod:`hpcvox.calculators.scf` is asked."""

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
    """What came of it."""

    density: NDArray[np.float64]  # of the request's shape, e/Å^3
    energy: float  # eV a cell, from GPAW's reference atoms
    moment: float  # Bohr magnetons a cell
    iterations: int
    k_points: str  # "7x7x7"


def installed() -> bool:
    """Whether GPAW is there; looks for it without loading it."""
    return importlib.util.find_spec("gpaw") is not None


def require() -> None:
    """Raise :class:`MissingDependencyError` where GPAW is not installed."""
    if not installed():
        raise MissingDependencyError(f"dft needs GPAW, which is not installed: {FIX}")


def code() -> str:
    """GPAW and its data sets with their versions."""
    return " ".join(f"{name} {importlib.metadata.version(name)}" for name in ("gpaw", "gpaw-data"))


def solve(request: Request, scratch: Path, timeout_s: float) -> Result:
    """Energy and density of a crystal; its process and files are gone at the end, whatever happens.

    Args:
        scratch: folder for files of the process.

    Raises:
        Rejected: ``not-converged``, ``failed``, ``other-data-set``; ``timeout``; ``no-memory`` or ``killed``.
        MissingDependencyError: GPAW cannot be imported here.
    """
    scratch.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=scratch) as name:
        folder = Path(name)
        status = _run(json.dumps(request).encode() + b"\n", folder, timeout_s)
        if status != 0:
            raise _ended(status, folder / "log")
        answer: dict[str, Any] = json.loads((folder / "result.json").read_bytes())
        if "code" in answer:
            raise Rejected(answer["code"], answer["message"])
        density = np.load(folder / "density.npy", allow_pickle=False)
    return Result(density, **answer)


def _run(request: bytes, folder: Path, timeout_s: float) -> int:
    """Exit status of the process; what it says is in ``folder/log``."""
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen(
            [sys.executable, "-m", "hpcvox.calculators.scf"],
            cwd=folder,
            env=environment(),
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        ) as process,
    ):
        try:
            assert process.stdin is not None
            try:
                process.stdin.write(request)
                process.stdin.flush()  # and left open: where this process dies, the other ends
            except BrokenPipeError:  # it ended at once: its status says why
                with contextlib.suppress(BrokenPipeError):
                    process.stdin.close()  # now, or what is left to write would raise at the end
            return process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            raise Rejected("timeout", f"it took longer than timeout_s={timeout_s:g} seconds") from None
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)


def environment() -> dict[str, str]:
    """Of a process that computes on one thread and is no rank of MPI, with this very hpcvox."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN)}
    threads = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    here = str(Path(hpcvox.__file__).parent.parent)  # an actor may have found hpcvox by other ways than these
    path = os.pathsep.join(filter(None, (here, clean.get("PYTHONPATH"))))
    return {**clean, **threads, "PYTHONPATH": path}


def by_signal(number: int) -> Rejected:
    """Why there is no result of a process that was ended by a signal."""
    name = signal.Signals(number).name
    return Rejected("killed", f"the process was ended by {name}; for want of memory, perhaps")


def _ended(status: int, log: Path) -> Exception:
    said = [line for line in log.read_text("utf-8", errors="replace").splitlines() if line.strip()]
    last = said[-1].strip()[:500] if said else "it said nothing"
    if status == UNUSABLE:
        return MissingDependencyError(f"GPAW is installed and cannot be imported ({last}): {FIX} anew")
    if status < 0:
        return by_signal(-status)
    return Rejected("failed", f"the process ended with status {status}: {last}")
