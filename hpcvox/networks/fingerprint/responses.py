"""Attentive response maps: what of a fingerprint the filters of a network respond to (Ziletti et al. 2018, Fig. 5).

The strongest response of a filter is carried back through the network to the image.  Each convolution is undone by its
transpose, without bias; each pooling puts a value back where its maximum was; at each ReLU a value stays if it is
positive and the ReLU let something through on the way there (guided backpropagation, Springenberg et al. 2015,
arXiv:1412.6806).  The authors' code repeats a value over the pixels that were pooled, instead of putting it back.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from hpcvox.networks.fingerprint.explanation import LayerMaps
from hpcvox.networks.fingerprint.model import POOL, ConvNet


class Responses(NamedTuple):
    """What the filters of a network respond to in one fingerprint."""

    layers: tuple[LayerMaps, ...]
    template: NDArray[np.float32]  # (n, n, 3) | sum of the maps of all filters of the last convolution


class _Step(NamedTuple):
    """A convolution with its ReLU, and the pooling before it."""

    convolution: nn.Conv2d
    active: torch.Tensor
    """(1, F, h, w): what the ReLU lets through."""
    before: torch.Size
    """Shape of what the pooling took, or else the convolution."""
    places: torch.Tensor | None
    """Where each maximum of the pooling was; None: there is no pooling."""


def convolutions(model: ConvNet) -> int:
    """The number of convolutions of a network."""
    return sum(isinstance(module, nn.Conv2d) for module in model.body)


def usual_layers(count: int) -> tuple[int, ...]:
    """Of ``count`` convolutions those that the paper draws: the first, the third and the last."""
    return tuple(sorted({1, min(3, count), count}))


def responses(model: ConvNet, image: NDArray[np.float32], layers: Sequence[int], filters: int) -> Responses:
    """Carry the strongest responses of filters back to ``image``.

    Each filter is carried back by itself, so that its map depends on the image alone.

    Args:
        image: a fingerprint, (n, n, 3), values 0 to 1.
        layers: numbers of convolutions; 1 is the first.
        filters: how many filters of each, those with the largest sum of their activation over the image.
    """
    with torch.inference_mode():
        steps = _forward(model, torch.from_numpy(image.transpose(2, 0, 1)[None].copy()))
        found = [_layer(steps[:layer], filters) for layer in layers]
        last = steps[-1].convolution.out_channels
        template = _layer(steps, last).maps.sum(0, dtype=np.float64)
    return Responses(tuple(found), template.astype(np.float32))


def _layer(steps: Sequence[_Step], filters: int) -> LayerMaps:
    """The maps of the most active filters of the last of ``steps``."""
    sums = steps[-1].active[0].sum((1, 2)).numpy()
    order = np.argsort(-sums, kind="stable")[:filters]
    order = order[sums[order] > 0]
    size = steps[0].before[-1]
    maps = np.zeros((len(order), size, size, steps[0].before[1]), np.float32)
    for place, number in enumerate(order.tolist()):
        maps[place] = _carried_back(steps, number)[0].permute(1, 2, 0).numpy()
    return LayerMaps(len(steps), order, sums[order], maps)


def _forward(model: ConvNet, x_1CHW: torch.Tensor) -> list[_Step]:
    """Pass a fingerprint through the convolutions, and keep what its responses are carried back by."""
    steps: list[_Step] = []
    x, before, places = x_1CHW, x_1CHW.shape, None
    for module in model.body:
        if isinstance(module, nn.MaxPool2d):
            before = x.shape
            x, places = functional.max_pool2d(x, POOL, return_indices=True)
        elif isinstance(module, nn.Conv2d):
            before = x.shape if places is None else before
            x = torch.relu(module(x))
            steps.append(_Step(module, x, before, places))
            places = None
    return steps


def _carried_back(steps: Sequence[_Step], number: int) -> torch.Tensor:
    """The map, (1, 3, n, n), of filter ``number`` of the last of ``steps``."""
    response = steps[-1].active[0, number]
    strongest = response.argmax()
    signal = torch.zeros_like(steps[-1].active)
    signal[0, number].view(-1)[strongest] = response.reshape(-1)[strongest]
    for place in reversed(range(len(steps))):
        step = steps[place]
        convolution = step.convolution
        signal = functional.conv_transpose2d(
            signal, convolution.weight, padding=convolution.kernel_size[0] // 2
        )
        if step.places is not None:
            signal = functional.max_unpool2d(signal, step.places, (POOL, POOL), output_size=step.before)
        if place:
            signal = torch.relu(signal) * (steps[place - 1].active > 0)
    return signal
