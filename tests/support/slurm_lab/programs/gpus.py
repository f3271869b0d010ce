"""Says for each rank where it is, the GPUs it sees and the settings it was given."""

import os
import sys

from mpi4py import MPI

ranks = MPI.COMM_WORLD
seen = (os.environ["SLURMD_NODENAME"], os.environ["CUDA_VISIBLE_DEVICES"])
for rank, (node, gpus) in enumerate(ranks.gather(seen) or []):
    print(f"rank {rank} of {ranks.size} on {node} sees {gpus}: {' '.join(sys.argv[2:])}", flush=True)
