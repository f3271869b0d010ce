"""Featurization as a job of a Ray cluster that somebody else started, as docs/tutorials/cluster.md submits it."""

import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from hpcvox.actors.cluster import QUIET
from hpcvox.featurize.job import run
from hpcvox.featurize.settings import DensitySettings
from hpcvox.shards.verify import verify
from tests.support.crystal_sources import write_table
from tests.support.paths import ROOT
from tests.support.shown_commands import shown

(COMMAND,) = (command for command in shown() if command.startswith("ray job submit "))
BIN = Path(sys.executable).parent


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture(scope="module")
def environment() -> Iterator[dict[str, str]]:
    """A Ray of two CPUs on loopback behind a token, with its dashboard; what a client of it needs."""
    folder = Path(tempfile.mkdtemp(prefix="hv-", dir="/tmp"))  # Ray's sockets want short paths
    token = folder / "token"
    token.touch(mode=0o600)
    token.write_text(secrets.token_hex(32))
    port, dashboard = free_port(), free_port()
    own = {k: v for k, v in os.environ.items() if not k.startswith(("RAY_", "SLURM_"))}
    own |= QUIET | {
        "PATH": f"{BIN}:{os.environ['PATH']}",
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN_PATH": str(token),
    }
    ray = [str(BIN / "ray"), "start", "--head", "--block", "--num-cpus=2", f"--port={port}"]
    ray += ["--node-ip-address=127.0.0.1", "--dashboard-host=127.0.0.1", f"--dashboard-port={dashboard}"]
    ray += [f"--temp-dir={folder}", "--object-store-memory=200000000", "--dashboard-agent-listen-port=0"]
    ray += [f"--ray-client-server-port={free_port()}", "--min-worker-port=0", "--max-worker-port=0"]
    with (folder / "head.log").open("w") as log:
        head = subprocess.Popen(ray, env=own, stdout=log, stderr=log, start_new_session=True)
    try:
        address = f"http://127.0.0.1:{dashboard}"
        own["ADDRESS"] = address
        deadline = time.monotonic() + 120
        while subprocess.run(
            ["ray", "job", "list", "--address", address], env=own, capture_output=True, check=False
        ).returncode:
            up = head.poll() is None and time.monotonic() < deadline
            assert up, (folder / "head.log").read_text()
            time.sleep(1)
        yield own
    finally:
        every: list[psutil.Process | subprocess.Popen[bytes]] = [
            *psutil.Process(head.pid).children(recursive=True),
            head,
        ]
        for process in every:
            process.kill()
        head.wait(60)
        shutil.rmtree(folder, ignore_errors=True)


def submit(environment: dict[str, str], place: Path, *more: str) -> subprocess.CompletedProcess[str]:
    """The page's command for the cluster of ``environment``, its $PWD being ``place``."""
    command = COMMAND.replace("http://127.0.0.1:8265", environment["ADDRESS"]).replace("$PWD", str(place))
    return subprocess.run(
        [*command.split(), *more],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_a_submitted_job_makes_the_same_bytes(environment: dict[str, str], tmp_path: Path) -> None:
    source = write_table(tmp_path / "my_crystals.csv", 30, bad_every=11)
    small = ["voxels=16", "entries_per_shard=8"]
    done = submit(environment, tmp_path, *small)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "featurize: 28 crystals from 30 inputs" in done.stdout
    assert "2 rejects" in done.stdout
    progress = r"featurize: 30/30 crystals, [\d.e+]+/s, 0 s left, rejects 2"
    assert re.search(progress, done.stdout), "which is the log of the job that the dashboard shows"
    alone = DensitySettings(source=source, out=tmp_path / "alone", voxels=16, entries_per_shard=8)
    run(alone)
    made = tmp_path / "runs" / "shards"
    assert verify(made) == []
    for path in alone.out.iterdir():
        if path.name not in {".lock", "config.yaml"}:
            assert (made / path.name).read_bytes() == path.read_bytes(), path.name
    again = submit(environment, tmp_path, *small)
    assert "30 inputs kept from an earlier run" in again.stdout


def test_a_job_that_fails_says_so(environment: dict[str, str], tmp_path: Path) -> None:
    done = submit(environment, tmp_path)
    assert done.returncode != 0
    assert "my_crystals.csv: there is no such file or folder" in done.stdout + done.stderr


def test_a_stranger_is_kept_out(environment: dict[str, str], tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text(secrets.token_hex(32))
    done = submit(environment | {"RAY_AUTH_TOKEN_PATH": str(token)}, tmp_path)
    assert done.returncode != 0
    assert not (tmp_path / "runs").exists()
