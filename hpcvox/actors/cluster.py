"""Starts or reaches the Ray of a job: a private one on this machine, or a cluster that the environment names."""

import contextlib
import logging
import os
import secrets
import signal
import socket
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from hpcvox.actors.session import RAY, ClusterError, session_folder
from hpcvox.process.outcome import INTERRUPTED

STORE_BYTES = 200 * 2**20
"""Bytes of Ray's shared memory; little is enough, since tasks and results are small and actors write arrays to disk."""

ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"), "1"
)
"""An actor is one thread of one core: the parallelism is in their number."""

QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_DISABLE_IMPORT_WARNING": "1",
    # on a busy machine or file system an actor takes minutes to load; Ray would end it after one, again and again
    "RAY_worker_register_timeout_seconds": "600",
}

UNASKED = ("start_api_server", "start_log_monitor", "start_monitor")
"""Functions that start processes which are not needed here: for the dashboard, the driver's log, and more nodes."""

_token = secrets.token_hex(32)  # Ray keeps the first token it sees for the life of the process


LEAVE_S = 15.0
"""Seconds after Ctrl-C in which Ray must end; Ctrl-C also reaches Ray's own processes, for which Ray may then wait."""

_leaving: list[threading.Timer] = []  # one at most

_kept: list[contextlib.ExitStack] = []
"""Ends the Ray that is kept from job to job."""


def leave_soon() -> None:
    """End this process as interrupted if it has not left Ray within :data:`LEAVE_S` seconds.

    Used after Ctrl-C, when Ray may wait for a head that has ended.  Files on disk are complete at any moment.
    """
    if not _leaving:
        _leaving.append(threading.Timer(LEAVE_S, os._exit, [INTERRUPTED]))
        _leaving[0].daemon = True
        _leaving[0].start()


def _has_left() -> None:
    while _leaving:
        _leaving.pop().cancel()


def available_cpus() -> int:
    """Number of CPUs that this process may use: those of its affinity, but no more than SLURM gave the task."""
    cpus = len(os.sched_getaffinity(0))
    for variable in ("SLURM_CPUS_PER_TASK", "SLURM_CPUS_ON_NODE"):
        if os.environ.get(variable, "").isdigit():
            return max(1, min(cpus, int(os.environ[variable])))
    return cpus


@contextlib.contextmanager
def cluster(actors: int = 0) -> Iterator[int]:
    """A context with Ray that yields the number of actors to use (``actors``, or one for each CPU if that is 0).

    If ``RAY_ADDRESS`` is set, this connects to that cluster (of an allocation, or the one in which ``ray job submit``
    runs).  Otherwise it starts a private Ray: only on the loopback interface, with a token, in its own folder that is
    removed at the end, without a dashboard.  Its processes end when this process ends, in whatever way.  If the caller
    has started Ray, that one is used and left running.

    Raises:
        ClusterError: Ray cannot be started or reached.
    """
    try:
        with _reached(actors) as count:
            yield count
    finally:
        _has_left()


@contextlib.contextmanager
def _reached(actors: int) -> Iterator[int]:
    if os.environ.get("RAY_ADDRESS"):
        with _environment(QUIET), _connected(os.environ["RAY_ADDRESS"]):
            yield _fitting(actors)
        return
    # imported only after the environment is set, because Ray reads it when it is imported
    if "ray" in sys.modules and sys.modules["ray"].is_initialized():
        yield _fitting(actors)
        return
    if _kept:
        _kept[-1].enter_context(_embedded(max(actors, available_cpus())))
        yield _fitting(actors)
        return
    with _embedded(actors or available_cpus()):
        yield actors or available_cpus()


@contextlib.contextmanager
def kept_cluster() -> Iterator[None]:
    """A context in which the Ray of a job stays running for the next job.

    It has as many CPUs as this process, or as many as the first job wants actors if that is more.
    """
    with contextlib.ExitStack() as stack:
        _kept.append(stack)
        try:
            yield
        finally:
            _kept.remove(stack)


def _fitting(actors: int) -> int:
    """``actors``, but at most the number of CPUs of the cluster, since further actors would wait forever."""
    import ray

    resources: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
    cpus = max(1, int(resources.get("CPU", 1)))
    return min(actors or cpus, cpus)


@contextlib.contextmanager
def _connected(address: str) -> Iterator[None]:
    import ray

    if ray.is_initialized():
        yield
        return
    try:
        _knock(address)
        with _own_signals(), _same_modules():
            ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
    except Exception as error:  # Ray raises this class itself, too
        raise ClusterError(
            f"no Ray cluster answers at RAY_ADDRESS={address}: {_first_line(error)}. "
            "Start one, or unset RAY_ADDRESS to run on this machine alone"
        ) from error
    try:
        yield
    finally:
        ray.shutdown()


def _knock(address: str) -> None:
    """Raise at once if nothing listens at ``host:port``; Ray itself would try for minutes."""
    host, _, port = address.rpartition(":")
    if host and port.isdigit() and "/" not in host:
        socket.create_connection((host.strip("[]"), int(port)), timeout=10).close()


@contextlib.contextmanager
def _embedded(cpus: int) -> Iterator[None]:
    with session_folder() as folder, _environment(QUIET | _private(folder)):
        import ray

        try:
            with _own_signals(), _without(UNASKED), _environment(ONE_THREAD), _same_modules():
                ray.init(
                    address="local",  # never the cluster of somebody else that /tmp may name
                    num_cpus=cpus,
                    num_gpus=0,
                    include_dashboard=False,
                    object_store_memory=STORE_BYTES,
                    log_to_driver=False,
                    logging_level=logging.ERROR,
                    _temp_dir=str(folder / RAY),
                    _node_ip_address="127.0.0.1",
                )
        except Exception as error:  # Ray raises that itself where its node does not come up
            ray.shutdown()
            raise ClusterError(
                f"Ray cannot start on this machine: {_first_line(error)}. Look for a full {folder.parent} or /dev/shm "
                "and for a limit on processes (ulimit -u)"
            ) from error
        try:
            yield
        finally:
            ray.shutdown()


def _private(folder: Path) -> dict[str, str | None]:
    """The environment of a Ray that nobody else can use, neither on this node nor from another."""
    token = folder / "token"
    token.touch(mode=0o600)
    token.write_text(_token)
    return {
        "RAY_AUTH_MODE": None,  # if it is unset, a new Ray uses the token even if Ray was imported before
        "RAY_AUTH_TOKEN_PATH": str(token),
        # "No cluster of nodes", says this to Ray, and only then does everything bind to loopback.
        # (Read when Ray is imported: a caller who did that before has the token alone.)
        "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
        # Nobody reads the measurements of a Ray without a dashboard; and each start after the first would leave a
        # thread of theirs behind.
        "RAY_enable_metrics_collection": "0",
        "RAY_enable_open_telemetry": "0",
        # Ctrl-C ends the head, too; it does not come back, so Ray must not wait a minute for it
        "RAY_gcs_rpc_server_reconnect_timeout_s": "10",
    }


@contextlib.contextmanager
def _environment(values: Mapping[str, str | None]) -> Iterator[None]:
    """A context with these environment variables (None: unset), also for child processes; old values come back."""
    old = {name: os.environ.get(name) for name in values}
    _set_environment(values)
    try:
        yield
    finally:
        _set_environment(old)


def _set_environment(values: Mapping[str, str | None]) -> None:
    for name, value in values.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


@contextlib.contextmanager
def _without(starts: Iterable[str]) -> Iterator[None]:
    """A context in which Ray starts its head without the processes of ``starts``, which saves a third of its CPU time.

    ``ray start`` has options for two of them, ``ray.init`` for none.  A Ray that starts them in another way still does.
    """
    from ray._private.node import Node

    plain = {name: getattr(Node, name) for name in starts if hasattr(Node, name)}
    try:
        for name in plain:
            setattr(Node, name, lambda self, **options: None)
        yield
    finally:
        for name, method in plain.items():
            setattr(Node, name, method)


@contextlib.contextmanager
def _same_modules() -> Iterator[None]:
    """A context in which Ray's workers import from the current folder only if this process does, too.

    Ray itself would let them look there first, but the folder may hold other people's data.
    """
    from ray.job_config import JobConfig

    plain: Any = JobConfig._serialize

    def serialize(config: Any) -> str:
        here = str(Path.cwd())
        if here not in (str(Path(place).absolute()) for place in sys.path):
            config._py_driver_sys_path = [place for place in config._py_driver_sys_path if place != here]
        text: str = plain(config)
        return text

    setattr(JobConfig, "_serialize", serialize)  # noqa: B010 - a method of theirs
    try:
        yield
    finally:
        setattr(JobConfig, "_serialize", plain)  # noqa: B010


@contextlib.contextmanager
def _own_signals() -> Iterator[None]:
    """A context that keeps the job's own SIGTERM handler, which ``ray.init`` replaces."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    handler = signal.getsignal(signal.SIGTERM)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, handler)


def _first_line(error: BaseException) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)
