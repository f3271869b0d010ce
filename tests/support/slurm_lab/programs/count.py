"""Counts to a hundred, a tenth of a second each; told to stop, it saves the count and exits with 75."""

import os
import signal
import sys
import time
from pathlib import Path

rank = int(os.environ.get("OMPI_COMM_WORLD_RANK") or os.environ.get("SLURM_PROCID", "0"))
state = Path(f"count-{rank}")
stop: list[int] = []
for number in (signal.SIGTERM, signal.SIGUSR1):
    signal.signal(number, lambda *_: stop.append(1))
count = int(state.read_text()) if state.exists() else 0
print(f"rank {rank} starts at {count}", flush=True)
while count < 100:
    if stop:
        state.write_text(str(count))
        sys.exit(75)
    time.sleep(0.1)
    count += 1
print(f"rank {rank} ends at {count}", flush=True)
