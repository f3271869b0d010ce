"""Ranks that nobody brings together meet in a folder; which network they then talk by."""

import socket
import threading
from datetime import timedelta
from pathlib import Path

import psutil
import pytest

from hpcvox.errors import TrainingError
from hpcvox.training.ranks.addresses import between
from hpcvox.training.ranks.meeting import INTERFACE, Meeting, Place, tasks_of_nodes


def place(rank: int) -> Place:
    return Place("7-0-1", rank, 2, 0, 1, 2, "127.0.0.1")


def test_two_ranks_tell_each_other_where_nobody_else_can_look_and_leave_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(INTERFACE, "ib0")
    for left in ("7-0-0", "70-0-0"):
        (tmp_path / f"run/.ranks-{left}").mkdir(parents=True)
    met: dict[int, Meeting] = {}

    def come(rank: int) -> None:
        met[rank] = Meeting(tmp_path / "run", place(rank), 30)

    other = threading.Thread(target=come, args=(1,))
    other.start()
    come(0)
    other.join()
    other_job = tmp_path / "run/.ranks-70-0-0"
    (folder,) = set((tmp_path / "run").iterdir()) - {other_job}
    assert folder.stat().st_mode & 0o777 == 0o700
    first, second = met[0], met[1]
    second.set("0//cpu//0/1", b"\0an address")
    assert first.get("0//cpu//0/1") == b"\0an address"
    assert first.check(["0//cpu//0/1"])
    assert not first.check(["0//cpu//0/1", "0//cpu//0/0"])
    with pytest.raises(TimeoutError):
        second.wait(["0//cpu//0/0"], timedelta(seconds=0.1))
    second.close()
    assert folder.exists(), "the first rank clears up"
    first.close()
    assert list((tmp_path / "run").iterdir()) == [other_job], "and what this job has left before"


def test_a_rank_that_does_not_come_is_told(tmp_path: Path) -> None:
    with pytest.raises(TrainingError) as told:
        Meeting(tmp_path, place(0), 0.2)
    assert "rank 0 of 2 has waited stall_s=0.2 s for rank 1" in str(told.value)
    assert "all nodes see" in str(told.value)


@pytest.mark.parametrize("kind", ["open to others", "a link"])
def test_a_folder_that_is_not_this_users_alone_is_refused(tmp_path: Path, kind: str) -> None:
    folder = tmp_path / ".ranks-7-0-1"
    if kind == "a link":
        (tmp_path / "elsewhere").mkdir(mode=0o700)
        folder.symlink_to(tmp_path / "elsewhere")
    else:
        folder.mkdir()
        folder.chmod(0o755)
    with pytest.raises(TrainingError, match="not a folder that only you may enter"):
        Meeting(tmp_path, place(0), 1)


def test_who_a_rank_is_by_what_slurm_tells_it(monkeypatch: pytest.MonkeyPatch) -> None:
    assert tasks_of_nodes("2(x3),1") == [2, 2, 2, 1]
    monkeypatch.delenv("SLURM_RESTART_COUNT", raising=False)
    told = {
        "JOB_ID": "7",
        "STEP_ID": "0",
        "PROCID": "3",
        "LOCALID": "0",
        "NODEID": "2",
        "STEP_NUM_TASKS": "4",
        "STEP_NUM_NODES": "3",
        "STEP_TASKS_PER_NODE": "2,1(x2)",
        "LAUNCH_NODE_IPADDR": "10.0.0.1",
    }
    for name, value in told.items():
        monkeypatch.setenv(f"SLURM_{name}", value)
    assert Place.of_slurm() == Place("7-0-0", 3, 4, 0, 1, 3, "10.0.0.1")
    monkeypatch.setenv("SLURM_RESTART_COUNT", "1")
    assert Place.of_slurm().meeting == "7-1-0", "another start, another meeting"


def test_the_network_between_the_nodes_is_found_without_their_names() -> None:
    assert between([""], 1) == "lo"
    assert between(["127.0.0.1", "127.0.1.1"], 2) == "lo", "all nodes are this machine"
    assert between([""], None) is None, "nothing is told"
    for name, addresses in psutil.net_if_addrs().items():
        for one in addresses:
            if one.family == socket.AF_INET and not one.address.startswith("127."):
                assert between(["127.0.0.1", one.address], 2) == name, (
                    "as others see the node of the first rank"
                )
