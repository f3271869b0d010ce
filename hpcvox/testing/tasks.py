"""Checks of tasks."""

import tempfile
from pathlib import Path, PurePath
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from hpcvox import __version__
from hpcvox.shards.reading.shard_set import ShardSet
from hpcvox.training.data import Slice
from hpcvox.training.folder.card import Run, read_card
from hpcvox.training.folder.runs import export
from hpcvox.training.network import Network
from hpcvox.training.ranks.comm import Alone
from hpcvox.training.settings import TrainSettings
from hpcvox.training.task import Losses, Task

EVALUATION = -1
"""The epoch of an evaluation, which has no augmentation."""


def check_task(network: Network, settings: TrainSettings) -> Task:
    """Check everything of a network's task that the training loop relies on, with ``settings.shards``.

    No sample is both trained on and held out.  A batch has the requested samples.  The loss is one finite number for
    each sample, with gradients.  The same batch has the same loss again.  In an evaluation the loss of a sample does
    not depend on the other samples of its batch.  The card reads back from the file of weights as it was written, and
    ``build`` makes a model from it that takes these weights.

    Returns:
        The task, after one backward pass.

    Raises:
        AssertionError: a check fails.
        ShardError: the shard set is of another descriptor.
    """
    assert settings.network == network.name, f"the settings are of {settings.network}, not of {network.name}"
    fields = type(settings).model_fields
    assert set(settings.takes) <= set(fields), "takes names a setting that is not there"
    assert all(PurePath(name).name == name for name in network.leaves), "leaves are plain names of files"
    recipe = network.load("recipe")
    shards = ShardSet.open(settings.shards)
    assert shards.manifest.descriptor == network.descriptor, (
        f"the shard set is not one of {network.descriptor}"
    )
    usable = recipe.usable(settings, shards)
    assert (usable.shape, usable.dtype) == ((shards.n_samples,), np.bool_), "usable is (n_samples,) of bool"
    train, held_out = recipe.split(settings, shards, usable)
    assert not set(train.tolist()) & set(held_out.tolist()), "a sample is trained on and held out"
    torch.manual_seed(settings.seed)
    task: Task = recipe.make(settings, shards, train, Alone())
    assert task.name == network.name, f"the task is called {task.name}, and the network {network.name}"
    _check_training(task, _slice(train[:4]))
    _check_evaluation(task, held_out[:3])
    _check_card(network, settings, task)
    return task


def _slice(samples: NDArray[np.int64]) -> Slice:
    return Slice(samples, np.full(len(samples), 1 / len(samples), np.float32))


def _check_training(task: Task, part: Slice) -> None:
    task.model.train()
    batch = task.read(part, 0)
    assert len(batch.indices) == len(batch.share) == len(part.indices), "a batch has the samples of its slice"
    assert batch.share.dtype == torch.float32, "share is of float32"
    losses = task.losses(batch)
    _check_losses(losses, len(part.indices))
    assert losses.per_sample.requires_grad, "the loss has no gradient"
    torch.autograd.backward((losses.per_sample * batch.share.to(losses.per_sample.device)).sum())
    gradients = [p.grad for p in task.model.parameters() if p.grad is not None]
    assert gradients, "no weight has a gradient"
    assert all(bool(torch.isfinite(one).all()) for one in gradients), "a gradient is not finite"
    with torch.no_grad():
        again = task.losses(task.read(part, 0)).per_sample
    assert torch.equal(again, losses.per_sample), "the same samples of the same epoch lose something else"


def _check_evaluation(task: Task, samples: NDArray[np.int64]) -> None:
    task.model.eval()
    with torch.no_grad():
        together = task.losses(task.read(_slice(samples), EVALUATION))
        _check_losses(together, len(samples))
        alone = [
            task.losses(task.read(_slice(samples[[n]]), EVALUATION)).per_sample for n in range(len(samples))
        ]
    torch.testing.assert_close(
        torch.cat(alone),
        together.per_sample,
        rtol=1e-3,
        atol=1e-5,
        msg=lambda words: f"by itself and not: {words}",
    )


def _check_card(network: Network, settings: TrainSettings, task: Task) -> None:
    run = Run(
        hpcvox=__version__,
        shards=str(settings.shards),
        seed=settings.seed,
        held_out_fraction=settings.held_out_fraction,
        epoch=1,
        metrics={"held_out/loss": 1.0},
    )
    card, kind, build = task.card(run), network.load("card"), network.load("build")
    assert type(card) is kind, (
        f"the task's card is a {type(card).__name__}, and the network's {kind.__name__}"
    )
    assert card.task == network.name, (
        f"the card calls the task {card.task}, and the network is {network.name}"
    )
    assert card.run == run, "the card does not have the run that it was given"
    with tempfile.TemporaryDirectory() as folder:
        export(Path(folder), task.model, card)
        again = read_card(Path(folder), kind)
    written = card.model_copy(update={"weights": again.weights, "checksum": again.checksum})
    assert again == written, "the card is read as another than was written"
    weights = task.model.state_dict()
    with torch.device("meta"):  # as runs are opened
        expected = _shapes(build(again).state_dict())
    assert _shapes(weights) == expected, "build makes a model of other weights than the task trains"
    kinds = {tensor.dtype for tensor in weights.values()}
    assert kinds <= {torch.float32, torch.int64}, "weights are of float32, and whole numbers of int64"
    build(again).load_state_dict(weights)


def _shapes(weights: dict[str, Any]) -> dict[str, tuple[torch.dtype, torch.Size]]:
    return {name: (tensor.dtype, tensor.shape) for name, tensor in weights.items()}


def _check_losses(losses: Losses, size: int) -> None:
    assert losses.per_sample.shape == (size,), (
        f"{size} samples have losses of {tuple(losses.per_sample.shape)}"
    )
    assert torch.isfinite(losses.per_sample).all(), "a loss is not finite"
    for name, ratio in losses.figures.items():
        for part in ratio:
            assert torch.isfinite(part).all(), f"the figure {name} is not finite"
