"""What the ranks say to each other in a step, one message that goes with the gradients.

Figures, requests, and BatchNorm's running statistics, which are averaged over the ranks that had a sample.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch

REQUESTS = 3
"""Whether the rank is to stop, knows of others that wait to join, and had a sample."""


class Answer(NamedTuple):
    """What the ranks have agreed on in a step."""

    stop: bool
    regroup: bool


def say(
    local: dict[str, list[float]], names: list[str], requests: Sequence[bool], statistics: list[torch.Tensor]
) -> torch.Tensor:
    """One rank's message, float64, on CPUs: its sums of the figures ``names``, its requests and its statistics."""
    figures = np.ravel([local.get(name, [0.0, 0.0]) for name in names])
    head = torch.tensor([*figures, *requests], dtype=torch.float64)
    return torch.cat([head, *(buffer.flatten().double().cpu() * requests[-1] for buffer in statistics)])


def hear(
    total: torch.Tensor, names: list[str], sums: dict[str, list[float]], statistics: list[torch.Tensor]
) -> Answer:
    """Take what all have said, added up: figures into ``sums``, means into ``statistics``, in place."""
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
