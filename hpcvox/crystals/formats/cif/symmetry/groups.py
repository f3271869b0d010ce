"""Checks that lists of symmetry operations are space groups, and which cells they allow; remembers each list."""

import math
from functools import lru_cache
from typing import Final, NamedTuple

import gemmi
import numpy as np
import spglib
from numpy.typing import NDArray

from hpcvox.errors import Rejected

MAX_OPERATIONS: Final = 1024
"""Most operations of a list.  A conventional cell has at most 192; the time to compare a site's images grows with the
square of their number."""

CELL_TOLERANCE: Final = 4e-3
"""How far a cell may differ from its symmetry: this share of a length, or this much in an angle's cosine (0.23°).

Published cells that were refined without their symmetry differ by up to 0.15°; tetragonal BaTiO3, which is no cube,
differs by 1 %."""

_DEN: Final = gemmi.Op.DEN  # translations are whole numbers of 1/24
_PAIRS: Final = ((0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1))
_WEIGHTS: Final = np.random.default_rng(0).integers(1, 2**62, 12)  # weights of a hash


class Operations(NamedTuple):
    """Operations of a space group on fractional coordinates: x' = R x + t."""

    rotations: NDArray[np.float64]  # (n_operations, 3, 3)
    translations: NDArray[np.float64]  # (n_operations, 3)


class Group(NamedTuple):
    """A list of operations that is a space group."""

    operations: Operations | None  # None: the identity alone
    number: int  # number in the International Tables; 0 if unknown
    average: NDArray[
        np.float64
    ]  # (6, 6) | takes a metric (aa, bb, cc, bc, ac, ab) to its mean over the group
    key: bytes  # the same for every list of these operations
    setting: (
        str  # the extended symbol of the setting with these operations, "P 1 21/n 1"; empty if none has them
    )


def group(triplets: tuple[str, ...]) -> Group:
    """The space group of the operations ``triplets`` (``-x,y+1/2,-z``).

    Raises:
        Rejected: ``symmetry``, where an operation cannot be read or the list is not closed: the identity or
            the product of two of its operations is missing.
    """
    found = _group(triplets)
    if isinstance(found, str):
        raise Rejected("symmetry", found)
    return found


@lru_cache(maxsize=256)
def completed(triplets: tuple[str, ...]) -> tuple[Group, Operations | None]:
    """The group that the operations ``triplets`` generate; and the listed operations, if they are only a part of it.

    Raises:
        Rejected: ``symmetry``, if an operation cannot be read or they generate no space group.
    """
    try:
        listed = [gemmi.Op(triplet) for triplet in triplets]
        generated = gemmi.GroupOps(listed)
        generated.add_missing_elements()
    except (ValueError, RuntimeError) as error:
        raise Rejected("symmetry", f"the symmetry operations make no group: {error}") from None
    whole = group(tuple(op.triplet() for op in generated))
    if whole.operations is None or len(whole.operations.rotations) <= len(set(triplets)):
        return whole, None
    rotations, translations = ([getattr(op, part) for op in listed] for part in ("rot", "tran"))
    return whole, Operations(np.array(rotations) / _DEN, np.array(translations) / _DEN)


@lru_cache(maxsize=2048)
def _group(triplets: tuple[str, ...]) -> Group | str:
    """The group, or a sentence why the list is no group; the cache keeps both."""
    if len(triplets) > MAX_OPERATIONS:
        return f"more than {MAX_OPERATIONS} operations are listed"
    listed = []
    for triplet in triplets:
        try:
            listed.append(gemmi.Op(triplet))
        except (ValueError, RuntimeError) as error:
            return f"the symmetry operation {triplet!r} cannot be read: {error}"
    if not listed:
        return "the list of symmetry operations is empty"
    scaled = np.array([op.rot for op in listed], dtype=np.int64)
    rotations, rest = np.divmod(scaled, _DEN)
    if rest.any() or (np.rint(np.abs(np.linalg.det(rotations))) != 1).any():
        return "a symmetry operation changes volume"
    translations = np.array([op.tran for op in listed], dtype=np.int64) % _DEN
    if fault := _not_closed(triplets, rotations, translations):
        return fault
    average = _average(rotations)
    different = np.unique(_hashes(rotations, translations))
    operations = (
        None if len(different) == 1 else Operations(rotations.astype(np.float64), translations / _DEN)
    )
    try:
        known = gemmi.find_spacegroup_by_ops(gemmi.GroupOps(listed))
    except (ValueError, RuntimeError):
        known = None
    if known is None:
        return Group(operations, _number(rotations, translations, average), average, different.tobytes(), "")
    return Group(operations, int(known.number), average, different.tobytes(), known.xhm())


def _hashes(rotations: NDArray[np.int64], translations: NDArray[np.int64]) -> NDArray[np.int64]:
    rows = np.concatenate((rotations.reshape(*rotations.shape[:-2], 9), translations), axis=-1)
    with np.errstate(over="ignore"):
        return np.asarray(rows @ _WEIGHTS)


def _not_closed(
    triplets: tuple[str, ...], rotations: NDArray[np.int64], translations: NDArray[np.int64]
) -> str:
    """A sentence about a product that is missing in the list; empty if the list is closed."""
    known = np.sort(_hashes(rotations, translations))
    identity = _hashes(np.eye(3, dtype=np.int64)[None], np.zeros((1, 3), dtype=np.int64))
    if not np.isin(identity, known).all():
        return "the listed symmetry operations are no group: the identity x,y,z is not among them"
    for i, (rotation, translation) in enumerate(zip(rotations, translations, strict=True)):
        products = _hashes(rotation @ rotations, (translations @ rotation.T + translation) % _DEN)
        place = np.searchsorted(known, products).clip(max=len(known) - 1)
        missing = known[place] != products
        if missing.any():
            first, second = triplets[i].strip(), triplets[int(np.argmax(missing))].strip()
            product = (gemmi.Op(first) * gemmi.Op(second)).wrap().triplet()
            return (
                f"the {len(triplets)} listed symmetry operations are no group: {first} after {second} is "
                f"{product}, which is not among them"
            )
    return ""


def _average(rotations: NDArray[np.int64]) -> NDArray[np.float64]:
    """The matrix (6, 6) that maps a metric G to the mean of Rᵀ G R over the ``rotations`` (n, 3, 3)."""
    rows, columns = np.array(_PAIRS).T
    average = np.empty((6, 6))
    for k, (i, j) in enumerate(_PAIRS):
        metric = np.zeros((3, 3))
        metric[i, j] = metric[j, i] = 1.0
        turned = (np.transpose(rotations, (0, 2, 1)) @ metric @ rotations).mean(axis=0)
        average[:, k] = turned[rows, columns]
    return average


def _number(
    rotations: NDArray[np.int64], translations: NDArray[np.int64], average: NDArray[np.float64]
) -> int:
    """The number of the space group in a setting that gemmi does not know, from spglib; 0 if unknown."""
    lattice = np.linalg.cholesky(_matrix(average @ (1.0, 1.3, 1.7, 0.05, 0.07, 0.11)))
    try:
        found = spglib.get_spacegroup_type_from_symmetry(
            rotations.astype(np.intc), translations / _DEN, lattice=lattice
        )
    except spglib.SpglibError:
        return 0
    return 0 if found is None else int(found.number)


def _matrix(metric: NDArray[np.float64]) -> NDArray[np.float64]:
    aa, bb, cc, bc, ac, ab = metric
    return np.array(((aa, ab, ac), (ab, bb, bc), (ac, bc, cc)))


def fits(group: Group, cell: tuple[float, ...]) -> bool:
    """Whether every operation maps the cell (lengths in Å, angles in degrees) onto itself: Rᵀ G R = G.

    The metric G is compared with its mean over the group, to within :data:`CELL_TOLERANCE`.
    """
    if group.operations is None:
        return True
    a, b, c = cell[:3]
    cosines = [math.cos(math.radians(angle)) for angle in cell[3:]]
    scale = np.array((a * a, b * b, c * c, b * c, a * c, a * b))
    metric = scale * (1.0, 1.0, 1.0, *cosines)
    apart = np.abs(group.average @ metric - metric)
    return bool((apart <= CELL_TOLERANCE * scale * (2.0, 2.0, 2.0, 1.0, 1.0, 1.0)).all())


def right_angles(group: Group, parameters: tuple[int, ...]) -> bool:
    """Whether the group forces 90° for all angles in ``parameters`` (3: alpha, 4: beta, 5: gamma)."""
    return bool((np.abs(group.average[list(parameters)]) < 1e-9).all())
