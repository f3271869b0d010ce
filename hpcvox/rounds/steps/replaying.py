"""What every training has beside the finds: crystals that the first network was trained on, or what stands for them.

Where neither the user names them nor the shard set of that training is there, as with a network that comes with
hpcvox, the network itself draws crystals of every condition (generative replay, Shin et al. 2017, arXiv:1705.08690).
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

TABLE: Final = "replay.csv"

GIVEN, OWN, DRAWN = "given", "training", "drawn"
"""Where crystals that are replayed come from: the user names them, the shard set has them, or the network drew them."""

_WORDS: Final = {
    GIVEN: "of {settings.replay}",
    OWN: "of those that {settings.model} was trained on",
    DRAWN: "drawn by {settings.model} in the place of those that it was trained on, which are not here",
}

PREFIXES: Final = {origin: f"{origin}-" for origin in (GIVEN, OWN, DRAWN)}
"""Of their ids among training crystals, by where they come from."""


class Replayed(NamedTuple):
    """A crystal that is replayed."""

    crystal: Crystal
    condition: float | None
    """Its value of the condition; None where there is no condition."""


def comes_from(settings: CampaignSettings) -> str:
    """Where the crystals that are replayed come from."""
    if settings.replay is not None:
        return GIVEN
    try:
        next(training_crystals(settings.model, None), None)
    except (CheckpointError, ShardError):
        return DRAWN
    return OWN


def run(settings: CampaignSettings, card: VAECard) -> Outcome:
    """Write the table of what is replayed.

    Raises:
        ConfigError: the crystals that the user names have no value of the condition.
    """
    origin = comes_from(settings)
    found = {GIVEN: _given, OWN: _own, DRAWN: _drawn}[origin](settings, card)
    # which ones depends on their ids and the seed alone, not on the order of a source
    ranked = sorted(
        found, key=lambda one: xxhash.xxh3_64_intdigest(f"{settings.seed} {one.crystal.id}".encode())
    )
    chosen = ranked[: settings.replayed]
    table = settings.out / REPLAY / TABLE
    durable.write_csv(table, columns(card), [_row(one, card, origin) for one in chosen])
    return Outcome(
        f"to replay: {len(chosen):,} crystals, {_WORDS[origin].format(settings=settings)}; {table}"
    )


def columns(card: VAECard) -> list[str]:
    """Of a table of training crystals."""
    condition = [] if card.condition is None else [card.condition]
    return [placing.ID, placing.ROLE, *condition, placing.CIF]


def middle(card: VAECard, decile: int) -> float:
    """A value of the condition that is in one of its bins: half-way between its edges."""
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
            f"replay: no crystal of {settings.replay} has a value of {card.condition}, which conditions "
            f"{settings.model}: give the crystals that it was trained on, or replay=null"
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
        if settings.relax.symprec:  # sites that are a little off would be learnt as they are
            crystal = symmetric(crystal, settings.relax.symprec)
        value = None if card.condition is None else middle(card, int(row[Judged.DECILE]))
        yield Replayed(crystal, value)
