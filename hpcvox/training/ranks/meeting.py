"""A folder on a shared file system, in which ranks find each other that no launcher brings together.

torch.distributed itself offers a server or a locked file.  The server has no key, so anybody who reaches its port can
read and write the ranks' messages.  The file fails without locks, and its content is lost if locks hold on one node
only (BeeGFS, and Lustre with ``localflock``).  A folder needs no port, no address and no locks.
"""

import hashlib
import os
import re
import shutil
import stat
import time
from collections.abc import Iterable
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple, Self

from torch._C._distributed_c10d import Store

from hpcvox.errors import TrainingError
from hpcvox.process.launcher import MEETING, RANK, RANKS
from hpcvox.training.ranks.addresses import between

LOOK_S = (0.01, 0.5)
"""Seconds between two looks for a file, first and at most."""

FOLDER = ".ranks-"
"""Beginning of the name of a meeting's folder; the job and the number of its start follow."""

INTERFACE = "GLOO_SOCKET_IFNAME"
"""Variable with the network interface at which Gloo listens; without it, Gloo uses that of the node's host name."""


class Place(NamedTuple):
    """The place of a rank among all ranks."""

    meeting: str
    """Name of the meeting: the same for all ranks, and different for each start."""
    rank: int
    size: int
    local_rank: int
    """Number of this rank among the ranks of its node, from 0."""
    local_size: int
    nodes: int | None
    """Over how many nodes the ranks are; None: several."""
    launched_from: str = ""
    """The address of the node where ``srun`` was called, as this node sees it."""

    @classmethod
    def of_one_machine(cls) -> Self:
        """Read the variables that ``launch.py`` sets for ranks that it starts itself."""
        rank, size = int(os.environ[RANK]), int(os.environ[RANKS])
        return cls(os.environ[MEETING], rank, size, rank, size, 1)

    @classmethod
    def of_slurm(cls) -> Self:
        """Read the variables that SLURM sets for each task of a step."""
        given = os.environ
        node = int(given["SLURM_NODEID"])
        return cls(
            f"{given['SLURM_JOB_ID']}-{given.get('SLURM_RESTART_COUNT', '0')}-{given['SLURM_STEP_ID']}",
            int(given["SLURM_PROCID"]),
            int(given["SLURM_STEP_NUM_TASKS"]),
            int(given["SLURM_LOCALID"]),
            tasks_of_nodes(given["SLURM_STEP_TASKS_PER_NODE"])[node],
            int(given["SLURM_STEP_NUM_NODES"]),
            given.get("SLURM_LAUNCH_NODE_IPADDR", ""),
        )


def tasks_of_nodes(text: str) -> list[int]:
    """Read SLURM's list of tasks on each node: ``2(x3),1`` gives 2, 2, 2, 1."""
    counts: list[int] = []
    for tasks, times in re.findall(r"(\d+)(?:\(x(\d+)\))?", text):
        counts += [int(tasks)] * int(times or 1)
    return counts


class Meeting(Store):
    """The messages of the ranks before they are joined: a file for each key, written aside and renamed."""

    def __init__(self, out: Path, place: Place, patience_s: float) -> None:
        """Come to the meeting below ``out``, and wait until all other ranks have come.

        Raises:
            TrainingError: another user can enter the folder, or a rank has not come within ``patience_s`` seconds.
        """
        super().__init__()
        self._folder = _private(out / f"{FOLDER}{place.meeting}")
        self._rank, self._patience_s = place.rank, patience_s
        if place.rank == 0:
            _clear_up(self._folder)
        self.set(f"rank {place.rank}", place.launched_from)
        seen_from = {self._of_rank(rank, place.size) for rank in range(place.size)}
        if INTERFACE not in os.environ and (interface := between(seen_from, place.nodes)):
            os.environ[INTERFACE] = interface

    def _of_rank(self, rank: int, size: int) -> str:
        try:
            return self.get(f"rank {rank}").decode()
        except TimeoutError:
            self.close()
            raise TrainingError(
                f"rank {self._rank} of {size} has waited stall_s={self._patience_s:g} s for rank {rank} in "
                f"{self._folder}: it was not started, or its node does not see the same files there (out must be on "
                "a file system that all nodes see)"
            ) from None

    def set(self, key: str, value: str | bytes) -> None:
        """Write ``value`` under ``key`` for the other ranks."""
        path = self._file(key)
        aside = path.with_suffix(f".{self._rank}")
        aside.write_bytes(value.encode() if isinstance(value, str) else value)
        aside.replace(path)

    def get(self, key: str) -> bytes:
        """Wait until a rank has written ``key``, and return its value."""
        self.wait([key])
        return self._file(key).read_bytes()

    def check(self, keys: Iterable[str]) -> bool:
        """Whether all ``keys`` have been written."""
        return all(self._file(key).exists() for key in keys)

    def wait(self, keys: Iterable[str], timeout: timedelta | None = None) -> None:
        """Wait until all ``keys`` have been written.

        Raises:
            TimeoutError: they were not written in time.
        """
        began = time.monotonic()
        patience_s = timeout.total_seconds() if timeout is not None else self._patience_s
        pause, looked = LOOK_S[0], began
        for key in keys:
            while not self._file(key).exists():
                now = time.monotonic()
                if now - began > patience_s:
                    raise TimeoutError(f"nothing is told of {key} in {self._folder}")
                if now - looked > 1:
                    os.utime(self._folder)  # makes a network file system ask its server for new files
                    looked = now
                time.sleep(pause)
                pause = min(2 * pause, LOOK_S[1])

    def clone(self) -> Self:
        """A store for another thread; this one serves as well."""
        return self

    def close(self) -> None:
        """End the meeting; rank 0 removes the folder when all others are done with it."""
        if self._rank == 0:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _file(self, key: str) -> Path:
        return self._folder / hashlib.sha256(key.encode()).hexdigest()


def _private(folder: Path) -> Path:
    """Make a folder that only this user may enter, unless another rank has made it.

    Raises:
        TrainingError: it belongs to another user, others may enter it, or it is a link.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        found = folder.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o077:
            raise TrainingError(
                f"{folder}, where the ranks meet, is not a folder that only you may enter: remove it, and let "
                "nobody else write to the folder that contains it"
            ) from None
    return folder


def _clear_up(folder: Path) -> None:
    """Remove the folders of earlier starts of the same job that were killed during their meeting."""
    job, dash, _ = folder.name.removeprefix(FOLDER).partition("-")
    for left in folder.parent.glob(f"{FOLDER}{job}{dash}*"):
        if left != folder and not left.is_symlink() and left.stat().st_uid == os.geteuid():
            shutil.rmtree(left, ignore_errors=True)
