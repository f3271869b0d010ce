"""The step ``choose``: decides which of the judged candidates are relaxed.

These are the candidates that ``judge`` has left.  To them come candidates that ``judge`` has lost because they match a
training crystal, if the first network has drawn that crystal itself in place of its training set: nobody has ever
relaxed such a crystal.
"""

from typing import Any, Final

from hpcvox.crystals.sources.cif_set import CifSet
from hpcvox.generation.candidates import CIFS
from hpcvox.generation.judging.summary import TABLE as JUDGED
from hpcvox.generation.judging.summary import Column as Judged
from hpcvox.generation.judging.summary import Stage
from hpcvox.process.outcome import Outcome
from hpcvox.rounds import reading
from hpcvox.rounds.folders import Round
from hpcvox.rounds.settings import CampaignSettings
from hpcvox.rounds.steps import replaying

COPY: Final = "#"
"""In a table of training crystals this stands between the id of a find and the number of its copy."""


def run(settings: CampaignSettings, place: Round) -> Outcome:
    """Write the CIFs of the candidates that are to be relaxed to ``chosen/cifs``."""
    rows = reading.rows(place.judged / JUDGED)
    chosen = _chosen(rows)
    cifs = CifSet(place.generated / CIFS)
    place.chosen.mkdir(parents=True, exist_ok=True)
    with CifSet(place.chosen / CIFS).replaced(settings.crystals) as add:
        for id in chosen:
            add(f"{id}.cif", cifs.read(f"{id}.cif"))
    return Outcome(f"chosen: {len(chosen):,} of {len(rows):,} candidates are to be relaxed")


def matched(row: reading.Row) -> str:
    """The id of the training crystal that a candidate matches, without the number of a copy; empty if there is none."""
    return row[Judged.MATCH].partition(COPY)[0] if row[Judged.LOST] == Stage.NOT_TRAINED_ON else ""


def is_drawn(id: str) -> bool:
    """Whether the first network has drawn the training crystal of this id."""
    return id.startswith(replaying.PREFIXES[replaying.DRAWN])


def _chosen(rows: list[dict[str, Any]]) -> list[str]:
    """The ids to relax, in the order of the table: of each composition one, if possible one that ``judge`` has left."""
    left = {row[Judged.FORMULA]: row[Judged.ID] for row in rows if not row[Judged.LOST]}
    for row in rows:
        if is_drawn(matched(row)):
            left.setdefault(row[Judged.FORMULA], row[Judged.ID])
    taken = set(left.values())
    return [row[Judged.ID] for row in rows if row[Judged.ID] in taken]
