"""Converts crystals of ASE, pymatgen and files to records, with the readers of the sources, and back."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Union

from ase import Atoms

from hpcvox.crystals.formats.pymatgen_json import written
from hpcvox.crystals.known import structure
from hpcvox.crystals.parse import parse
from hpcvox.crystals.record import Crystal, Entry
from hpcvox.crystals.sources.source import open_source
from hpcvox.errors import ConfigError, Rejected

if TYPE_CHECKING:
    from pymatgen.core.structure import Structure

CrystalLike = Union[Atoms, "Structure", Crystal, str, Path]
"""A crystal of ASE or pymatgen, a record, or the path of a file with one crystal."""


def to_record(crystal: CrystalLike, number: int = 0) -> Crystal:
    """Convert a crystal to a record, with the same checks as crystals of sources.

    Args:
        crystal: an ``Atoms``, whose ``info`` may have an ``id`` and numbers, which become targets; a ``Structure``; a
            record; or the path of a file with one crystal.
        number: its place among others, which becomes the id of a crystal without one.

    Raises:
        Rejected: hpcvox cannot use the crystal; ``code`` says why.
        SourceError, ConfigError: the file cannot be read, or does not hold exactly one crystal.
    """
    if isinstance(crystal, Crystal):
        return crystal
    if isinstance(crystal, str | Path):
        found = [one for entry in open_source(crystal) for one in parse(entry)]
        if len(found) != 1:
            raise ConfigError(f"{crystal} holds {len(found)} crystals; give a file of one")
    else:
        found = parse(_entry(crystal, number))
    record = found[0]
    if not isinstance(record, Crystal):
        raise Rejected(record.code, f"{record.origin}: {record.message}")
    return record


def to_records(crystals: CrystalLike | Iterable[CrystalLike]) -> list[Crystal]:
    """Convert one crystal or several to records; see :func:`to_record`."""
    several = not isinstance(crystals, Atoms | Crystal | str | Path) and not hasattr(crystals, "as_dict")
    given: Any = crystals if several else [crystals]
    return [to_record(crystal, number) for number, crystal in enumerate(given)]


def to_ase(crystal: CrystalLike) -> Atoms:
    """Convert a crystal to ASE's ``Atoms``; its id and targets are in ``info``.

    Raises:
        Rejected: see :func:`to_record`.
    """
    record = to_record(crystal)
    info = {"id": record.id, **record.targets}
    return Atoms(record.numbers, scaled_positions=record.frac, cell=record.lattice, pbc=True, info=info)


def to_pymatgen(crystal: CrystalLike) -> "Structure":
    """Convert a crystal to pymatgen's ``Structure``.

    Raises:
        Rejected: see :func:`to_record`.
    """
    made: Structure = structure(to_record(crystal))
    return made


def _entry(crystal: Any, number: int) -> Entry:
    """Convert a crystal of ASE or pymatgen to an entry, as a source yields it."""
    if isinstance(crystal, Atoms):
        numbers = {
            key: float(value)
            for key, value in crystal.info.items()
            if isinstance(value, int | float) and not isinstance(value, bool)
        }
        name = str(crystal.info.get("id", f"{crystal.get_chemical_formula()}-{number}"))
        text = written(
            crystal.numbers.tolist(), crystal.positions.tolist(), crystal.cell.tolist(), crystal.pbc.tolist()
        )
        return Entry(number, name, name, text, {k: v for k, v in numbers.items() if k != "id"}, None, "json")
    if hasattr(crystal, "as_dict") and hasattr(crystal, "lattice"):
        name = f"{crystal.composition.reduced_formula}-{number}"
        return Entry(number, name, name, json.dumps(crystal.as_dict()).encode(), {}, None, "json")
    raise ConfigError(
        f"a {type(crystal).__name__} is no crystal: give an ase.Atoms, a pymatgen Structure, or the path of a file"
    )
