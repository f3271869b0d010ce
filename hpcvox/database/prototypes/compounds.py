"""The built-in compounds: cubic prototypes filled with elements by the rules of :mod:`rules`.

The three classes of Court et al. (2020): binary AB (rocksalt, CsCl, zincblende), perovskites ABX3, and
Heusler compounds (full L2_1, inverse XA, half C1_b), each in its conventional cubic cell.
"""

import hashlib
from collections.abc import Callable, Collection, Sequence
from functools import cache
from typing import Final, NamedTuple

import numpy as np

from hpcvox.crystals.elements import ATOMIC_NUMBERS
from hpcvox.crystals.record import Crystal
from hpcvox.database.prototypes import rules
from hpcvox.errors import ConfigError

SMALLEST, LARGEST = 100, 100_000

_CORNER, _CENTRE = (0.0, 0.0, 0.0), (0.5, 0.5, 0.5)
_FACES = ((0.5, 0.5, 0.0), (0.5, 0.0, 0.5), (0.0, 0.5, 0.5))
_QUARTER, _THREE_QUARTERS = (0.25, 0.25, 0.25), (0.75, 0.75, 0.75)
FACE_CENTRING = ((0.0, 0.0, 0.0), (0.0, 0.5, 0.5), (0.5, 0.0, 0.5), (0.5, 0.5, 0.0))


class Structure(NamedTuple):
    """A structure type: which species sits where in the primitive cell, and its Bravais lattice."""

    compound_class: str  # "AB" | "ABX3" | "Heusler"
    space_group: int
    face_centred: bool  # False: primitive cubic
    sites: tuple[tuple[int, tuple[float, float, float]], ...]  # (species, position in the cubic cell)


STRUCTURES: Final[dict[str, Structure]] = {
    "rocksalt": Structure("AB", 225, True, ((0, _CORNER), (1, _CENTRE))),
    "CsCl": Structure("AB", 221, False, ((0, _CORNER), (1, _CENTRE))),
    "zincblende": Structure("AB", 216, True, ((0, _CORNER), (1, _QUARTER))),
    "perovskite": Structure("ABX3", 221, False, ((0, _CORNER), (1, _CENTRE), *((2, f) for f in _FACES))),
    # species: X, Y, Z of X2YZ and XYZ; Z and Y (not in the inverse type) form a rocksalt lattice
    "full-Heusler": Structure(
        "Heusler", 225, True, ((0, _QUARTER), (0, _THREE_QUARTERS), (1, _CENTRE), (2, _CORNER))
    ),
    "inverse-Heusler": Structure(
        "Heusler", 216, True, ((0, _CENTRE), (0, _THREE_QUARTERS), (1, _QUARTER), (2, _CORNER))
    ),
    "half-Heusler": Structure("Heusler", 216, True, ((0, _QUARTER), (1, _CENTRE), (2, _CORNER))),
}
"""Structure types by name.  In all of them symmetry fixes every site; only the lattice constant is free."""

_SUBSCRIPTS: Final = {
    name: tuple(
        str(n) if (n := sum(k == kind for k, _ in structure.sites)) > 1 else ""
        for kind in range(1 + max(k for k, _ in structure.sites))
    )
    for name, structure in STRUCTURES.items()
}

_RULES: Final[dict[str, Callable[[], dict[str, list[rules.Compound]]]]] = {
    "AB": rules.binaries,
    "ABX3": lambda: {"perovskite": rules.perovskites()},
    "Heusler": rules.heuslers,
}
CLASSES: Final = tuple(_RULES)


class Prototype(NamedTuple):
    """A built-in crystal, before its energy is computed."""

    structure: str  # key of STRUCTURES
    species: tuple[str, ...]  # chemical symbols in the order of the structure's species
    charges: tuple[float, ...]  # e, per species; they sum to zero over the cell
    start: float  # Å | lattice constant of the cubic cell, estimated from radii

    @property
    def formula(self) -> str:
        """The formula as chemists write it: ``MgO``, ``SrTiO3``, ``Cu2MnAl``."""
        return "".join(map("".join, zip(self.species, _SUBSCRIPTS[self.structure], strict=True)))

    @property
    def id(self) -> str:
        """The id, unique and always the same: ``MgO-rocksalt``."""
        return f"{self.formula}-{self.structure}"

    @property
    def compound_class(self) -> str:
        """``AB``, ``ABX3`` or ``Heusler``."""
        return STRUCTURES[self.structure].compound_class


def enumerate_prototypes() -> list[Prototype]:
    """All crystals that the rules allow (about 130,000), in a fixed order."""
    return [prototype for name in CLASSES for prototype in _of(name).values()]


@cache
def _of(compound_class: str) -> dict[str, Prototype]:
    """The crystals of one class by their ids; there are 100,000 Heusler compounds, which take a second."""
    unique: dict[str, Prototype] = {}
    for structure, candidates in _RULES[compound_class]().items():
        for candidate in candidates:
            prototype = Prototype(structure, *candidate)
            unique.setdefault(prototype.id, prototype)
    return unique


def draw(
    size: int, seed: int, classes: Sequence[str] = CLASSES, elements: Collection[str] | None = None
) -> list[Prototype]:
    """Draw ``size`` built-in crystals from the ``classes`` in turn, shuffled by ``seed``.

    Each class gives an equal share; if a class is used up (there are few AB), the others fill its share.  A smaller
    draw is the beginning of a larger one.

    Args:
        size: number of crystals.
        seed: seed of the draw.
        classes: classes to draw from.
        elements: elements that crystals may contain; None: all elements.

    Raises:
        ConfigError: ``size`` is outside 100 to 100,000, or more than the classes have.
    """
    if not SMALLEST <= size <= LARGEST:
        raise ConfigError(f"size={size}: the built-in database has from {SMALLEST} to {LARGEST} crystals")
    shuffled = {
        name: sorted(
            (rank(seed, prototype.id), prototype)
            for prototype in _of(name).values()
            if elements is None or set(prototype.species) <= set(elements)
        )
        for name in classes
    }
    there = sum(map(len, shuffled.values()))
    if size > there:
        of = "" if elements is None else f" and elements={','.join(elements)}"
        raise ConfigError(f"size={size}: there are {there:,} crystals of classes={','.join(classes)}{of}")
    queues = [iter([prototype for _, prototype in shuffled[name]]) for name in classes]
    drawn: list[Prototype] = []
    while len(drawn) < size and queues:
        for queue in list(queues):
            following = next(queue, None)
            if following is None:
                queues.remove(queue)
            elif len(drawn) < size:
                drawn.append(following)
    return drawn


def rank(seed: int, name: str) -> bytes:
    """A pseudo-random key that does not depend on the random generator of any library."""
    return hashlib.blake2b(f"{seed}:{name}".encode(), digest_size=8).digest()


def primitive(prototype: Prototype, a: float) -> Crystal:
    """The primitive cell for the cubic lattice constant ``a`` in Å, for which energies are computed."""
    structure = STRUCTURES[prototype.structure]
    vectors = (
        np.array(((0.0, 0.5, 0.5), (0.5, 0.0, 0.5), (0.5, 0.5, 0.0))) if structure.face_centred else np.eye(3)
    )
    positions = np.array([position for _, position in structure.sites])
    frac = (positions @ np.linalg.inv(vectors)) % 1.0
    return _crystal(prototype, a * vectors, frac, 1)


def conventional(prototype: Prototype, a: float) -> Crystal:
    """The conventional cubic cell for the lattice constant ``a`` in Å."""
    structure = STRUCTURES[prototype.structure]
    centring = np.array(FACE_CENTRING if structure.face_centred else FACE_CENTRING[:1])
    positions = np.array([position for _, position in structure.sites])
    frac = (positions[:, None, :] + centring[None, :, :]).reshape(-1, 3) % 1.0
    return _crystal(prototype, a * np.eye(3), frac, len(centring))


def _crystal(prototype: Prototype, lattice: rules.Array, frac: rules.Array, copies: int) -> Crystal:
    kinds = [kind for kind, _ in STRUCTURES[prototype.structure].sites for _ in range(copies)]
    numbers = np.array([ATOMIC_NUMBERS[prototype.species[kind]] for kind in kinds], dtype=np.uint8)
    return Crystal(prototype.id, "built-in", lattice, frac, numbers, {})
