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


PATHS = ("metrics", "api/job_agent/jobs/", "logs", "nodes")


def answers(host: str, port: int) -> bool:
    """Whether somebody without a token is told measurements, jobs or logs at the port."""
    for path in PATHS:
        with (
            contextlib.suppress(OSError, ValueError, http.client.HTTPException),
            urllib.request.urlopen(f"http://{host}:{port}/{path}", timeout=0.5) as page,
        ):
            if page.status == 200:
                return True
    return False


ports: dict[tuple[str, int], str] = {}
for process in psutil.process_iter():
    with contextlib.suppress(psutil.Error):
        if process.environ().get("SLURM_JOB_ID") == os.environ["SLURM_JOB_ID"]:
            # agents write their names over their environment
            for one in (process, *process.children(recursive=True)):
                listening = (c.laddr for c in one.net_connections() if c.status == psutil.CONN_LISTEN)
                name = " ".join(one.cmdline())[:300]
                ports |= {(laddr.ip.removeprefix("::ffff:"), laddr.port): name for laddr in listening}
open_ports = [
    name
    for (ip, port), name in sorted(ports.items())
    if answers("127.0.0.1" if ip in ("::", "0.0.0.0") else ip, port)
]
agents = sum("Agent" in name for name in ports.values())
print(f"{len(ports)} ports, {agents} of them of agents, measurements at {open_ports}", flush=True)

stranger = subprocess.run(
    [sys.executable, "-c", "import os, ray; ray.init(address=os.environ['RAY_ADDRESS'])"],
    env={k: v for k, v in os.environ.items() if not k.startswith("RAY_AUTH")} | {"HOME": "/nonexistent"},
    capture_output=True,
    timeout=60,
    check=False,
)
print("without the token:", "let in" if stranger.returncode == 0 else "kept out", flush=True)
