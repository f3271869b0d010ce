"""Reads and writes structures in pymatgen's JSON.

Only the lattice and the sites are read.  pymatgen's own decoder is not used: it imports any module that the text names,
and the text may come from a stranger.
"""

import json
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hpcvox.crystals.cells import lattice_from_parameters
from hpcvox.crystals.checks import StatedCell, array, check_count, check_periodic, element, fractional
from hpcvox.crystals.elements import SYMBOLS
from hpcvox.crystals.limits import MAX_PARTS, too_many_parts
from hpcvox.errors import Rejected

_PARAMETERS = ("a", "b", "c", "alpha", "beta", "gamma")
_ONCE: Final = ('"lattice"', '"matrix"', '"sites"')
_SAME: Final = 0.01
"""Tolerance of a length (relative) and of an angle's cosine."""
_SAME_PLACE_A: Final = 0.1


def read(text: bytes) -> StatedCell:
    """Read the cell of a structure, or of an object that has one under the key ``structure``.

    A site that several elements share gives a row for each element, with its occupancy.

    Raises:
        Rejected: ``json-syntax``, ``no-structure``, ``cell``, ``element``, ``coordinates``,
            ``occupancy``, ``too-many-sites``, ``too-large``.
    """
    value = _loaded(text)
    if isinstance(value, dict) and "structure" in value:
        value = value["structure"]
        value = _loaded(value) if isinstance(value, str) else value
    if isinstance(value, list):
        raise Rejected(
            "no-structure",
            "a list, not an object with a structure; of a pandas frame, write orient='records'",
        )
    if not isinstance(value, dict) or not isinstance(value.get("sites"), list) or "lattice" not in value:
        raise Rejected("no-structure", "there is no structure (an object with a lattice and a list of sites)")
    sites = value["sites"]
    check_count(len(sites))
    lattice = _lattice(value["lattice"])
    numbers: list[int] = []
    owner: list[int] = []
    occupancy: list[float] = []
    for i, site in enumerate(sites):
        for number, amount in _species(i, site):
            numbers.append(number)
            owner.append(i)
            occupancy.append(amount)
    if not numbers:
        raise Rejected("no-structure", "there are no atoms")
    return StatedCell(
        lattice,
        _frac(sites, lattice)[owner],
        np.array(numbers, dtype=np.uint8),
        np.array(occupancy, dtype=np.float64),
    )


def written(
    numbers: Sequence[int],
    positions: Sequence[Sequence[float]],
    lattice: Sequence[Sequence[float]],
    periodic: Sequence[bool],
) -> bytes:
    """JSON text of atoms at ``positions`` (k, 3) in Å in the cell ``lattice`` (3, 3); :func:`read` reads it exactly."""
    symbols = [SYMBOLS[z] if 0 < z < len(SYMBOLS) else str(z) for z in numbers]
    sites = [
        {"species": [{"element": symbol}], "xyz": place}
        for symbol, place in zip(symbols, positions, strict=True)
    ]
    return json.dumps({"lattice": {"matrix": lattice, "pbc": periodic}, "sites": sites}).encode()


def _loaded(text: bytes | str) -> Any:
    if too_many_parts(text):
        raise Rejected("too-large", f"the structure has more than {MAX_PARTS:,} brackets and commas")
    try:
        return json.loads(text, object_pairs_hook=_object if _doubled(text) else None)
    except (ValueError, RecursionError) as error:  # text that is not UTF-8 also raises ValueError
        python = text.lstrip()[:2] in ("{'", b"{'")
        hint = " (a dictionary as Python prints it: write it by json.dumps)" if python else ""
        raise Rejected("json-syntax", f"not valid JSON: {str(error)[:200]}{hint}") from None


def _doubled(text: bytes | str) -> bool:
    """Whether a key that a structure has once occurs twice in its text."""
    if isinstance(text, bytes):
        return any(text.count(key.encode()) > 1 for key in _ONCE)
    return any(text.count(key) > 1 for key in _ONCE)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Make an object of JSON pairs, and check that no key has two different values.

    Raises:
        Rejected: ``json-syntax``.
    """
    found = dict(pairs)
    for key, value in pairs if len(found) < len(pairs) else ():
        if value != found[key]:
            raise Rejected("json-syntax", f"an object says {key[:40]!r} twice, with different values")
    return found


def _lattice(value: Any) -> NDArray[np.float64]:
    if not isinstance(value, dict):
        raise Rejected("cell", "the lattice must be an object with its matrix")
    pbc = value.get("pbc")
    check_periodic(pbc if isinstance(pbc, list) else ())
    stated = all(name in value for name in _PARAMETERS)
    if "matrix" in value:
        matrix = array(value["matrix"], 3, "cell", "the matrix of the lattice")
        if len(matrix) != 3:
            raise Rejected("cell", f"the matrix of the lattice has {len(matrix)} rows, not 3")
        if np.isfinite(matrix).all() and matrix.any(axis=1).all():
            if stated:
                _check_parameters(matrix, value)
            _check_volume(matrix, value.get("volume"))
        return matrix
    if not stated:
        raise Rejected("cell", "the lattice has neither a matrix nor lengths and angles")
    (parameters,) = array([[value[name] for name in _PARAMETERS]], 6, "cell", "lengths and angles").tolist()
    try:
        return lattice_from_parameters(*parameters)
    except ValueError as error:
        raise Rejected("cell", str(error)) from None


def _check_volume(matrix: NDArray[np.float64], stated: Any) -> None:
    """Raises ``Rejected("cell")`` where the volume beside a matrix (3, 3) is a number, and not that of its rows."""
    volume = abs(float(np.linalg.det(matrix)))
    if isinstance(stated, int | float) and abs(stated - volume) > _SAME * volume:
        raise Rejected("cell", f"the lattice has a volume of {stated:g} Å³, and a matrix of {volume:.6g} Å³")


def _check_parameters(matrix: NDArray[np.float64], value: dict[str, Any]) -> None:
    """Raise ``Rejected("cell")`` if the stated lengths and angles differ from those of the matrix (3, 3)."""
    (stated,) = array([[value[name] for name in _PARAMETERS]], 6, "cell", "lengths and angles of the lattice")
    lengths = np.linalg.norm(matrix, axis=1)
    cosines = (matrix @ matrix.T)[(1, 0, 0), (2, 2, 1)] / (lengths[[1, 0, 0]] * lengths[[2, 2, 1]])
    told = np.cos(np.radians(stated[3:]))
    if not (
        (np.abs(stated[:3] - lengths) <= _SAME * lengths).all() and (np.abs(told - cosines) <= _SAME).all()
    ):
        own = [*lengths, *np.degrees(np.arccos(cosines))]
        listed = [", ".join(f"{number:.6g}" for number in six) for six in (stated, own)]
        raise Rejected(
            "cell", f"the lattice has a, b, c, α, β, γ of {listed[0]}, and a matrix of {listed[1]}"
        )


def _species(i: int, site: Any) -> list[tuple[int, float]]:
    """Atomic numbers and occupancies of one site."""
    species = site.get("species") if isinstance(site, dict) else None
    if not isinstance(species, list) or not species or not all(isinstance(one, dict) for one in species):
        raise Rejected("element", f"site {i + 1} has no list of species")
    found = []
    for one in species:
        amount = one.get("occu", 1.0)
        if isinstance(amount, bool) or not isinstance(amount, int | float):
            raise Rejected("occupancy", f"site {i + 1} has occupancy {str(amount)[:40]!r}")
        found.append((element(one.get("element")), min(float(amount), 1e9)))
    return found


def _frac(sites: list[Any], lattice: NDArray[np.float64]) -> NDArray[np.float64]:
    """Fractional coordinates (n, 3), computed from positions if the sites have only these; both must agree."""
    frac: NDArray[np.float64] | None = None
    if all("abc" in site for site in sites):
        frac = array([site["abc"] for site in sites], 3, "coordinates", "the abc of each site")
    if all("xyz" in site for site in sites):
        positions = array([site["xyz"] for site in sites], 3, "coordinates", "the xyz of each site")
        by_xyz = fractional(positions, lattice)
        if frac is None:
            return by_xyz
        apart = by_xyz - frac
        distances = np.linalg.norm((apart - np.rint(apart)) @ lattice, axis=1)
        if (distances > _SAME_PLACE_A).any():
            k = int(np.argmax(distances))
            raise Rejected(
                "coordinates",
                f"site {k + 1} is at {frac[k].tolist()} by its abc, which is {distances[k]:.3g} Å from its xyz",
            )
    if frac is None:
        raise Rejected("coordinates", "not every site has its coordinates (abc)")
    return frac
