"""The crystals that a network has seen, where the shard set of its training is still there."""

from collections.abc import Collection, Iterator
from pathlib import Path

from hpcvox.crystals.known import Known
from hpcvox.crystals.record import Crystal
from hpcvox.errors import CheckpointError, ShardError
from hpcvox.networks.vae.bins import condition_of
from hpcvox.networks.vae.card import VAECard
from hpcvox.shards.reading.shard_set import ShardSet
from hpcvox.training.folder.card import read_card


def training_set(vae: Path, formulas: Collection[str]) -> Known | None:
    """The crystals that the VAE has seen, of those formulas; None where its shard set is not there any more."""
    try:
        return Known(training_crystals(vae, formulas))
    except (CheckpointError, ShardError):
        return None


def training_crystals(vae: Path, formulas: Collection[str] | None = None) -> Iterator[Crystal]:
    """The crystals that the VAE has seen, with their values of its condition as a target.

    Args:
        formulas: of those alone; None: all.

    Raises:
        CheckpointError: there is no VAE.
        ShardError: its shard set is not there any more.
    """
    card = read_card(vae, VAECard)
    shards = ShardSet.open(card.run.shards)
    held_out = card.run.held_out(shards.formulas)
    values = condition_of(shards, card.condition)
    for index, formula in enumerate(shards.formulas):
        if held_out[index] or (formulas is not None and formula not in formulas):
            continue
        value = float(values[index])
        targets = {} if card.condition is None or value != value else {card.condition: value}
        numbers, frac = shards.sites(index)
        yield Crystal(shards.ids[index], shards.origins[index], shards.cells[index], frac, numbers, targets)
