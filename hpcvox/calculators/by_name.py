"""Calculators by name: which there are, what they are made with, and whether they are installed."""

import importlib.metadata
import importlib.util
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, TypedDict

import numpy as np

from hpcvox import config
from hpcvox.calculators import chgnet, gpaw
from hpcvox.calculators.outside import others, place_of
from hpcvox.calculators.process import Process
from hpcvox.crystals.record import Crystal
from hpcvox.errors import ConfigError, MissingDependencyError, did_you_mean

DEFAULT_CELLS: Final = {"gpaw": "volume"}
"""What moves of the cell unless told, where that is not all of it."""

STRESS_CUTOFF: Final = 700.0
"""eV; GPAW's stress, of a basis of plane waves that changes with the cell, is no good below."""

_PATH: Final = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")


class Request(TypedDict, total=False):
    """What a process is asked: one geometry; without ``numbers``, what the calculator computes at all."""

    calculator: str
    parameters: dict[str, Any]
    numbers: list[int]  # (n,)
    cell: list[list[float]]  # (3, 3), rows in Å
    positions: list[list[float]]  # (n, 3), Å
    moments: list[float]  # (n,), Bohr magnetons; empty: no spin
    properties: list[str]  # energy, and of forces, stress those that are needed


class CalculatorProcess(Process):
    """A process in which calculators work by their names.

    It answers a :class:`Request` in eV, eV/Å, eV/Å^3, or by the calculator's own words of why there is no answer, as
    ``error``.
    """

    def __init__(self, scratch: Path) -> None:
        """Take the folder for its files."""
        super().__init__("hpcvox.calculators.serving", scratch)


def names() -> list[str]:
    """Calculators that go by a name: CHGNet, those that ASE knows, GPAW among them, and those of other packages."""
    from ase.calculators.names import names as known

    return sorted({"chgnet", *known, *others()})


def check_name(name: str) -> None:
    """Raise :class:`ConfigError` where there is no calculator of that name."""
    valid = names()
    if name not in valid and not _PATH.fullmatch(name):
        raise ConfigError(
            f"stages: there is no calculator {name!r}: {did_you_mean(name, valid)}valid: {', '.join(valid)}; "
            "or a subclass of ASE's Calculator in another package, as package.module:Class"
        )


def checked_parameters(name: str, parameters: Mapping[str, Any], cell: str) -> dict[str, Any]:
    """The parameters, with the defaults of hpcvox where it has some.

    Raises:
        ConfigError: one is not valid, or does not go with what moves of the cell.
    """
    if name != "gpaw":
        return dict(parameters)
    checked = config.validate(gpaw.GpawSettings, dict(parameters), "stages: parameters of gpaw").model_dump()
    if cell == "full" and checked["cutoff"] < STRESS_CUTOFF:
        raise ConfigError(
            f"stages: gpaw with cell=full goes by its stress, which is no good below a cutoff of {STRESS_CUTOFF:g} eV "
            f"(given: {checked['cutoff']:g}): take cell=volume, which goes by energies, or a higher cutoff"
        )
    return checked


def require(name: str) -> None:
    """Raise :class:`MissingDependencyError` where the calculator's package is not installed."""
    extra = {"chgnet": chgnet.installed, "gpaw": gpaw.installed}.get(name)
    if extra is not None and not extra():
        raise MissingDependencyError(
            f"stages: {name} is not installed: HPCVOX_EXTRAS='chgnet gpaw' make setup, or pip install "
            f"'hpcvox[{name}]'; or leave it out, such as by stages=[{'gpaw' if name == 'chgnet' else 'chgnet'}]"
        )
    package = name.split(":")[0].split(".")[0]
    if ":" in name and (package == "__main__" or importlib.util.find_spec(package) is None):
        raise MissingDependencyError(f"stages: {name} is of the package {package}, which is not installed")


def version(name: str) -> str:
    """Package and version of a calculator."""
    if name == "chgnet":
        return chgnet.name()
    if name == "gpaw":
        return gpaw.code()
    place = place_of(name)
    package = place.split(":")[0].split(".")[0] if ":" in place else "ase"
    try:
        return f"{package}-{importlib.metadata.version(package)}"
    except importlib.metadata.PackageNotFoundError:
        return package


def made_with(name: str, parameters: Mapping[str, Any], cell: str, crystal: Crystal) -> dict[str, Any]:
    """What the calculator of a crystal's stage is made with, as JSON has it.

    GPAW: plane waves, and a mesh of k-points that stays that of the stage's first cell, so that energies at several
    volumes are of one kind.

    Raises:
        Rejected: GPAW has no data of an element, or its results are wrong in such a cell.
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
    """Moments in Bohr magnetons, (n,), that GPAW's field starts from; empty: no spin.

    Magnetic elements start ferromagnetic, as in ``hpcvox dft``; and the molecule O2, a reference of formation energies,
    in its triplet.
    """
    spin = parameters.get("spin", "auto")
    if name != "gpaw" or spin == "off":
        return []
    if (crystal.origin, crystal.id) == ("reference", "O-molecule"):
        return [1.0] * crystal.n_sites
    return gpaw.moments(crystal.numbers, spin)
