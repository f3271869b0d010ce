"""The step ``choose``: which of the judged candidates are relaxed.

Those that ``judge`` has left; and those that it lost as trained on, where what they are the same as is a crystal that
the first network drew itself to stand for its training set: nobody has ever relaxed that.
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
"""Between a find's id and the number of its copy in a table of training crystals."""


def run(settings: CampaignSettings, place: Round) -> Outcome:
    """Write the CIFs of those to ``chosen/cifs``."""
    rows = reading.rows(place.judged / JUDGED)
    chosen = _chosen(rows)
    cifs = CifSet(place.generated / CIFS)
    place.chosen.mkdir(parents=True, exist_ok=True)
    with CifSet(place.chosen / CIFS).replaced(settings.crystals) as add:
        for id in chosen:
            add(f"{id}.cif", cifs.read(f"{id}.cif"))
    return Outcome(f"chosen: {len(chosen):,} of {len(rows):,} candidates are relaxed")


def matched(row: reading.Row) -> str:
    """The training crystal that a candidate is the same as, without the number of its copy; empty where it is new."""
    return row[Judged.MATCH].partition(COPY)[0] if row[Judged.LOST] == Stage.NOT_TRAINED_ON else ""


def is_drawn(id: str) -> bool:
    """Whether a training crystal is one that the first network drew."""
    return id.startswith(replaying.PREFIXES[replaying.DRAWN])


def _chosen(rows: list[dict[str, Any]]) -> list[str]:
    """Ids, in the order of the table, of each composition one: the first that judge has left, else the first."""
    left = {row[Judged.FORMULA]: row[Judged.ID] for row in rows if not row[Judged.LOST]}
    for row in rows:
        if is_drawn(matched(row)):
            left.setdefault(row[Judged.FORMULA], row[Judged.ID])
    taken = set(left.values())
    return [row[Judged.ID] for row in rows if row[Judged.ID] in taken]
