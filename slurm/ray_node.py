"""Ray on one node of an allocation, for slurm/lib.sh: ``port``, ``head``, ``worker`` and ``wait``.

No port is a fixed one, so that allocations that share a node do not meet.
"""

import contextlib
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from hpcvox.actors.reaper import end_holders
from hpcvox.actors.session import RAY, session_folder
from hpcvox.process.preemption import ENDS, deaf, job_goes_on, tell_the_job

STORE_BYTES = 200 * 2**20
"""Ray's shared memory on a node: tasks and results are small here, arrays go to disk where they are made."""

HEAD_PORTS = range(20_000, 32_000)
"""Below the range from which systems give ports to outgoing connections (Linux: 32768 and up)."""

LOOK_S = 0.2


def free_port() -> int:
    """A TCP port that nobody holds at this moment."""
    while True:
        port = secrets.choice(HEAD_PORTS)
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind(("", port))
            return port


def start(role: str, address: str, cpus: str) -> int:
    """Run this node's Ray until it is told to end; its exit status.  All ports but the head's are the system's choice.

    Its folder is one that nobody else can enter, and is removed at the end.  SLURM tells every process of a step to
    end, Ray's among them, also where the job is preempted and has some time left to save its state by them: they do
    not hear of it.  The end has come when SLURM has ended the job, or when the job has removed the file that
    ``HPCVOX_RAY_WANTED`` names.
    """
    host, port = _split(address)
    if role == "head":
        where = ["--head", f"--node-ip-address={host}", f"--port={port}", "--include-dashboard=false"]
        where.append(f"--ray-client-server-port={free_port()}")  # the fixed one may be taken
        where.append("--no-monitor")  # which would ask a cloud for more nodes
    else:
        where = [f"--address={address}"]
        wait_for_port(host, port, float(os.environ.get("HPCVOX_RAY_TIMEOUT", "300")))
    command = [
        "ray",
        "start",
        *where,
        "--dashboard-agent-listen-port=0",
        "--min-worker-port=0",
        "--max-worker-port=0",
        f"--object-store-memory={STORE_BYTES}",
        f"--num-cpus={cpus}",
        "--include-log-monitor=false",  # no driver shows what actors print
        "--disable-usage-stats",
        "--block",
    ]
    told: list[int] = []
    for number in ENDS:
        signal.signal(number, lambda number, _: told.append(number))
    with session_folder() as folder:
        with deaf():
            ray = subprocess.Popen([*command, f"--temp-dir={folder / RAY}"])
        preempted = False
        while ray.poll() is None:
            # What is left a while after the end SLURM kills: there is time to clear up, and none to wait for Ray.
            if told and not (_is_wanted() and (preempted or job_goes_on())):
                break
            if told and role == "head" and not preempted:
                tell_the_job()
            preempted = bool(told)
            time.sleep(LOOK_S)
        ray.kill()
        end_holders(folder)
        return ray.wait()


def _is_wanted() -> bool:
    """Whether the job still needs this Ray (read, and not only looked for: file systems keep old answers)."""
    try:
        Path(os.environ["HPCVOX_RAY_WANTED"]).read_bytes()
    except OSError:
        return False
    return True


def wait_for_port(host: str, port: int, seconds: float) -> None:
    """Wait until the head listens; go on in any case (Ray says best what is wrong)."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection((host, port), timeout=2):
            return
        time.sleep(0.2)


def wait(address: str, nodes: int, seconds: float) -> None:
    """Wait until ``nodes`` nodes are alive; exit with a message where they are not in time."""
    deadline = time.monotonic() + seconds
    wait_for_port(*_split(address), seconds=seconds)
    import ray

    alive = 0
    while time.monotonic() < deadline:
        try:
            ray.init(address=address, log_to_driver=False, logging_level="ERROR")
            break
        except (ConnectionError, RuntimeError, OSError):
            time.sleep(0.5)
    while ray.is_initialized() and time.monotonic() < deadline:
        alive = sum(node["Alive"] for node in ray.nodes())
        if alive >= nodes:
            return
        time.sleep(0.2)
    sys.exit(f"ray: {alive} of {nodes} nodes have joined {address} after {seconds:.0f} s")


def _split(address: str) -> tuple[str, int]:
    host, port = address.rsplit(":", 1)
    return host, int(port)


def main(arguments: list[str]) -> None:
    """Do what lib.sh asks for."""
    match arguments:
        case ["port"]:
            print(free_port())
        case ["head" | "worker" as role, address, cpus]:
            sys.exit(start(role, address, cpus))
        case ["wait", address, nodes, seconds]:
            wait(address, int(nodes), float(seconds))
        case _:
            sys.exit("usage: ray_node.py port | head|worker ADDRESS CPUS | wait ADDRESS NODES SECONDS")


if __name__ == "__main__":
    main(sys.argv[1:])
