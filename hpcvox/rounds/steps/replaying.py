"""The step ``replay``: chooses the crystals that every training has beside the finds.

These are crystals that the first network was trained on: those that the user names, or those of the shard set of that
training.  If there are neither, as for a network that comes with hpcvox, the network itself draws crystals of every
condition in their place (generative replay, Shin et al. 2017, arXiv:1705.08690).
"""

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

import xxhash

from hpcvox.crystals.formats.cif.writing import cif_text
from hpcvox.crystals.parse import parse
from hpcvox.crystals.record import Crystal
from hpcvox.crystals.sources.cif_set import CifSet
from hpcvox.crystals.sources.source import open_source
from hpcvox.errors import CheckpointError, ConfigError, ShardError
from hpcvox.files import durable
from hpcvox.generation.candidates import CIFS
from hpcvox.generation.judging.summary import TABLE as JUDGED
from hpcvox.generation.judging.summary import Column as Judged
from hpcvox.generation.judging.trained_on import training_crystals
from hpcvox.networks.vae.card import VAECard
from hpcvox.process.outcome import Outcome
from hpcvox.relaxation.symmetry import symmetric
from hpcvox.rounds import reading
from hpcvox.rounds.folders import REPLAY
from hpcvox.rounds.settings import CampaignSettings
from hpcvox.rounds.steps import crystals, placing
from hpcvox.terminal import counted

TABLE: Final = "replay.csv"

GIVEN, OWN, DRAWN = "given", "training", "drawn"
"""Where the replayed crystals come from: the user names them, the shard set has them, or the network draws them."""

_WORDS: Final = {
    GIVEN: "from {settings.replay}",
    OWN: "from the training of {settings.model}",
    DRAWN: "drawn by {settings.model}, because those that it was trained on are not here",
}

PREFIXES: Final = {origin: f"{origin}-" for origin in (GIVEN, OWN, DRAWN)}
"""What their ids begin with in a table of training crystals, by where they come from."""


class Replayed(NamedTuple):
    """A replayed crystal."""

    crystal: Crystal
    condition: float | None
    """Its value of the condition, in the unit of the target; None if the network has no condition."""


def comes_from(settings: CampaignSettings) -> str:
    """Where the replayed crystals come from: :data:`GIVEN`, :data:`OWN` or :data:`DRAWN`."""
    if settings.replay is not None:
        return GIVEN
    try:
        next(training_crystals(settings.model, None), None)
    except (CheckpointError, ShardError):
        return DRAWN
    return OWN


def run(settings: CampaignSettings, card: VAECard) -> Outcome:
    """Write the table of the replayed crystals.

    Raises:
        ConfigError: no crystal that the user names has a value of the condition.
        SourceError: the source that the user names cannot be opened.
    """
    origin = comes_from(settings)
    found = {GIVEN: _given, OWN: _own, DRAWN: _drawn}[origin](settings, card)
    # the choice depends on ids and seed alone, not on the order of the source
    ranked = sorted(
        found, key=lambda one: xxhash.xxh3_64_intdigest(f"{settings.seed} {one.crystal.id}".encode())
    )
    chosen = ranked[: settings.replayed]
    table = settings.out / REPLAY / TABLE
    durable.write_csv(table, columns(card), [_row(one, card, origin) for one in chosen])
    return Outcome(
        f"{counted(len(chosen), 'crystal')} to replay, {_WORDS[origin].format(settings=settings)}; {table}"
    )


def columns(card: VAECard) -> list[str]:
    """The columns of a table of training crystals."""
    condition = [] if card.condition is None else [card.condition]
    return [placing.ID, placing.ROLE, *condition, placing.CIF]


def middle(card: VAECard, decile: int) -> float:
    """The middle of bin ``decile`` of the condition, in the unit of the target."""
    return (card.edges[decile] + card.edges[decile + 1]) / 2


def _row(one: Replayed, card: VAECard, origin: str) -> dict[str, Any]:
    row: dict[str, Any] = {
        placing.ID: f"{PREFIXES[origin]}{one.crystal.id}",
        placing.ROLE: "replay",
        placing.CIF: cif_text(one.crystal),
    }
    if card.condition is not None:
        row[card.condition] = repr(one.condition)
    return row


def _given(settings: CampaignSettings, card: VAECard) -> Iterator[Replayed]:
    assert settings.replay is not None
    targets = [] if card.condition is None else [card.condition]
    any_value = False
    for entry in open_source(settings.replay, targets=targets):
        for crystal in parse(entry):
            if isinstance(crystal, Crystal):
                value = None if card.condition is None else crystal.targets.get(card.condition)
                if card.condition is None or value is not None:
                    any_value = True
                    yield Replayed(crystal, value)
    if not any_value:
        raise ConfigError(
            f"replay: no crystal of {settings.replay} has a value of {card.condition}, the condition of "
            f"{settings.model}: name the crystals that it was trained on, or set replay=null"
        )


def _own(settings: CampaignSettings, card: VAECard) -> Iterator[Replayed]:
    for crystal in training_crystals(settings.model, None):
        value = None if card.condition is None else crystal.targets.get(card.condition)
        if card.condition is None or value is not None:
            yield Replayed(crystal, value)


def _drawn(settings: CampaignSettings, card: VAECard) -> Iterator[Replayed]:
    folder = settings.out / REPLAY / "judged"
    cifs = CifSet(folder / CIFS)
    for row in reading.rows(folder / JUDGED):
        if row[Judged.LOST] or (crystal := crystals.crystal_of(cifs, row[Judged.ID])) is None:
            continue
        # else the network would learn that sites are a little off
        if settings.relax.symprec:
            crystal = symmetric(crystal, settings.relax.symprec)
        value = None if card.condition is None else middle(card, int(row[Judged.DECILE]))
        yield Replayed(crystal, value)
