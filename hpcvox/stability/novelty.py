"""Tells which relaxed crystals are unique, and which are novel: no known crystal matches them."""

from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from hpcvox.crystals.known import Known
from hpcvox.crystals.parse import parse
from hpcvox.crystals.record import CANDIDATE, Crystal, Entry
from hpcvox.crystals.sources.cif_set import CifSet
from hpcvox.errors import SourceError
from hpcvox.progress import Progress
from hpcvox.stability.fingerprints import NONE, fingerprint
from hpcvox.stability.summary import Column


def tell(rows: Sequence[dict[str, Any]], relaxed: Path, sources: Sequence[Path]) -> None:
    """Fill the columns of uniqueness and novelty in the rows that have a verdict.

    A relaxed crystal is unique if it matches no unique crystal before it, and novel if it matches no known crystal.
    pymatgen's ``StructureMatcher`` compares them (:meth:`hpcvox.crystals.known.Known.match`).  By formula
    or by fingerprint it is novel if no known crystal has the same one.

    Args:
        rows: the rows of ``hull.csv``, changed in place.
        relaxed: the folder of ``hpcvox relax``.
        sources: the sources of known crystals.

    Raises:
        SourceError: a source cannot be opened, or the file of a relaxed crystal is gone.
    """
    chosen = [row for row in rows if row[Column.VERDICT]]
    formulas = {str(row[Column.FORMULA]) for row in chosen}
    known = [Known.of_source(source, formulas) for source in sources]
    seen = Known(())

    @cache
    def fingerprints(formula: str) -> set[str]:
        return {fingerprint(other) for one in known for other in one.of_formula(formula)}

    with Progress("hull: novelty", len(chosen), "crystals") as progress:
        for row, crystal in crystals(chosen, relaxed):
            twin = seen.match(crystal)
            matches = [match for one in known if (match := one.match(crystal)) is not None]
            if twin is None:
                seen.add(crystal)
            nearest = min(matches, key=lambda match: match.rms, default=twin)
            label = fingerprint(crystal)
            row |= {
                Column.UNIQUE: int(twin is None),
                Column.NOVEL: int(not matches),
                Column.NOVEL_FORMULA: int(not any(one.has(crystal.formula) for one in known)),
                Column.FINGERPRINT: label,
                Column.NOVEL_FINGERPRINT: ""
                if label == NONE
                else int(label not in fingerprints(crystal.formula)),
                Column.MATCH: "" if nearest is None else nearest.id,
            }
            progress.advance(1)


def crystals(rows: Sequence[dict[str, Any]], relaxed: Path) -> Iterator[tuple[dict[str, Any], Crystal]]:
    """Yield each row with its relaxed crystal.

    Args:
        rows: rows of ``hull.csv`` whose crystals have a CIF.
        relaxed: the folder of ``hpcvox relax``.

    Raises:
        SourceError: the file of a crystal is gone.
    """
    cifs = CifSet(relaxed / "cifs")
    for number, row in enumerate(rows):
        name = Path(row[Column.CIF]).name
        try:
            text = cifs.read(name)
        except OSError as error:
            raise SourceError(
                f"relaxed: {cifs.path(name)} cannot be read: {error.strerror}; run hpcvox relax again"
            ) from None
        for found in parse(Entry(number, row[Column.ID], name, text, {}, None, CANDIDATE)):
            if isinstance(found, Crystal):
                yield row, found
