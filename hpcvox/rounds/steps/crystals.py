"""Reads the crystals that tables of a campaign name."""

from collections.abc import Iterable, Iterator

from hpcvox.crystals.known import Known
from hpcvox.crystals.names import file_stem
from hpcvox.crystals.parse import parse
from hpcvox.crystals.record import CANDIDATE, Crystal, Entry
from hpcvox.crystals.sources.cif_set import CifSet
from hpcvox.rounds.folders import CIFS, Round
from hpcvox.rounds.reading import kept
from hpcvox.rounds.summary import Find


def crystal_of(cifs: CifSet, id: str) -> Crystal | None:
    """The crystal of the CIF that is named after ``id``; None if there is none that can be read."""
    name = f"{file_stem(id)}.cif"
    try:
        text = cifs.read(name)
    except OSError:
        return None
    found = parse(Entry(0, id, f"{cifs.folder}/{name}", text, {}, None, CANDIDATE))
    return next((one for one in found if isinstance(one, Crystal)), None)


def finds_before(place: Round, formulas: Iterable[str]) -> Known:
    """The finds of all rounds before this one, if they have one of these reduced formulas."""
    return Known(_of_formulas(place, set(formulas)))


def _of_formulas(place: Round, formulas: set[str]) -> Iterator[Crystal]:
    for number in range(1, place.number):
        earlier = place._replace(number=number)
        cifs = CifSet(earlier.kept / CIFS)
        for row in kept(earlier):
            if row[Find.FORMULA] in formulas and (crystal := crystal_of(cifs, row[Find.ID])) is not None:
                yield crystal
