"""``ray up``, ``ray submit`` and ``ray down`` of docs/tutorials/cluster.md, on two machines that Ray reaches by SSH.

The machines are namespaces of this one: each has its own network (so the addresses and ports are those of the
template), a /tmp of Ray's own and an SSH server; they share a home folder that is not the user's.  Their processes
see and stop one another alone, and end with the first of them.
"""

import contextlib
import getpass
import os
import pwd
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path

import pytest
import yaml

from hpcvox.featurize.job import run
from hpcvox.featurize.settings import DensitySettings
from hpcvox.shards.verify import verify
from tests.support.crystal_sources import write_table
from tests.support.paths import ROOT
from tests.support.shown_commands import shown

UP, SUBMIT = (command for command in shown() if command.startswith(("ray up ", "ray submit ")))
CONFIG = "configs/ray_cluster.yaml"
TEMPLATE = yaml.safe_load((ROOT / CONFIG).read_text())
HEAD, WORKER = TEMPLATE["provider"]["head_ip"], "192.0.2.2"
PATH = f"{Path(sys.executable).parent}:{os.environ['PATH']}:/usr/sbin:/sbin"
TOOLS = ("unshare", "nsenter", "ip", "dropbear", "dropbearkey", "ssh", "ssh-keygen", "rsync")

RAY_FOLDERS = f"/tmp/ray /tmp/ray_ssh_{sha256(getpass.getuser().encode()).hexdigest()[:10]}"

pytestmark = pytest.mark.slow

MACHINES = f"""
set -e
node() {{   # address, interface
    ip link set lo up
    ip address add "$1/24" dev "$2"
    ip link set "$2" up
    for folder in {RAY_FOLDERS}; do mount -t tmpfs tmpfs "$folder"; done
    exec dropbear -F -E -s -r hostkey -p "$1:22"
}}
export -f node
mkdir -p {RAY_FOLDERS}
mount --bind passwd /etc/passwd
# an ordinary user may not give a terminal to the group of terminals, as dropbear does where there is one
grep -v '^tty:' /etc/group > group
mount --bind group /etc/group
unshare --net --mount --uts sh -c 'hostname worker; echo > born; exec sleep infinity' & worker=$!
until [ -e born ]; do sleep 0.05; done
ip link add head type veth peer name worker netns $worker
nsenter --target $worker --net --mount --uts --wd="$PWD" bash -c 'node {WORKER} worker' 2> worker.log &
(node {HEAD} head) 2> head.log &
echo up > up
wait
"""
"""Run as the first process of its namespaces, in the folder that holds passwd and hostkey."""


class Machines:
    """A head and a worker; ``machines.run("ray", ...)`` runs as a user of the head would."""

    def __init__(self, folder: Path, first: int, environment: dict[str, str]) -> None:
        self.home, self._first, self._environment = folder / "home", first, environment

    def run(self, *command: str, cwd: Path, timeout: float = 240) -> subprocess.CompletedProcess[str]:
        enter = ["nsenter", "--preserve-credentials", f"--target={self._first}"]
        if os.getuid():
            enter.append("--user")
        return subprocess.run(
            [*enter, "--pid", "--net", "--mount", f"--wd={cwd}", *command],
            env=self._environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )


@pytest.fixture(scope="module")
def machines() -> Iterator[Machines]:
    """Both machines, up."""
    if missing := [tool for tool in TOOLS if shutil.which(tool, path=PATH) is None]:
        pytest.skip(f"this test needs {', '.join(missing)} (set-up for the tests installs them, as root)")
    folder = Path(tempfile.mkdtemp(prefix="hv-", dir="/tmp"))
    try:
        with _started(folder) as started:
            yield started
    finally:
        shutil.rmtree(folder)


@contextlib.contextmanager
def _started(folder: Path) -> Iterator[Machines]:
    home = folder / "home"
    ssh = home / ".ssh"
    ssh.mkdir(parents=True, mode=0o700)
    key = TEMPLATE["auth"]["ssh_private_key"].replace("~", str(home))
    for command in (
        ["dropbearkey", "-t", "ed25519", "-f", str(folder / "hostkey")],
        ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key],
    ):
        subprocess.run(command, env=os.environ | {"PATH": PATH}, check=True, capture_output=True)
    (ssh / "authorized_keys").write_text(Path(f"{key}.pub").read_text())
    (ssh / "authorized_keys").chmod(0o600)
    user = pwd.getpwuid(os.getuid())
    (folder / "passwd").write_text(
        f"{user.pw_name}:x:{user.pw_uid}:{user.pw_gid}::{home}:/bin/bash\n" + Path("/etc/passwd").read_text()
    )
    # hpcvox as the machines have it; a login shell of Debian begins with a PATH of its own
    (home / "hpcvox").mkdir()
    (home / "hpcvox" / ".venv").symlink_to(sys.prefix)
    (home / ".bashrc").write_text(f"export PYTHONPATH={ROOT}\n")
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("RAY_", "SLURM_"))}
    environment |= {"HOME": str(home), "TMPDIR": str(home), "PATH": PATH, "PYTHONPATH": str(ROOT)}
    unshare = ["unshare", "--pid", "--net", "--mount", "--uts", "--fork", "--kill-child", "--mount-proc"]
    if os.getuid():
        unshare += ["--user", "--map-current-user", "--keep-caps"]
    with (folder / "log").open("w") as log:
        outer = subprocess.Popen(
            [*unshare, "bash", "-c", MACHINES], cwd=folder, env=environment, stdout=log, stderr=log
        )
    try:
        _until(lambda: (folder / "up").exists() or outer.poll() is not None)
        if outer.poll() is not None:
            pytest.skip(f"no namespaces here: {(folder / 'log').read_text()}")
        first = int(Path(f"/proc/{outer.pid}/task/{outer.pid}/children").read_text())
        yield Machines(folder, first, environment)
    finally:
        outer.kill()  # and with it all that ever ran in its namespaces
        outer.wait(60)


def _until(condition: Callable[[], bool], timeout: float = 30) -> None:
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


@pytest.fixture(scope="module")
def project(machines: Machines) -> Path:
    """A folder with configs/ and jobs/, the template edited as a user would; its cluster is up, both machines."""
    folder = machines.home / "project"
    for name in ("configs", "jobs"):
        shutil.copytree(ROOT / name, folder / name)
    config = TEMPLATE | {"provider": TEMPLATE["provider"] | {"worker_ips": [WORKER]}}
    config["auth"] = config["auth"] | {"ssh_user": getpass.getuser()}
    (folder / CONFIG).write_text(yaml.safe_dump(config))
    machines.run("ray", "get-auth-token", "--generate", cwd=folder)
    up = machines.run(*UP.split(), cwd=folder)
    assert up.returncode == 0, up.stdout + up.stderr
    status = ["ray", "exec", CONFIG, "ray status"]
    _until(lambda: "2 local.cluster.node" in machines.run(*status, cwd=folder).stdout, timeout=120)
    return folder


def test_a_submitted_script_makes_the_same_bytes(machines: Machines, project: Path, tmp_path: Path) -> None:
    source = write_table(machines.home / "my_crystals.csv", 30, bad_every=11)
    done = machines.run(*SUBMIT.split(), "voxels=16", "entries_per_shard=8", cwd=project)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "featurize: 28 crystals from 30 inputs" in done.stdout
    assert "2 rejects" in done.stdout
    alone = DensitySettings(source=source, out=tmp_path / "alone", voxels=16, entries_per_shard=8)
    run(alone)
    made = machines.home / "runs" / "shards"
    assert verify(made) == []
    for path in alone.out.iterdir():
        if path.name not in {".lock", "config.yaml"}:
            assert (made / path.name).read_bytes() == path.read_bytes(), path.name


def test_a_script_that_fails_says_so(machines: Machines, project: Path) -> None:
    done = machines.run(*SUBMIT.split(), "source=nowhere.csv", cwd=project)
    assert done.returncode != 0
    assert "nowhere.csv: there is no such file or folder" in done.stdout + done.stderr


def test_a_stranger_is_kept_out(machines: Machines, project: Path) -> None:
    token = machines.home / "other_token"
    token.write_text(secrets.token_hex(32))
    look = ["ray", "status", f"--address={HEAD}:6379"]
    mine = machines.run("env", "RAY_AUTH_MODE=token", *look, cwd=project)
    assert mine.returncode == 0, mine.stderr
    theirs = ["RAY_AUTH_MODE=token", f"RAY_AUTH_TOKEN_PATH={token}"]
    assert machines.run("env", *theirs, *look, cwd=project).returncode != 0


def test_a_second_up_leaves_ray_running_and_down_ends_it(machines: Machines, project: Path) -> None:
    raylets = machines.run("pgrep", "-x", "raylet", cwd=project).stdout.split()
    assert len(raylets) == 2
    up = machines.run(*UP.split(), cwd=project)
    assert up.returncode == 0, up.stdout + up.stderr
    assert machines.run("pgrep", "-x", "raylet", cwd=project).stdout.split() == raylets
    down = machines.run("ray", "down", "--yes", CONFIG, cwd=project)
    assert down.returncode == 0, down.stdout + down.stderr
    assert not machines.run("pgrep", "-x", "raylet|gcs_server", cwd=project).stdout
