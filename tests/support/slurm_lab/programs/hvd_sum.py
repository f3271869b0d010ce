"""Sums rank + 1 over all ranks by Horovod."""

import os

import horovod.torch as hvd
import torch

hvd.init()
total = hvd.allreduce(torch.tensor([hvd.rank() + 1.0]), op=hvd.Sum)
print(f"rank {hvd.rank()} of {hvd.size()} on {os.environ['SLURMD_NODENAME']}: {total.item()}", flush=True)
hvd.shutdown()
