"""BatchNorm over ranks.

With ``batch_statistics: rank`` each rank normalises by the statistics of its own batch, as trainings with Horovod
usually do; only the running statistics are averaged over the ranks after each step.  With ``global`` the statistics are
those of the samples of all ranks, so that N ranks compute the same as one rank with N times the batch size.
"""

import contextlib
from collections.abc import Iterator

import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from hpcvox.training.ranks.comm import Comm


class GlobalBatchNorm(_BatchNorm):
    """BatchNorm over the samples of all ranks, for voxels (B, C, D, H, W) or rows (R, C).

    Ranks may have different numbers of rows.  If ``counts`` is False, those of this rank do not enter the statistics.
    """

    comm: Comm
    name: str
    counts: bool

    def forward(self, x_BC: torch.Tensor) -> torch.Tensor:
        if not self.training:
            return super().forward(x_BC)
        x_BC = x_BC.float()  # half precision would be too coarse for sums of many numbers over ranks
        axes = (0, *range(2, x_BC.ndim))
        shape = (-1, *(1 for _ in axes[1:]))
        weight = float(self.counts)
        count = x_BC.new_full((1,), weight * x_BC.numel() / x_BC.shape[1])
        local = torch.cat((weight * x_BC.sum(axes), count))
        total = self.comm.sum(local, f"{self.name}.mean")
        mean, count = total[:-1] / total[-1], total[-1].detach()
        centred = x_BC - mean.view(shape)
        # two passes: the sum of squares minus the squared mean would lose digits
        squares = weight * centred.square().sum(axes)
        variance = self.comm.sum(squares, f"{self.name}.variance") / count
        assert self.running_mean is not None
        assert self.running_var is not None
        assert self.num_batches_tracked is not None
        assert self.momentum is not None
        self.num_batches_tracked += 1
        if count == 1:  # one row on all ranks together has no variance: use the running statistics
            centred, variance = x_BC - self.running_mean.view(shape), self.running_var
        else:
            with torch.no_grad():
                self.running_mean.lerp_(mean, self.momentum)
                self.running_var.lerp_(variance * count / (count - 1), self.momentum)
        scale = self.weight * torch.rsqrt(variance + self.eps)
        return centred * scale.view(shape) + self.bias.view(shape)

    def _check_input_dim(self, input: torch.Tensor) -> None:
        """Accept any number of axes."""


def use_global_statistics(model: nn.Module, comm: Comm) -> None:
    """Turn every BatchNorm of ``model`` into :class:`GlobalBatchNorm`, in place."""
    for name, module in model.named_modules():
        if isinstance(module, _BatchNorm):
            module.__class__ = GlobalBatchNorm
            module.comm, module.name, module.counts = comm, name, True  # type: ignore[assignment]


@contextlib.contextmanager
def stand_in(model: nn.Module) -> Iterator[None]:
    """A context for a batch whose samples have no weight (``data.plan``): it changes no statistics."""
    norms = [module for module in model.modules() if isinstance(module, _BatchNorm)]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        if isinstance(norm, GlobalBatchNorm):
            norm.counts = False
        else:
            norm.momentum = 0.0
    try:
        yield
    finally:
        for norm, momentum in zip(norms, momenta, strict=True):
            norm.momentum = momentum
            if isinstance(norm, GlobalBatchNorm):
                norm.counts = True
