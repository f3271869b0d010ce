"""Two users on one node at once: neither meets the other's Ray, nor gets into it."""

import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.crystal_sources import write_table
from tests.support.featurize_faults import contents
from tests.support.paths import ROOT
from tests.support.slurm_lab.lab import kill_marked

NODE = ROOT / "slurm/ray_node.py"
NOBODY = 65534

pytestmark = pytest.mark.slow


@dataclass
class User:
    """Somebody with an identity, a home and a token of their own."""

    home: Path
    uid: int

    @property
    def environment(self) -> dict[str, str]:
        own = {k: v for k, v in os.environ.items() if not k.startswith(("RAY_", "SLURM_", "XDG_"))}
        path = f"{Path(sys.executable).parent}:{own['PATH']}"
        return own | {"HOME": str(self.home), "PATH": path, "RAY_USAGE_STATS_ENABLED": "0"}

    def start(self, *command: str, **environment: str) -> subprocess.Popen[str]:
        """Run a command as this user, who may read all files (Python may lie in a home) and write no others'."""
        if self.uid != os.getuid():
            rights = ("--inh-caps=-all,+dac_read_search", "--ambient-caps=-all,+dac_read_search")
            command = (
                "setpriv",
                f"--reuid={self.uid}",
                f"--regid={self.uid}",
                "--clear-groups",
                *rights,
                *command,
            )
        return subprocess.Popen(
            command,
            env=self.environment | environment,
            cwd=self.home,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def featurize(self, source: Path, **environment: str) -> subprocess.Popen[str]:
        """The job, on two actors, to ``shards`` in this user's home."""
        settings = (f"source={source}", "out=shards", "voxels=16", "entries_per_shard=32", "actors=2")
        return self.start(sys.executable, "-m", "hpcvox", "featurize", *settings, **environment)


@pytest.fixture
def users() -> Iterator[tuple[User, User]]:
    """Who runs the tests, root, and another one; each with a home of their own."""
    if os.getuid() != 0 or shutil.which("setpriv") is None:
        pytest.skip("a second user takes root, and setpriv of util-linux")
    with tempfile.TemporaryDirectory(prefix="hv-", dir="/tmp") as folder:  # Ray's sockets want short paths
        Path(folder).chmod(0o755)
        both = []
        for uid in (os.getuid(), NOBODY):
            home = Path(folder) / str(uid)
            home.mkdir(mode=0o700)
            os.chown(home, uid, uid)
            both.append(User(home, uid))
        yield both[0], both[1]


@pytest.fixture
def source(users: tuple[User, User]) -> Path:
    """A table of crystals that both can read."""
    return write_table(users[0].home.parent / "crystals.csv", 200, bad_every=97)


def ended(jobs: list[subprocess.Popen[str]]) -> None:
    said = [job.communicate(timeout=240)[0] for job in jobs]
    for job, text in zip(jobs, said, strict=True):
        assert job.returncode == 4, text  # done, with rejects
        assert "198 crystals from 200 inputs" in text


def test_runs_of_two_users_at_once(users: tuple[User, User], source: Path) -> None:
    ended([user.featurize(source) for user in users])
    first, second = (contents(user.home / "shards") for user in users)
    assert first == second


def test_allocations_of_two_users_on_one_node(users: tuple[User, User], source: Path) -> None:
    heads, jobs, known = [], [], []
    tmp = users[0].home.parent / "t"  # of the node, open to all
    tmp.mkdir()
    tmp.chmod(0o1777)
    try:
        for user in users:
            token = user.home / "token"
            token.touch(mode=0o600)
            token.write_text(secrets.token_hex(32))
            os.chown(token, user.uid, user.uid)
            port = subprocess.check_output([sys.executable, NODE, "port"], text=True).strip()
            own = {
                "RAY_ADDRESS": f"127.0.0.1:{port}",
                "RAY_AUTH_MODE": "token",
                "RAY_AUTH_TOKEN_PATH": str(token),
                "HPCVOX_NODE_TMP": str(tmp),
            }
            known.append(own)
            heads.append(user.start(sys.executable, str(NODE), "head", own["RAY_ADDRESS"], "2", **own))
        for user, own in zip(users, known, strict=True):
            ready = user.start(sys.executable, str(NODE), "wait", own["RAY_ADDRESS"], "1", "90", **own)
            assert ready.wait(120) == 0, ready.communicate()[0]
        folders = {folder.stat().st_uid: folder for folder in tmp.iterdir()}
        assert {uid: folder.stat().st_mode & 0o777 for uid, folder in folders.items()} == {
            user.uid: 0o700 for user in users
        }
        plain = f"setpriv --reuid={users[1].uid} --regid={users[1].uid} --clear-groups --inh-caps=-all ls"
        looking = subprocess.run([*plain.split(), folders[users[0].uid]], capture_output=True, check=False)
        assert b"Permission denied" in looking.stderr, "another user cannot enter"
        jobs = [user.featurize(source, **own) for user, own in zip(users, known, strict=True)]
        ended(jobs)
        first, second = (contents(user.home / "shards") for user in users)
        assert first == second
        shutil.rmtree(users[1].home / "shards")
        stranger = users[1].featurize(source, **known[1] | {"RAY_ADDRESS": known[0]["RAY_ADDRESS"]})
        said = stranger.communicate(timeout=240)[0]
        assert stranger.returncode == 2, said
        assert "no Ray cluster answers at RAY_ADDRESS" in said
        assert not list((users[1].home / "shards").glob("*.h5"))
    finally:
        for process in (*jobs, *heads):
            if process.poll() is None:
                process.kill()
        for user in users:
            _end_all_of(user)


def _end_all_of(user: User) -> None:
    """Kill whatever of this user's Ray is left: its processes have the user's home in their environment."""
    deadline = time.monotonic() + 20
    while kill_marked(f"HOME={user.home}") and time.monotonic() < deadline:
        time.sleep(0.2)
