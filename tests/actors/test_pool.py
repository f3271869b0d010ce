"""The actor pool on a real Ray: order, deaths, errors, and nothing left behind."""

import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from hpcvox.actors import reaper
from hpcvox.actors.cluster import available_cpus, cluster
from hpcvox.actors.pool import ActorPool, Failure
from hpcvox.actors.session import ClusterError, session_folder
from hpcvox.errors import SourceError
from tests.support.paths import ROOT


@pytest.fixture(scope="module")
def pool() -> Iterator[ActorPool]:
    """Two actors, for all tests here."""
    with cluster(2) as actors:
        yield ActorPool(lambda: actors)


def test_results_are_in_order_however_long_tasks_take(pool: ActorPool) -> None:
    def make() -> Callable[[int], tuple[int, int]]:
        def work(task: int) -> tuple[int, int]:
            time.sleep(0.05 if task % 5 == 0 else 0.0)
            return task, os.getpid()

        return work

    results = pool.run_ordered(make, iter(range(60)))
    done = [result for result in results if not isinstance(result, Failure)]
    assert [task for task, _ in done] == list(range(60))
    assert len({pid for _, pid in done}) == 2


def test_tasks_are_drawn_as_they_are_needed(pool: ActorPool) -> None:
    drawn: list[int] = []

    def tasks() -> Iterator[int]:
        for i in range(10_000):
            drawn.append(i)
            yield i

    results = pool.run_ordered(lambda: lambda task: task, tasks())
    assert [next(results) for _ in range(10)] == list(range(10))
    assert len(drawn) < 100


def test_no_process_is_started_that_nobody_asks(pool: ActorPool) -> None:
    words = ""
    for child in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess):  # Ray's spare workers come and go
            words += " ".join(child.cmdline())
    assert "raylet" in words
    for script in ("dashboard.py", "log_monitor.py", "_private/monitor.py"):
        assert script not in words


def test_two_threads_of_an_actor_are_at_work_at_once(pool: ActorPool, tmp_path: Path) -> None:
    def make() -> Callable[[int], int]:
        def work(task: int) -> int:
            (tmp_path / f"{task}").touch()
            partner = tmp_path / f"{task ^ 1}"  # the other of a pair, which the same actor has
            deadline = time.monotonic() + 60
            while not partner.exists():
                assert time.monotonic() < deadline, "nobody else is at work"
                time.sleep(0.01)
            return task

        return work

    with ActorPool(lambda: 1).workers(make, threads=2) as workers:
        assert list(workers.run_ordered(range(20))) == list(range(20))


def test_a_run_that_is_given_up_leaves_nothing_to_the_next(pool: ActorPool) -> None:
    def make() -> Callable[[object], object]:
        return lambda task: task

    with pool.workers(make) as workers:
        assert next(workers.run_ordered(range(50))) == 0
        assert list(workers.run_ordered("abcdefgh")) == list("abcdefgh")
        unread = workers.run_ordered(range(50))
        assert next(unread) == 0
        assert list(workers.run_ordered("abcdefgh")) == list("abcdefgh")
        assert list(unread) == []


def test_a_task_that_kills_its_actor_fails_alone(pool: ActorPool, tmp_path: Path) -> None:
    def make() -> Callable[[int], int]:
        def work(task: int) -> int:
            with (tmp_path / f"{task}").open("a") as log:
                log.write("x")
            if task == 3:
                os.kill(os.getpid(), signal.SIGKILL)
            if task == 6 and (tmp_path / "6").read_text() == "x":
                os.kill(os.getpid(), signal.SIGKILL)
            return task * task

        return work

    results = list(pool.run_ordered(make, range(12)))
    failures = [r for r in results if isinstance(r, Failure)]
    assert [f.task for f in failures] == [3]
    assert "3 times" in failures[0].message
    assert results[3] is failures[0]
    assert [r for r in results if isinstance(r, int)] == [i * i for i in range(12) if i != 3]
    assert (tmp_path / "3").read_text() == "xxx"


def test_a_workers_own_error_is_raised_as_it_is(pool: ActorPool) -> None:
    def make() -> Callable[[int], int]:
        def work(task: int) -> int:
            if task == 2:
                raise SourceError("no such file")
            return task

        return work

    with pytest.raises(SourceError, match=r"^no such file$"):
        list(pool.run_ordered(make, range(5)))
    with pytest.raises(ZeroDivisionError):
        list(pool.run_ordered(lambda: lambda task: 1 // task, [1, 0]))


def test_a_worker_that_cannot_be_made_says_why(pool: ActorPool) -> None:
    def make() -> Callable[[int], int]:
        raise SourceError("no model here")

    with pytest.raises(ClusterError, match="no model here"):
        list(pool.run_ordered(make, range(5)))


def test_work_that_is_done_starts_nothing() -> None:
    def connect() -> int:
        raise AssertionError("Ray is not needed")

    def make() -> Callable[[int], int]:
        raise AssertionError("nor is a worker")

    nothing: list[int] = []
    assert list(ActorPool(connect).run_ordered(make, nothing)) == []
    assert list(ActorPool(connect).run_ordered(make, range(3), lambda task: -task)) == [0, -1, -2]


def test_what_is_not_done_is_done_in_its_order(pool: ActorPool) -> None:
    done = {0: "kept", 1: "kept", 3: "kept"}.get
    results = list(pool.run_ordered(lambda: lambda task: f"made {task}", range(4), done))
    # an actor is asked for all that comes after the first task that is not done, and may find it done itself
    assert results == ["kept", "kept", "made 2", "made 3"]


KEPT = """
import psutil
from hpcvox.actors.cluster import cluster, kept_cluster
def raylets():
    return [p.pid for p in psutil.Process().children(recursive=True) if p.name() == "raylet"]
with kept_cluster():
    assert not raylets()
    with cluster(1):
        first = raylets()
    between = raylets()
    with cluster(1):
        second = raylets()
assert first == between == second and len(first) == 1, (first, between, second)
assert not raylets()
"""


@pytest.mark.slow
def test_a_ray_can_be_kept_from_job_to_job() -> None:
    done = subprocess.run(
        [sys.executable, "-c", KEPT], capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, done.stderr


def test_actors_are_single_threaded(pool: ActorPool) -> None:
    results = list(pool.run_ordered(lambda: lambda name: os.environ[name], ["OMP_NUM_THREADS"]))
    assert results == ["1"]


def test_ray_listens_on_loopback_only(pool: ActorPool) -> None:
    started = psutil.Process().children()  # another test's SLURM may be among them
    of_ray = [p for p in started if "ray" in " ".join(p.cmdline())]
    processes = [psutil.Process(), *of_ray, *(child for p in of_ray for child in p.children(recursive=True))]
    names = " ".join(p.name() for p in processes)
    assert "raylet" in names
    pids = {p.pid for p in processes}
    listening = [
        c.laddr.ip
        for c in psutil.net_connections()
        if c.laddr and c.pid in pids and c.status == psutil.CONN_LISTEN
    ]
    assert listening
    assert {ip.removeprefix("::ffff:") for ip in listening} == {"127.0.0.1"}


def test_cpus_are_those_of_slurm(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SLURM_CPUS_PER_TASK", raising=False)
    monkeypatch.delenv("SLURM_CPUS_ON_NODE", raising=False)
    assert available_cpus() == len(os.sched_getaffinity(0))
    monkeypatch.setenv("SLURM_CPUS_PER_TASK", "1")
    assert available_cpus() == 1


def test_a_cluster_that_does_not_answer_is_an_error() -> None:
    code = (
        "from hpcvox.actors.pool import actor_pool\nwith actor_pool() as pool:\n"
        "    list(pool.run_ordered(lambda: lambda x: x, [1]))"
    )
    environment = os.environ | {"RAY_ADDRESS": "127.0.0.1:1", "RAY_raylet_start_wait_time_s": "1"}
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert "RAY_ADDRESS=127.0.0.1:1" in done.stderr.splitlines()[-1]
    assert "ClusterError" in done.stderr.splitlines()[-1]


DRIVER = """
import os, signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's `&` has it ignored
from hpcvox.actors.pool import actor_pool
with actor_pool(1) as pool:
    for pid in pool.run_ordered(lambda: lambda task: time.sleep(task) or os.getpid(), [0, 300]):
        print(pid, flush=True)
"""


def _runs(process: psutil.Process) -> bool:
    """Whether a process is alive (an orphan that nobody waits for stays a zombie in some containers)."""
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.mark.slow
@pytest.mark.parametrize(
    ("sent", "to_group"), [(signal.SIGKILL, False), (signal.SIGINT, True), (signal.SIGTERM, False)]
)
def test_nothing_is_left_of_a_killed_driver(sent: signal.Signals, to_group: bool) -> None:
    driver = subprocess.Popen(
        [sys.executable, "-c", DRIVER],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        start_new_session=True,
    )
    assert driver.stdout is not None
    worker = psutil.Process(int(driver.stdout.readline()))
    family = [*psutil.Process(driver.pid).children(recursive=True), worker]
    assert any("raylet" in p.name() for p in family)
    (os.killpg if to_group else os.kill)(driver.pid, sent)
    driver.wait(timeout=60)
    ended = time.monotonic() + 30
    while (alive := [p for p in family if _runs(p)]) and time.monotonic() < ended:
        time.sleep(0.2)
    for process in alive:
        process.kill()
    assert not alive
    assert not list(Path("/tmp").glob(f"hpcvox-*/*/session_*_{driver.pid}"))


def test_who_clears_up_spares_those_that_only_look(tmp_path: Path) -> None:
    """A job that starts looks at the locks of others: it has no part in what is cleared up."""
    folder = tmp_path / "hpcvox-killed"
    folder.mkdir()
    hold = "import sys, time; file = open(sys.argv[1], 'w'); print(1, flush=True); time.sleep(60)"
    part, looks = (
        subprocess.Popen([sys.executable, "-c", hold, folder / name], stdout=subprocess.PIPE)
        for name in ("log", ".lock")
    )
    try:
        for process in (part, looks):
            assert process.stdout is not None
            process.stdout.readline()
        command = [sys.executable, "-I", "-S", reaper.__file__, str(folder)]
        subprocess.run(command, stdin=subprocess.DEVNULL, timeout=60, check=True)
        assert part.wait(timeout=10) == -signal.SIGKILL
        assert looks.poll() is None
        assert not folder.exists()
    finally:
        for process in (part, looks):
            process.kill()
            process.communicate()


def test_modules_of_the_current_folder_are_those_of_somebody_else_s_data(tmp_path: Path) -> None:
    """As where a user goes to a folder that was downloaded, and calls ``hpcvox`` there."""
    for name in ("numpy", "hpcvox", "pickle"):
        (tmp_path / f"{name}.py").write_text("open('was_run', 'w').close()")
    script = (
        "import os, numpy\n"
        "from hpcvox.actors.pool import actor_pool\n"
        "def make():\n"
        "    import numpy\n"
        "    return lambda task: (numpy.zeros(task).size, os.getcwd())\n"
        "with actor_pool(1) as pool:\n"
        "    print(list(pool.run_ordered(make, [3])))\n"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", script],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.stdout == f"[(3, {str(tmp_path)!r})]\n", done.stderr
    assert not (tmp_path / "was_run").exists()


def test_ray_s_folder_lies_where_others_cannot_put_another_in_its_place(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with tempfile.TemporaryDirectory(prefix="s-", dir="/tmp") as open_to_all:
        monkeypatch.setenv("HPCVOX_NODE_TMP", open_to_all)
        for mode, taken in ((0o700, True), (0o755, True), (0o1777, True), (0o777, False), (0o770, False)):
            Path(open_to_all).chmod(mode)
            with session_folder() as folder:
                assert (folder.parent == Path(open_to_all)) == taken, f"{mode:o}"
