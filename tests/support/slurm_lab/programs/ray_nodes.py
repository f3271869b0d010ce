"""An actor for each CPU of the Ray cluster says on which SLURM node it lives; a stranger tries to join, and to ask."""

import contextlib
import http.client
import os
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import psutil
import ray as typed

ray: Any = typed  # its own types know nothing of remote classes


class Resident:
    def node(self) -> str:
        return os.environ["SLURMD_NODENAME"]

    def folder_mode(self) -> str:
        """Of the folder that holds all of Ray's on this node."""
        session = Path(ray._private.worker._global_node.get_session_dir_path())
        return f"{session.parents[1].stat().st_mode & 0o777:o}"


ray.init(address=os.environ["RAY_ADDRESS"], log_to_driver=False)
cpus = int(ray.cluster_resources()["CPU"])
actor = ray.remote(num_cpus=1)(Resident)
residents = [actor.remote() for _ in range(cpus)]
print("actors on", *sorted(ray.get([resident.node.remote() for resident in residents])), flush=True)

print("folders", *ray.get([resident.folder_mode.remote() for resident in residents]), flush=True)
token = Path(os.environ["RAY_AUTH_TOKEN_PATH"])
print("token", *(f"{path.stat().st_mode & 0o777:o}" for path in (token.parent, token)), flush=True)


def answers(port: int) -> bool:
    """Whether somebody without a token is told measurements at the port."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=0.5) as page:
            return bool(page.status == 200)
    except (OSError, ValueError, http.client.HTTPException):
        return False


ports: dict[int, str] = {}
for process in psutil.process_iter():
    with contextlib.suppress(psutil.Error):
        if process.environ().get("SLURM_JOB_ID") == os.environ["SLURM_JOB_ID"]:
            listening = (c for c in process.net_connections() if c.status == psutil.CONN_LISTEN)
            ports |= {c.laddr.port: " ".join(process.cmdline())[:300] for c in listening}
print(
    f"{len(ports)} ports, measurements at",
    [ports[port] for port in sorted(ports) if answers(port)],
    flush=True,
)

stranger = subprocess.run(
    [sys.executable, "-c", "import os, ray; ray.init(address=os.environ['RAY_ADDRESS'])"],
    env={k: v for k, v in os.environ.items() if not k.startswith("RAY_AUTH")} | {"HOME": "/nonexistent"},
    capture_output=True,
    timeout=60,
    check=False,
)
print("without the token:", "let in" if stranger.returncode == 0 else "kept out", flush=True)
