"""Tells which relaxed crystals are unique, and which are novel: no known crystal matches them."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from hpcvox.crystals.known import Known
from hpcvox.crystals.parse import parse
from hpcvox.crystals.record import CANDIDATE, Crystal, Entry
from hpcvox.crystals.sources.cif_set import CifSet
from hpcvox.errors import SourceError
from hpcvox.stability.fingerprints import NONE, fingerprint
from hpcvox.stability.summary import Column


class Novelty:
    """Compares relaxed crystals of one formula with each other, in their order, and with known ones of this formula.

    A relaxed crystal is unique if it matches no unique crystal before it, and novel if it matches no known crystal.
    pymatgen's ``StructureMatcher`` compares them (:meth:`hpcvox.crystals.known.Known.match`).  By formula
    or by fingerprint it is novel if no known crystal has the same one.
    """

    def __init__(self, known: Sequence[Sequence[Crystal]]) -> None:
        """Take the known crystals of this formula, of each source."""
        self._known = [Known(crystals) for crystals in known]
        self._any = any(known)
        self._seen = Known(())
        self._fingerprints = {fingerprint(other) for crystals in known for other in crystals}

    def columns(self, crystal: Crystal) -> dict[str, Any]:
        """The columns of uniqueness and novelty of the next crystal."""
        twin = self._seen.match(crystal)
        matches = [match for one in self._known if (match := one.match(crystal)) is not None]
        if twin is None:
            self._seen.add(crystal)
        nearest = min(matches, key=lambda match: match.rms, default=twin)
        label = fingerprint(crystal)
        return {
            Column.UNIQUE: int(twin is None),
            Column.NOVEL: int(not matches),
            Column.NOVEL_FORMULA: int(not self._any),
            Column.FINGERPRINT: label,
            Column.NOVEL_FINGERPRINT: "" if label == NONE else int(label not in self._fingerprints),
            Column.MATCH: "" if nearest is None else nearest.id,
        }


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
