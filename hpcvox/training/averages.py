"""The exponential moving average of a network's weights, which often is a better network than the last weights."""

import contextlib
from collections.abc import Iterator

import torch
from torch import nn


class WeightAverage:
    """The running mean of the weights of ``model``.  Its buffers (of BatchNorm) are running means already."""

    def __init__(self, model: nn.Module, decay: float) -> None:
        self._parameters = dict(model.named_parameters())
        self._decay = decay
        self.weights = {name: p.detach().clone() for name, p in self._parameters.items()}

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Add the weights after ``step`` steps to the mean; early weights, far from the final ones, count less."""
        decay = min(self._decay, (1 + step) / (10 + step))
        for name, mean in self.weights.items():
            mean.lerp_(self._parameters[name], 1 - decay)

    @contextlib.contextmanager
    def in_place(self) -> Iterator[None]:
        """A context in which the model has the mean weights; afterwards it has its own again."""
        self._swap()
        try:
            yield
        finally:
            self._swap()

    @torch.no_grad()
    def _swap(self) -> None:
        for name, mean in self.weights.items():
            own = self._parameters[name].clone()
            self._parameters[name].copy_(mean)
            mean.copy_(own)
