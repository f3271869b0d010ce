"""Ray on one node of an allocation, for slurm/lib.sh: ``port``, ``head``, ``worker`` and ``wait``.

Every port is a free one, so that allocations that share a node do not meet.
"""

import contextlib
import os
import socket
import sys
import time
from pathlib import Path

STORE_BYTES = 200 * 2**20
"""Ray's shared memory on a node: tasks and results are small here, arrays go to disk where they are made."""

PORTS = (
    "node-manager-port",
    "object-manager-port",
    "dashboard-agent-grpc-port",
    "dashboard-agent-listen-port",
    "runtime-env-agent-port",
    "metrics-export-port",
)


def free_ports(count: int) -> list[int]:
    """``count`` different TCP ports that nobody holds at this moment."""
    with contextlib.ExitStack() as held:
        probes = [held.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("", 0))
        return [probe.getsockname()[1] for probe in probes]


def start(role: str, address: str, cpus: str, folder: Path) -> None:
    """Become this node's Ray, until killed."""
    folder.mkdir(parents=True, exist_ok=True)
    host, port = address.rsplit(":", 1)
    where = (
        ["--head", f"--node-ip-address={host}", f"--port={port}", "--include-dashboard=false"]
        if role == "head"
        else [f"--address={address}"]
    )
    names = (*PORTS, "ray-client-server-port") if role == "head" else PORTS
    ports = [f"--{name}={free}" for name, free in zip(names, free_ports(len(names)), strict=True)]
    if role == "worker":
        wait_for_port(host, int(port))
    arguments = [
        "ray",
        "start",
        *where,
        *ports,
        "--min-worker-port=0",
        "--max-worker-port=0",
        f"--temp-dir={folder}",
        f"--object-store-memory={STORE_BYTES}",
        f"--num-cpus={cpus}",
        "--disable-usage-stats",
        "--block",
    ]
    os.execvp(arguments[0], arguments)


def wait_for_port(host: str, port: int, seconds: float = 60) -> None:
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
            print(free_ports(1)[0])
        case ["head" | "worker" as role, address, cpus, folder]:
            start(role, address, cpus, Path(folder))
        case ["wait", address, nodes, seconds]:
            wait(address, int(nodes), float(seconds))
        case _:
            sys.exit("usage: ray_node.py port | head|worker ADDRESS CPUS FOLDER | wait ADDRESS NODES SECONDS")


if __name__ == "__main__":
    main(sys.argv[1:])
