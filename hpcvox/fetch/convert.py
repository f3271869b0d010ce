"""Converts a structure of OPTIMADE to a record with a pymatgen structure, for ``sources.json_files.structures``.

The reader of the record decides whether a crystal can be used: partial occupancies, molecules and unknown elements are
written unchanged.  Only structures that the record cannot express are rejected here.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from hpcvox.errors import Rejected

FIELDS: Final = (
    "lattice_vectors",
    "cartesian_site_positions",
    "species",
    "species_at_sites",
    "dimension_types",
    "structure_features",
    "assemblies",
)
"""Fields of a structure that are requested."""


def identifier(entry: Any) -> str:
    """The id of an entry; empty if it has none."""
    value = entry.get("id") if isinstance(entry, dict) else None
    return str(value).strip() if isinstance(value, str | int) and not isinstance(value, bool) else ""


def record(entry: Any, properties: Sequence[str]) -> dict[str, Any]:
    """``{"id": ..., "structure": {...}, property: number, ...}`` of one entry of an answer's ``data``.

    Positions in Å.  A property that the entry lacks, or that is no number, has no key.

    Raises:
        Rejected: ``no-id``, ``no-structure``, ``coordinates``, ``element``, ``occupancy``, ``disordered``.
    """
    name = identifier(entry)
    if not name:
        raise Rejected("no-id", "the entry has no id")
    attributes = entry.get("attributes")
    if not isinstance(attributes, dict):
        raise Rejected("no-structure", "the entry has no attributes")
    return {"id": name, "structure": _structure(attributes), **numbers(attributes, properties)}


def numbers(attributes: Mapping[str, Any], properties: Sequence[str]) -> dict[str, int | float]:
    """The values of ``properties`` that are numbers."""
    return {key: attributes[key] for key in properties if _is_number(attributes.get(key))}


def _structure(attributes: Mapping[str, Any]) -> dict[str, Any]:
    features = attributes.get("structure_features")
    features = features if isinstance(features, list) else []
    if attributes.get("assemblies") or "assemblies" in features:
        raise Rejected("disordered", "groups of sites exclude each other (assemblies)")
    if "implicit_atoms" in features:
        raise Rejected("no-structure", "some atoms have no positions (implicit_atoms)")
    vectors = attributes.get("lattice_vectors")
    if not isinstance(vectors, list):
        raise Rejected("no-structure", "the database gives no lattice vectors")
    positions, names = attributes.get("cartesian_site_positions"), attributes.get("species_at_sites")
    if not isinstance(positions, list) or not isinstance(names, list):
        raise Rejected("no-structure", "the database gives no positions and species of sites")
    if len(positions) != len(names):
        raise Rejected("coordinates", f"{len(positions)} positions for {len(names)} sites")
    species = _species(attributes.get("species"))
    lattice: dict[str, Any] = {"matrix": vectors}
    dimensions = attributes.get("dimension_types")
    if isinstance(dimensions, list):
        lattice["pbc"] = [value == 1 for value in dimensions]
    sites = []
    for name, position in zip(names, positions, strict=True):
        here = [{"element": name, "occu": 1.0}] if species is None else _find(species, name)
        if here:  # otherwise the site is vacant
            sites.append({"species": here, "xyz": position})
    return {"lattice": lattice, "sites": sites}


def _find(species: Mapping[str, list[dict[str, Any]]], name: Any) -> list[dict[str, Any]]:
    if not isinstance(name, str) or name not in species:
        raise Rejected("element", f"the species {str(name)[:40]!r} of a site is not described")
    return species[name]


def _species(given: Any) -> dict[str, list[dict[str, Any]]] | None:
    """Elements and occupancies by the name of the species; None if there are only names."""
    if given is None:
        return None
    found: dict[str, list[dict[str, Any]]] = {}
    for one in given if isinstance(given, list) else [given]:
        symbols, shares = (
            one.get(key) if isinstance(one, dict) else None for key in ("chemical_symbols", "concentration")
        )
        if not isinstance(symbols, list) or not isinstance(shares, list) or len(symbols) != len(shares):
            raise Rejected("occupancy", "a species does not say how much of which elements it is")
        if one.get("attached"):
            raise Rejected("no-structure", "some atoms have no positions (attached to a species)")
        found[str(one.get("name"))] = [
            {"element": symbol, "occu": share}
            for symbol, share in zip(symbols, shares, strict=True)
            if symbol != "vacancy"
        ]
    return found


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < float("inf")
