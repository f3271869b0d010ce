"""The final selection: the finds that are lowest above the hull, relaxed by calculators that are slow and good."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hpcvox.config import Settings
from hpcvox.crystals.sources.cif_set import CifSet
from hpcvox.relaxation.summary import TABLE, RelaxSummary, bare
from hpcvox.rounds import reading, saying
from hpcvox.rounds.folders import CIFS, FINAL, FINDS
from hpcvox.rounds.settings import CampaignSettings
from hpcvox.rounds.summary import Find
from hpcvox.stability import references
from hpcvox.stability.settings import HullSettings
from hpcvox.terminal import counted


def choose(settings: CampaignSettings) -> int:
    """Write the CIFs of the finds that are selected to ``final/chosen/cifs``; return how many there are."""
    if not settings.final.stages:
        return 0
    chosen = saying.lowest(reading.rows(settings.out / FINDS))[: settings.final.most]
    cifs = CifSet(settings.out / CIFS)
    place = _folder(settings, "chosen")
    place.mkdir(parents=True, exist_ok=True)
    with CifSet(place / CIFS).replaced(settings.crystals) as add:
        for row in chosen:
            add(name := Path(row[Find.CIF]).name, cifs.read(name))
    return len(chosen)


def jobs(settings: CampaignSettings) -> Iterator[tuple[str, Settings]]:
    """The verbs of the selection, each as the module that runs it and its settings.

    ``hull`` is one of them if the references have energies by one of the calculators.
    """
    ours: dict[str, Any] = {
        "source": CifSet(_folder(settings, "chosen") / CIFS).place,
        "out": _folder(settings, "relaxed"),
        "stages": settings.final.stages,
        # a find has its symmetry already
        "symprec": 0.0,
        "limit": 0,
    }
    form = {} if "crystals" in settings.relax.model_fields_set else {"crystals": settings.crystals}
    relaxed = settings.relax.model_copy(update=ours | form)
    yield "hpcvox.relaxation.job", relaxed
    known = references.calculators(settings.references or references.SHIPPED)
    names = [bare(stage.calculator) for stage in settings.final.stages]
    if placed := [name for name in dict.fromkeys(names) if name in known]:
        hull = HullSettings(
            relaxed=relaxed.out,
            out=_folder(settings, "hull"),
            references=settings.references,
            calculators=placed,
            metastable=settings.keep,
        )
        yield "hpcvox.stability.job", hull


def told(settings: CampaignSettings) -> str:
    """What came out, in one line; empty if there was no selection."""
    place = _folder(settings, "relaxed")
    summary = RelaxSummary.load(place) if settings.final.stages else None
    if summary is None:
        return ""
    outcomes = ", ".join(f"{count:,} {outcome}" for outcome, count in summary.outcomes.items())
    names = " and ".join(stage.calculator for stage in settings.final.stages)
    return f"final selection: {counted(summary.crystals, 'find')} by {names}: {outcomes} ({place / TABLE})"


def _folder(settings: CampaignSettings, name: str) -> Path:
    return settings.out / FINAL / name
