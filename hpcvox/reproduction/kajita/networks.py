"""Trains a network of an experiment in a folder of its own, and asks it about crystals, as they are and turned."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np
import xxhash
from numpy.typing import NDArray

from hpcvox.reproduction.kajita.sets import numbers
from hpcvox.reproduction.kajita.settings import KajitaSettings
from hpcvox.reproduction.training import train

if TYPE_CHECKING:
    from hpcvox.networks.r3dvs.card import R3DVSCard
    from hpcvox.shards.reading.shard_set import ShardSet

UNSEEN: Final = 4
"""Random turns by which a crystal is judged turned; no training has them."""

BATCH: Final = 64

Array = NDArray[np.float64]


class Training(NamedTuple):
    """A training of a step."""

    shards: Path
    ids: Sequence[str]
    values: Array
    """(N, T) of the crystals; (N, 0): they are to be recognised."""
    seed: int
    replicas: int
    """Random turns of each crystal."""
    epochs: int


class Answers(NamedTuple):
    """What a network says of M crystals."""

    original: Array
    """(M, T) as they are."""
    turned: Array
    """(UNSEEN, M, T) after each of the turns."""


def trained(work: Path, training: Training, settings: KajitaSettings, asked: Sequence[str]) -> Answers:
    """Train, or go on with what ``work`` holds of this training, and ask about the crystals ``asked``.

    Returns:
        The logits of the training's crystals, in their order, if they are to be recognised; else the targets in their
        units.

    Raises:
        StoppedError: a signal has stopped the training, which goes on when it is called again.
    """
    # imported here: PyTorch takes seconds
    from hpcvox.reproduction.kajita import member
    from hpcvox.shards.reading.shard_set import ShardSet

    table, log = work / "labels.csv", work / "training.log"
    member.write(table, training.ids, training.values)
    recognises = training.values.shape[1] == 0
    given = member.MemberSettings(
        shards=training.shards,
        out=work / "run",
        overwrite=True,
        labels=table,
        digest=xxhash.xxh3_128_hexdigest(table.read_bytes()),
        task="rotation" if recognises else "regression",
        target="of the table",
        crystals=max(2, len(training.ids)),
        replicas=training.replicas,
        shown=settings.scale.replicas[-1],
        epochs=training.epochs,
        learning_rate=settings.learning_rate,
        length=settings.length,
        model=settings.model,
        seed=training.seed,
        threads=settings.threads,
        keep_checkpoints=1,
    )
    train(given, log)
    answers = _asked(given.out, training, asked)
    if recognises:
        # the network numbers its classes by the places of the crystals in the shard set
        known = numbers(ShardSet.open(training.shards), training.ids)
        return Answers(*(each[..., known.argsort().argsort()] for each in answers))
    centres, spans = member.standards(training.values)
    return Answers(*(each * spans + centres for each in answers))


def _asked(run: Path, training: Training, asked: Sequence[str]) -> Answers:
    import torch

    from hpcvox.networks.r3dvs.card import R3DVSCard
    from hpcvox.shards.reading.shard_set import ShardSet
    from hpcvox.training.folder.runs import load_model

    model, card = load_model(run, R3DVSCard)
    shards = ShardSet.open(training.shards)
    said = []
    with torch.no_grad():
        for turn in range(UNSEEN + 1):
            maps = _maps(shards, numbers(shards, asked), training, card, turn)
            said.append(np.concatenate([model(torch.from_numpy(batch)).numpy() for batch in maps]))
    original, *turned = said
    return Answers(original.astype(np.float64), np.stack(turned).astype(np.float64))


def _maps(
    shards: "ShardSet", crystals: NDArray[np.int64], training: Training, card: "R3DVSCard", turn: int
) -> Iterator[NDArray[np.float32]]:
    """Batches of voxels, (B, C, n, n, n); ``turn`` 0: as they are, else after the turn of this number."""
    from hpcvox.descriptors.r3dvs import voxels
    from hpcvox.networks.r3dvs.task import turned_spots

    for start in range(0, len(crystals), BATCH):
        maps = []
        for sample in crystals[start : start + BATCH].tolist():
            replica = training.replicas + turn if turn else 0
            spots = turned_spots(shards, sample, training.seed, replica)
            maps.append(voxels(spots, card.resolution, card.length, card.mean))
        yield np.stack(maps)
