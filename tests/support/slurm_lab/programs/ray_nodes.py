"""An actor for each CPU of the Ray cluster says on which SLURM node it lives; a stranger tries to join."""

import os
import subprocess
import sys
from typing import Any

import ray as typed

ray: Any = typed  # its own types know nothing of remote classes


class Resident:
    def node(self) -> str:
        return os.environ["SLURMD_NODENAME"]


ray.init(address=os.environ["RAY_ADDRESS"], log_to_driver=False)
cpus = int(ray.cluster_resources()["CPU"])
actor = ray.remote(num_cpus=1)(Resident)
residents = [actor.remote() for _ in range(cpus)]
print("actors on", *sorted(ray.get([resident.node.remote() for resident in residents])), flush=True)

stranger = subprocess.run(
    [sys.executable, "-c", "import os, ray; ray.init(address=os.environ['RAY_ADDRESS'])"],
    env={k: v for k, v in os.environ.items() if not k.startswith("RAY_AUTH")} | {"HOME": "/nonexistent"},
    capture_output=True,
    timeout=60,
    check=False,
)
print("without the token:", "let in" if stranger.returncode == 0 else "kept out", flush=True)
