"""The step ``training``: collects the crystals of a round's training, all finds so far and the replayed crystals."""

from collections.abc import Iterator
from typing import Any

from hpcvox.crystals.names import file_stem
from hpcvox.crystals.sources.cif_set import CifSet
from hpcvox.files import durable
from hpcvox.networks.vae.card import VAECard
from hpcvox.process.outcome import Outcome
from hpcvox.rounds import reading
from hpcvox.rounds.folders import CIFS, REPLAY, Round
from hpcvox.rounds.settings import CampaignSettings
from hpcvox.rounds.steps import placing, replaying
from hpcvox.rounds.steps.choosing import COPY
from hpcvox.rounds.summary import Find, predicted_column
from hpcvox.terminal import counted


def run(settings: CampaignSettings, place: Round, card: VAECard) -> Outcome:
    """Write ``training.csv``, the table of the crystals that the round's network is trained on."""
    replay = reading.rows(settings.out / REPLAY / replaying.TABLE)
    finds = list(_finds(settings, place, card))
    durable.write_csv(place.training, replaying.columns(card), [*finds, *replay])
    count = len(finds) // settings.repeat
    return Outcome(
        f"to train on: {counted(count, 'find')}, {counted(settings.repeat, 'time')} each, and "
        f"{counted(len(replay), 'replayed crystal')}; {place.training}"
    )


def _finds(settings: CampaignSettings, place: Round, card: VAECard) -> Iterator[dict[str, Any]]:
    """A row for each copy of each find of this round and of earlier ones; finds that are not as wanted are left out."""
    for number in range(1, place.number + 1):
        one = place._replace(number=number)
        cifs = CifSet(one.kept / CIFS)
        for row in reading.kept(one):
            if row[Find.WANTED] == "0":
                continue
            line = {placing.ROLE: "find", placing.CIF: cifs.read(f"{file_stem(row[Find.ID])}.cif").decode()}
            if card.condition is not None:
                line[card.condition] = row.get(predicted_column(card.condition)) or repr(
                    replaying.middle(card, int(row[Find.DECILE]))
                )
            for copy in range(settings.repeat):
                yield {placing.ID: row[Find.ID] + (f"{COPY}{copy + 1}" if copy else ""), **line}
