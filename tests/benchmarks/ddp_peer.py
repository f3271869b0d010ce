"""The barest training loops of the UNet that PyTorch's own tools make: what hpcvox's loop is measured against.

Run by ``bench_ranks``: plain in one process, or by torchrun with DistributedDataParallel.  The same network, loss,
optimizer, batches and threads as ``hpcvox train-unet``; prints the seconds of a median step.
"""

import os
import statistics
import sys
import time

import numpy as np
import torch
import torch.distributed as dist
from torch import nn
from torch.nn.parallel import DistributedDataParallel

from hpcvox import config
from hpcvox.networks.unet.settings import TrainUNetSettings
from hpcvox.networks.unet.task import UNetBatch, UNetTask
from hpcvox.shards.reading.shard_set import ShardSet
from hpcvox.training.data import Slice
from hpcvox.training.ranks.comm import Alone

WARM, STEPS = 3, 12


class Loss(nn.Module):
    """The task's loss as a module, since DistributedDataParallel looks at what ``forward`` does."""

    def __init__(self, task: UNetTask) -> None:
        super().__init__()
        self.task, self.model = task, task.model

    def forward(self, batch: UNetBatch) -> torch.Tensor:
        """The mean loss of a batch."""
        return self.task.losses(batch).per_sample.mean()


def main() -> None:
    """Time the steps."""
    settings = config.load(TrainUNetSettings, None, sys.argv[1:])
    torch.set_num_threads(settings.threads)
    torch.manual_seed(0)
    rank, size = int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))
    shards = ShardSet.open(settings.shards)
    samples = np.arange(shards.n_samples)
    task = UNetTask(settings, shards, samples, Alone())
    loss: nn.Module = Loss(task)
    if size > 1:
        dist.init_process_group("gloo")
        loss = DistributedDataParallel(loss)
    adam = torch.optim.Adam(loss.parameters(), lr=1e-3)
    chosen = [samples[i * size + rank :: size * STEPS][: settings.batch_size] for i in range(STEPS)]
    batches = [task.read(Slice(c, np.ones(len(c), np.float32)), 0) for c in chosen]
    task.model.train()
    times = []
    for batch in [*batches[:WARM], *batches]:
        begun = time.perf_counter()
        adam.zero_grad()
        loss(batch).backward()
        nn.utils.clip_grad_norm_(loss.parameters(), 1.0)
        adam.step()
        times.append(time.perf_counter() - begun)
    if rank == 0:
        print(statistics.median(times[WARM:]))
    if size > 1:
        dist.destroy_process_group()


if __name__ == "__main__":
    main()
