"""Finds calculators by name, checks their parameters, and whether they are installed."""

import importlib.metadata
import importlib.util
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, TypedDict

import numpy as np

from hpcvox import config
from hpcvox.calculators import chgnet, gpaw, sevennet
from hpcvox.calculators.outside import OURS, others, place_of
from hpcvox.calculators.process import Process
from hpcvox.crystals.record import Crystal
from hpcvox.errors import ConfigError, MissingDependencyError, did_you_mean

DEFAULT_CELLS: Final = {"gpaw": "volume"}
"""Default of ``cell`` for calculators whose default is not ``full``."""

STRESS_CUTOFF: Final = 700.0
"""eV; below this cutoff GPAW's stress is wrong, because its basis of plane waves changes with the cell."""

_PATH: Final = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")


class Request(TypedDict, total=False):
    """A request to a process: compute one geometry; without ``numbers``, list what the calculator can compute."""

    calculator: str
    parameters: dict[str, Any]
    numbers: list[int]  # (n,)
    cell: list[list[float]]  # (3, 3), rows in Å
    positions: list[list[float]]  # (n, 3), Å
    moments: list[float]  # (n,), Bohr magnetons; empty: no spin
    properties: list[str]  # energy, and of forces, stress those that are needed


class CalculatorProcess(Process):
    """A process that runs calculators by name.

    It answers a :class:`Request` in eV, eV/Å and eV/Å^3, or with ``error``, the calculator's own message.
    """

    def __init__(self, scratch: Path) -> None:
        """``scratch`` is the folder for the process's files."""
        super().__init__("hpcvox.calculators.serving", scratch)


def names() -> list[str]:
    """The names of all calculators: ours, those that ASE knows (GPAW is one), and those of other packages."""
    from ase.calculators.names import names as known

    return sorted({*OURS, *known, *others()})


def check_name(name: str) -> None:
    """Raise :class:`ConfigError` if there is no calculator with this name."""
    valid = names()
    if name not in valid and not _PATH.fullmatch(name):
        raise ConfigError(
            f"stages: there is no calculator {name!r}: {did_you_mean(name, valid)}valid: {', '.join(valid)}; "
            "or a subclass of ASE's Calculator in another package, as package.module:Class"
        )


def checked_parameters(name: str, parameters: Mapping[str, Any], cell: str) -> dict[str, Any]:
    """Check parameters, and add the defaults of hpcvox if it has some.

    Raises:
        ConfigError: a parameter is not valid, or not possible with the setting ``cell``.
    """
    if name == "sevennet":
        sevennet.check_parameters(parameters)
    if name != "gpaw":
        return dict(parameters)
    checked = config.validate(gpaw.GpawSettings, dict(parameters), "stages: parameters of gpaw").model_dump()
    if cell == "full" and checked["cutoff"] < STRESS_CUTOFF:
        raise ConfigError(
            f"stages: gpaw with cell=full uses its stress, which is wrong below a cutoff of {STRESS_CUTOFF:g} eV "
            f"(given: {checked['cutoff']:g}): use cell=volume, which needs only energies, or a higher cutoff"
        )
    return checked


def require(name: str) -> None:
    """Raise :class:`MissingDependencyError` if the calculator's package is not installed."""
    extra = {"chgnet": chgnet.installed, "gpaw": gpaw.installed, "sevennet": sevennet.installed}.get(name)
    if extra is not None and not extra():
        wanted = "chgnet gpaw" if name in ("chgnet", "gpaw") else f"chgnet {name}"
        raise MissingDependencyError(
            f"stages: {name} is not installed: HPCVOX_EXTRAS='{wanted}' make setup, or pip install "
            f"'hpcvox[{name}]'; or leave it out, such as by stages=[{'gpaw' if name == 'chgnet' else 'chgnet'}]"
        )
    package = name.split(":")[0].split(".")[0]
    if ":" in name and (package == "__main__" or importlib.util.find_spec(package) is None):
        raise MissingDependencyError(f"stages: {name} is of the package {package}, which is not installed")


def version(name: str) -> str:
    """The package and the version of a calculator."""
    if name == "chgnet":
        return chgnet.name()
    if name == "sevennet":
        return sevennet.name()
    if name == "gpaw":
        return gpaw.code()
    place = place_of(name)
    package = place.split(":")[0].split(".")[0] if ":" in place else "ase"
    try:
        return f"{package}-{importlib.metadata.version(package)}"
    except importlib.metadata.PackageNotFoundError:
        return package


def made_with(name: str, parameters: Mapping[str, Any], cell: str, crystal: Crystal) -> dict[str, Any]:
    """The parameters of the calculator for a crystal's stage, as JSON.

    GPAW gets plane waves, and the mesh of k-points of the stage's first cell for all its cells, so that energies at
    different volumes can be compared.

    Raises:
        Rejected: GPAW has no data for an element, or its results are wrong in such a cell.
    """
    checked = checked_parameters(name, parameters, cell)
    if name != "gpaw":
        return checked
    from ase import Atoms
    from ase.calculators.calculator import kpts2sizeandoffsets

    gpaw.valence(crystal.numbers)
    gpaw.refuse_sharp(crystal.lattice)
    mesh, _ = kpts2sizeandoffsets(
        density=checked["k_density"], gamma=True, atoms=Atoms(cell=crystal.lattice, pbc=True)
    )
    return {
        "mode": {"name": "pw", "ecut": checked["cutoff"]},
        "xc": checked["xc"],
        "kpts": {"size": [int(n) for n in np.asarray(mesh)], "gamma": True},
        "occupations": {"name": "fermi-dirac", "width": checked["smearing"]},
        "spinpol": bool(moments(name, parameters, crystal)),
        "maxiter": checked["max_iterations"],
        "txt": None,
    }


def moments(name: str, parameters: Mapping[str, Any], crystal: Crystal) -> list[float]:
    """Initial magnetic moments for GPAW in Bohr magnetons, (n,); empty for a calculation without spin.

    Magnetic elements start ferromagnetic, as in ``hpcvox dft``.  The molecule O2, a reference of formation energies,
    starts in its triplet state.
    """
    spin = parameters.get("spin", "auto")
    if name != "gpaw" or spin == "off":
        return []
    if (crystal.origin, crystal.id) == ("reference", "O-molecule"):
        return [1.0] * crystal.n_sites
    return gpaw.moments(crystal.numbers, spin)
