"""The message that each rank sends to all others in a step, together with the gradients.

It holds figures, requests, and BatchNorm's running statistics; the latter are averaged over the ranks with a sample.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch

REQUESTS = 3
"""The flags of a message: the rank shall stop, knows of ranks that wait to join, had a sample."""


class Answer(NamedTuple):
    """The requests of all ranks together in a step."""

    stop: bool
    regroup: bool


def say(
    local: dict[str, list[float]], names: list[str], requests: Sequence[bool], statistics: list[torch.Tensor]
) -> torch.Tensor:
    """Pack the message of this rank, (n,) float64 on the CPU: sums of the figures ``names``, requests, statistics."""
    figures = np.ravel([local.get(name, [0.0, 0.0]) for name in names])
    head = torch.tensor([*figures, *requests], dtype=torch.float64)
    return torch.cat([head, *(buffer.flatten().double().cpu() * requests[-1] for buffer in statistics)])


def hear(
    total: torch.Tensor, names: list[str], sums: dict[str, list[float]], statistics: list[torch.Tensor]
) -> Answer:
    """Unpack the sum of all messages: add figures to ``sums`` and put means into ``statistics``, in place."""
    lengths = [2 * len(names), REQUESTS, len(total) - 2 * len(names) - REQUESTS]
    figures, requests, rest = torch.split(total, lengths)
    stop, regroup, counted = requests.tolist()
    means = torch.split(rest / counted, [buffer.numel() for buffer in statistics])
    for buffer, mean in zip(statistics, means, strict=True):
        buffer.copy_(mean.view_as(buffer))
    for name, (a, b) in zip(names, figures.view(-1, 2).tolist(), strict=True):
        pair = sums.setdefault(name, [0.0, 0.0])
        pair[0] += a
        pair[1] += b
    return Answer(stop=stop > 0, regroup=regroup > 0)
