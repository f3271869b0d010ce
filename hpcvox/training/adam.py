"""PyTorch's Adam, without importing PyTorch's compiler, which nothing here uses.

The first call of ``torch.optim.Adam`` imports ``torch._dynamo`` only to disable it.  That takes 1.5 of the 6 s of CPU
time of a small training.  The arithmetic is PyTorch's own, bit for bit.
"""

import inspect
from collections.abc import Callable
from typing import Any

import torch

_OPTIMIZER = (
    torch.optim.Optimizer.add_param_group,
    torch.optim.Optimizer.load_state_dict,
    torch.optim.Optimizer.state_dict,
    torch.optim.Optimizer.zero_grad,
)
_step: Callable[..., Any] = inspect.unwrap(torch.optim.Adam.step)


class Adam(torch.optim.Adam):
    """``torch.optim.Adam``, eager."""

    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:
        return _step(self, closure)


def _leave_as_they_are() -> None:
    """Replace the wrapper that ``torch._disable_dynamo`` caches for a method by the method itself.

    A version of PyTorch that caches the wrapper elsewhere still works, but imports its compiler.
    """
    for method in _OPTIMIZER:
        plain = inspect.unwrap(method)
        plain.__dict__.setdefault("__dynamo_disable", plain)


_leave_as_they_are()
