"""Reference structures of the elements for formation energies: a few for each element; the lowest energy counts."""

import contextlib
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hpcvox.crystals.elements import ATOMIC_NUMBERS
from hpcvox.crystals.record import Crystal
from hpcvox.database.prototypes.ions import atoms
from hpcvox.database.prototypes.rules import MAIN_GROUP

MOLECULES: Final = {"H": 0.74, "N": 1.10, "O": 1.21, "F": 1.42, "Cl": 1.99, "Br": 2.28, "I": 2.67}
"""Elements that are diatomic molecules, and their bond lengths in Å (CRC Handbook)."""

_BOX_A = 12.0
_RHOMBOHEDRAL_BORON: Final = (5.057, 58.06, ((0.0104, -0.3427), (0.2206, -0.3694)))
"""α-boron: a in Å, the angle, and x and z of its two sites 6h (x x z) in R-3m (Decker and Kasper 1959)."""

_CHAINS: Final = {"S": (3.9, 4.4, 0.24), "Se": (4.366, 4.954, 0.2254), "Te": (4.457, 5.929, 0.2636)}
"""Helical chains, P3_121: a, c in Å and x of site 3a (Wyckoff 1963); sulfur by analogy."""

_BLACK_PHOSPHORUS: Final = (3.3136, 10.478, 4.3763, 0.10168, 0.08056)
"""a, b, c in Å and y, z of site 8f in Cmce (Brown and Rundqvist 1965)."""


def structures(symbol: str) -> list[Crystal]:
    """The reference structures of an element, with ids such as ``Fe-bcc`` and cells of about the true size."""
    from ase.build import bulk
    from ase.data import reference_states

    if symbol in MOLECULES:
        bond = np.array([[0.0, 0.0, 0.0], [MOLECULES[symbol] / _BOX_A, 0.0, 0.0]])
        return [_crystal(symbol, "molecule", _BOX_A * np.eye(3), bond)]
    found = []
    volume = _volume_per_atom(symbol)
    packed = {"fcc": 4, "bcc": 2}  # atoms per cubic cell
    # in metals of groups 1 to 11 open structures never have the lowest energy
    kinds = packed if symbol in _packed_metals() else {**packed, "sc": 1, "diamond": 8}
    for kind, atoms_per_cube in kinds.items():
        found.append(_built(symbol, kind, bulk(symbol, kind, a=(volume * atoms_per_cube) ** (1 / 3))))
    side = (volume * 2 / (np.sqrt(3) / 2 * np.sqrt(8 / 3))) ** (1 / 3)
    found.append(_built(symbol, "hcp", bulk(symbol, "hcp", a=side, c=side * np.sqrt(8 / 3))))
    state = reference_states[ATOMIC_NUMBERS[symbol]]
    if state is not None and state["symmetry"] not in ("fcc", "bcc", "sc", "diamond", "diatom", "atom"):
        with contextlib.suppress(ValueError, RuntimeError, KeyError):  # ase cannot build every one
            found.append(_built(symbol, str(state["symmetry"]), bulk(symbol)))
    found += _special(symbol)
    return found


def _packed_metals() -> frozenset[str]:
    return frozenset(atom.symbol for atom in atoms() if atom.is_metal) - MAIN_GROUP


def _volume_per_atom(symbol: str) -> float:
    """Å³, from the metallic or atomic radius of a close-packed sphere; a start for relaxations."""
    atom = next((atom for atom in atoms() if atom.symbol == symbol), None)
    if atom is None:
        return 20.0
    # covalent radii are too short for structures with many neighbours
    radius = atom.radius if atom.is_metal else 1.3 * max(atom.radius, 0.8)
    return float(4 * np.sqrt(2) * radius**3)


def _special(symbol: str) -> list[Crystal]:
    """Structures that ASE does not build and that simple ones do not approximate: covalent networks and chains."""
    if symbol == "B":
        a, angle, sites = _RHOMBOHEDRAL_BORON
        cosine = np.cos(np.radians(angle))
        lattice = a * np.linalg.cholesky(np.full((3, 3), cosine) + (1 - cosine) * np.eye(3))
        images = [p for x, z in sites for p in ((x, x, z), (x, z, x), (z, x, x))]
        return [_crystal(symbol, "alpha", lattice, np.array([*images, *(-np.array(images))]) % 1.0)]
    if symbol in _CHAINS:
        a, c, x = _CHAINS[symbol]
        lattice = np.array([[a, 0, 0], [-a / 2, a * np.sqrt(3) / 2, 0], [0, 0, c]])
        return [
            _crystal(symbol, "chain", lattice, np.array([[x, 0, 1 / 3], [0, x, 2 / 3], [-x, -x, 0]]) % 1.0)
        ]
    if symbol == "P":
        a, b, c, y, z = _BLACK_PHOSPHORUS
        half = [(0, y, z), (0, -y, -z), (0, 0.5 - y, 0.5 + z), (0, 0.5 + y, 0.5 - z)]
        sites_ = np.array([*half, *((0.5, p + 0.5, q) for _, p, q in half)]) % 1.0
        return [_crystal(symbol, "black", np.diag([a, b, c]), sites_)]
    return []


def _built(symbol: str, kind: str, cell: Any) -> Crystal:
    return _crystal(symbol, kind, cell.cell.array, cell.get_scaled_positions())


def _crystal(symbol: str, kind: str, lattice: NDArray[np.float64], frac: NDArray[np.float64]) -> Crystal:
    numbers = np.full(len(frac), ATOMIC_NUMBERS[symbol], dtype=np.uint8)
    return Crystal(f"{symbol}-{kind}", "reference", np.array(lattice), frac % 1.0, numbers, {})
