"""BatchNorm over ranks.

With ``batch_statistics: rank`` each rank normalises by the statistics of its own batch (as Horovod's
trainings do by default) and only the running statistics are averaged over the ranks after each step.
With ``global`` the batch statistics are those of the samples of all ranks, so that N ranks compute what
one rank with N times the batch would.
"""

import torch
from torch import nn

from hpcvox.training.comm import Comm


class GlobalBatchNorm3d(nn.BatchNorm3d):
    """BatchNorm3d whose batch is that of all ranks."""

    comm: Comm
    name: str

    def forward(self, x_BCDHW: torch.Tensor) -> torch.Tensor:
        if not self.training:
            return super().forward(x_BCDHW)
        axes = (0, 2, 3, 4)
        count = x_BCDHW.new_full((1,), x_BCDHW.numel() / x_BCDHW.shape[1])
        local = torch.cat((x_BCDHW.sum(axes), count))
        total = self.comm.sum(local, f"{self.name}.mean")
        mean, count = total[:-1] / total[-1], total[-1].detach()
        centred = x_BCDHW - mean[:, None, None, None]
        # two passes: the sum of squares less the squared mean would lose digits
        variance = self.comm.sum(centred.square().sum(axes), f"{self.name}.variance") / count
        with torch.no_grad():
            assert self.running_mean is not None
            assert self.running_var is not None
            assert self.num_batches_tracked is not None
            assert self.momentum is not None
            self.num_batches_tracked += 1
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(variance * count / (count - 1), self.momentum)
        scale = self.weight * torch.rsqrt(variance + self.eps)
        return centred * scale[:, None, None, None] + self.bias[:, None, None, None]


def use_global_statistics(model: nn.Module, comm: Comm) -> None:
    """Turn every BatchNorm3d of ``model`` into :class:`GlobalBatchNorm3d`, in place."""
    for name, module in model.named_modules():
        if type(module) is nn.BatchNorm3d:
            module.__class__ = GlobalBatchNorm3d
            module.comm, module.name = comm, name  # type: ignore[assignment]
