"""Checks that all ranks have the same network."""

import torch
import xxhash
from torch import nn

from hpcvox.errors import TrainingError
from hpcvox.terminal import counted
from hpcvox.training.ranks.comm import Comm


def check_ranks_agree(model: nn.Module, comm: Comm) -> None:
    """Check that the weights of all ranks are the same, bit for bit.

    Raises:
        TrainingError: they are not; raised on every rank.
    """
    digest = state_digest(model)
    first = comm.sum(torch.tensor([digest if comm.rank == 0 else 0]), "digest")
    differ = comm.sum((first != digest).long(), "differ")
    if int(differ[0]):
        raise TrainingError(
            f"{counted(int(differ[0]), 'rank has', 'ranks have')} other weights than rank 0: the run cannot be trusted"
        )


def state_digest(model: nn.Module) -> int:
    """A checksum (62 bits) of a model's weights and running statistics."""
    digest = xxhash.xxh3_64()
    for _, value in sorted(model.state_dict().items()):
        digest.update(value.detach().contiguous().cpu().numpy().tobytes())
    return digest.intdigest() >> 2
