"""The step ``training``: collects the crystals of a round's training, all finds so far and the replayed crystals."""

from collections.abc import Iterator
from typing import Any

from hpcvox.crystals.formats.cif.writing import cif_text
from hpcvox.crystals.names import file_stem
from hpcvox.crystals.record import Crystal
from hpcvox.crystals.sources.cif_set import CifSet
from hpcvox.errors import Rejected
from hpcvox.featurize.density import DensitySampler
from hpcvox.files import durable
from hpcvox.networks.vae.card import VAECard
from hpcvox.process.outcome import Outcome
from hpcvox.relaxation.symmetry import symmetric
from hpcvox.rounds import reading
from hpcvox.rounds.folders import CIFS, REPLAY, Round
from hpcvox.rounds.settings import CampaignSettings
from hpcvox.rounds.steps import crystals, placing, replaying
from hpcvox.rounds.steps.choosing import COPY
from hpcvox.rounds.summary import Find, predicted_column
from hpcvox.terminal import counted


def run(settings: CampaignSettings, place: Round, card: VAECard) -> Outcome:
    """Write ``training.csv``, the table of the crystals that the round's network is trained on."""
    replay = reading.rows(settings.out / REPLAY / replaying.TABLE)
    finds = list(_finds(settings, place, card))
    durable.write_csv(place.training, replaying.columns(card), [*finds, *replay])
    count = len(finds) // settings.repeat
    drawn = sum(row[placing.ROLE] == placing.AS_DRAWN for row in finds) // settings.repeat
    return Outcome(
        f"to train on: {counted(count, 'find')}, {counted(settings.repeat, 'time')} each"
        + (f" ({drawn:,} as drawn, for their relaxed cells are no shape of these voxels)" if drawn else "")
        + f", and {counted(len(replay), 'replayed crystal')}; {place.training}"
    )


def _finds(settings: CampaignSettings, place: Round, card: VAECard) -> Iterator[dict[str, Any]]:
    """A row for each copy of each find of this round and of earlier ones; finds that are not as wanted are left out."""
    sampler = DensitySampler(placing.featurize(settings, place, card))
    for number in range(1, place.number + 1):
        one = place._replace(number=number)
        cifs = CifSet(one.kept / CIFS)
        for row in reading.kept(one):
            if row[Find.WANTED] == "0":
                continue
            role, text = "find", cifs.read(f"{file_stem(row[Find.ID])}.cif").decode()
            relaxed = crystals.crystal_of(cifs, row[Find.ID])
            if relaxed is not None and not _fits(sampler, relaxed):
                drawn = crystals.crystal_of(CifSet(one.generated / CIFS), row[Find.CANDIDATE])
                if drawn is not None:
                    # 0: none is looked for
                    symprec = settings.relax.symprec
                    role, text = placing.AS_DRAWN, cif_text(symmetric(drawn, symprec) if symprec else drawn)
            line = {placing.ROLE: role, placing.CIF: text}
            if card.condition is not None:
                line[card.condition] = row.get(predicted_column(card.condition)) or repr(
                    replaying.middle(card, int(row[Find.DECILE]))
                )
            for copy in range(settings.repeat):
                yield {placing.ID: row[Find.ID] + (f"{COPY}{copy + 1}" if copy else ""), **line}


def _fits(sampler: DensitySampler, crystal: Crystal) -> bool:
    """Whether the cell has a shape that the voxels of the training can have."""
    try:
        sampler.prepare(crystal)
    except Rejected:
        return False
    return True
