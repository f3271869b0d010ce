"""Runs many tasks on many actors: results come in order, and no task is lost if a process dies.

Each worker holds state that is expensive to make (a model, buffers), and does one task at a time.
"""

import contextlib
import gc
import os
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass, field
from functools import cache
from itertools import chain
from typing import Any, Generic, TypeVar

from hpcvox.actors.cluster import ONE_THREAD, cluster, leave_soon
from hpcvox.actors.session import ClusterError
from hpcvox.errors import HpcvoxError

T = TypeVar("T")
R = TypeVar("R")

IN_FLIGHT = 2
"""Tasks that an actor holds: the current one and the next, so that it never waits for the driver."""

AHEAD = 16
"""Tasks per actor that may be begun after the oldest unfinished one; this bounds the results that must wait."""

LOOK_S = 3.0
"""Seconds in which results of an earlier run are searched before Ray is started; its start takes about as long."""

MAX_DEATHS = 3
START_TIMEOUT_S = 600.0


@dataclass(frozen=True)
class Failure(Generic[T]):
    """The result of a task whose actors died :data:`MAX_DEATHS` times while they held it."""

    task: T
    message: str


@dataclass
class _Job(Generic[T]):
    index: int
    task: T
    deaths: int = 0


@dataclass
class _Slot(Generic[T]):
    """An actor, the call that returns when it has started, and the jobs that it holds, oldest first."""

    actor: Any
    starting: Any
    failed_starts: int = 0
    jobs: deque[tuple[Any, _Job[T]]] = field(default_factory=deque)


@contextlib.contextmanager
def actor_pool(actors: int = 0) -> Iterator["ActorPool"]:
    """A context with a pool of actors; the first task starts or reaches Ray (:func:`hpcvox.actors.cluster.cluster`).

    A job whose work is already done starts nothing.  ``actors``: their number; 0: one for each CPU.
    """
    with contextlib.ExitStack() as stack:
        yield ActorPool(lambda: stack.enter_context(cluster(actors)))


class ActorPool:
    """Runs tasks on actors.  ``connect`` is called once; it starts or reaches Ray and returns the number of actors."""

    def __init__(self, connect: Callable[[], int]) -> None:
        self.actors = cache(connect)

    @contextlib.contextmanager
    def workers(
        self, make_worker: Callable[[], Callable[[T], R]], threads: int = 1
    ) -> Iterator["Workers[T, R]"]:
        """A context with actors that each hold the worker that ``make_worker`` returns.

        ``make_worker`` is called once in every actor; it must be importable or picklable by value.  ``threads``
        threads, at most :data:`IN_FLIGHT`, call the worker at the same time.
        """
        workers = Workers[T, R](self.actors, make_worker, threads)
        try:
            yield workers
        except KeyboardInterrupt:
            leave_soon()
            raise
        finally:
            workers.close()

    def run_ordered(
        self,
        make_worker: Callable[[], Callable[[T], R]],
        tasks: Iterable[T],
        found: Callable[[T], R | None] | None = None,
    ) -> Iterator[R | Failure[T]]:
        """:meth:`Workers.run_ordered`, with workers that exist only for this call."""
        with self.workers(make_worker) as workers:
            yield from workers.run_ordered(tasks, found)


class Workers(Generic[T, R]):
    """Actors with workers, which the first task starts; made by :meth:`ActorPool.workers`."""

    def __init__(
        self, actors: Callable[[], int], make_worker: Callable[[], Callable[[T], R]], threads: int
    ) -> None:
        self._actors, self._worker, self._threads = actors, make_worker, threads
        self._results: Generator[R | Failure[T], None, None] | None = None
        self._slots: list[_Slot[T]] = []

    def slots(self) -> list[_Slot[T]]:
        """The actors; the first call starts them.

        Raises:
            ClusterError: Ray cannot be started or reached.
        """
        if not self._slots:
            self._start(self._actors())
        return self._slots

    def _start(self, actors: int) -> None:
        import ray

        self._ray: Any = ray
        # Restarts and retries are made here: Ray's own would count a death against the waiting job, too.
        options = {"num_cpus": 1, "max_restarts": 0, "max_task_retries": 0, "scheduling_strategy": "SPREAD"}
        options["max_concurrency"] = self._threads
        self._kind = self._ray.remote(**options)(_Actor)
        # Bytes, so that an actor imports nothing before its thread limits are set.
        self._make_worker = self._ray.cloudpickle.dumps(self._worker)
        for _ in range(actors):
            actor = self._kind.remote(self._make_worker)
            self._slots.append(_Slot(actor, actor.ready.remote()))

    def close(self) -> None:
        """End the actors."""
        for slot in self._slots:
            with contextlib.suppress(Exception):  # Ray may be gone already
                self._ray.kill(slot.actor, no_restart=True)

    def run_ordered(
        self, tasks: Iterable[T], found: Callable[[T], R | None] | None = None, look_s: float = LOOK_S
    ) -> Iterator[R | Failure[T]]:
        """Do every task; results come in the order of the tasks.

        ``found`` returns the result of a task that an earlier run has done, or None.  This process calls it for at most
        ``look_s`` seconds, up to the first task that is not done, so that finished work needs neither Ray nor actors.

        Tasks are drawn from ``tasks`` when needed, so that it may be long or a generator.
        If an actor dies (killed, out of memory, its node gone), its tasks are done again elsewhere, each alone in its
        actor, so that the next death is certainly its own.  After three deaths the result of the task is a
        :class:`Failure`, and the others go on.  There can be one call at a time: a new call ends the earlier one.

        Raises:
            ClusterError: no actor comes up, or Ray itself has gone.
            HpcvoxError: raised by a worker, unchanged; any other exception of a worker comes as Ray's, which shows the
                worker's traceback.
        """
        if self._results is not None:
            self._results.close()
        self._results = self._run(iter(tasks), found, look_s)
        return self._results

    def _run(
        self, tasks: Iterator[T], found: Callable[[T], R | None] | None, look_s: float
    ) -> Generator[R | Failure[T], None, None]:
        begun = time.monotonic()
        for task in tasks:
            done = found(task) if found is not None and time.monotonic() - begun < look_s else None
            if done is not None:
                yield done
                continue
            yield from _Run(self, self.slots(), chain([task], tasks)).results()

    def get(self, ref: Any) -> Any:
        """The result of a call; raises what the worker raised."""
        try:
            return self._ray.get(ref)
        except self._ray.exceptions.RayTaskError as error:
            if isinstance(error.cause, HpcvoxError):
                raise error.cause from None
            raise

    def check_node(self) -> None:
        """Check that this process's node still belongs to Ray; otherwise the wait for actors would never end.

        Raises:
            ClusterError: it does not: its raylet has ended, or Ray's head has given it up.
        """
        own = self._ray.get_runtime_context().get_node_id()
        if not any(node["NodeID"] == own and node["Alive"] for node in self._ray.nodes()):
            raise ClusterError("Ray has ended on this node (its raylet is gone): run this again to go on")

    def replace(self, slot: _Slot[T]) -> None:
        """End the slot's actor for good (it may be alive but unreachable), and start another."""
        self._ray.kill(slot.actor, no_restart=True)
        slot.actor = self._kind.remote(self._make_worker)
        slot.starting = slot.actor.ready.remote()


class _Run(Generic[T, R]):
    """The state of one :meth:`Workers.run_ordered`."""

    def __init__(self, workers: Workers[T, R], slots: list[_Slot[T]], tasks: Iterable[T]) -> None:
        import ray

        self._ray: Any = ray
        self._workers = workers
        self._slots = slots
        self._fresh = (_Job(index, task) for index, task in enumerate(tasks))
        self._exhausted = False
        self._again: deque[_Job[T]] = deque()
        self._done: dict[int, R | Failure[T]] = {}
        self._next = 0
        self._window = AHEAD * len(slots)

    def results(self) -> Generator[R | Failure[T], None, None]:
        """Results in order; see :meth:`Workers.run_ordered`."""
        begun = time.monotonic()
        try:
            while True:
                self._submit()
                waiting = [ref for slot in self._slots for ref in self._refs(slot)]
                if self._exhausted and not self._again and not any(slot.jobs for slot in self._slots):
                    yield from self._ordered()
                    return
                ready, _ = self._ray.wait(waiting, num_returns=1, timeout=5.0)
                if ready:
                    self._collect(set(ready))
                elif time.monotonic() - begun > START_TIMEOUT_S and all(s.starting for s in self._slots):
                    raise ClusterError(
                        f"no actor has started within {START_TIMEOUT_S:.0f} s: "
                        "are the CPUs of the Ray cluster taken by another job?"
                    )
                else:
                    self._workers.check_node()
                yield from self._ordered()
        finally:
            for slot in self._slots:  # jobs that remain if the caller did not read all results
                slot.jobs.clear()

    def _refs(self, slot: _Slot[T]) -> list[Any]:
        return [slot.starting] if slot.starting is not None else [ref for ref, _ in slot.jobs]

    def _ordered(self) -> Iterator[R | Failure[T]]:
        while self._next in self._done:
            result = self._done.pop(self._next)
            self._next += 1
            yield result

    def _submit(self) -> None:
        """Hand out jobs, one per slot at a time, so that the first jobs are distributed evenly."""
        for depth in range(IN_FLIGHT):
            if depth and self._again:  # jobs that must run alone wait for an actor without jobs
                return
            for slot in self._slots:
                if slot.starting is None and len(slot.jobs) == depth and not _alone(slot):
                    job = self._take()
                    if job is None:
                        return
                    slot.jobs.append((slot.actor.run.remote(job.task), job))

    def _take(self) -> _Job[T] | None:
        if self._again:
            return self._again.popleft()
        begun = self._next + len(self._done) + sum(len(slot.jobs) for slot in self._slots)
        if self._exhausted or begun - self._next >= self._window:
            return None
        job = next(self._fresh, None)
        self._exhausted = job is None
        return job

    def _collect(self, ready: set[Any]) -> None:
        for slot in self._slots:
            if slot.starting is not None:
                if slot.starting in ready:
                    self._started(slot)
                continue
            ended = [(ref, job) for ref, job in slot.jobs if ref in ready]
            for ref, job in ended:
                try:
                    self._done[job.index] = self._workers.get(ref)
                except self._ray.exceptions.RayActorError:
                    self._bury(slot)
                    break
                slot.jobs.remove((ref, job))

    def _started(self, slot: _Slot[T]) -> None:
        try:
            self._workers.get(slot.starting)
            slot.starting, slot.failed_starts = None, 0
        except self._ray.exceptions.RayActorError as error:
            slot.failed_starts += 1
            if slot.failed_starts >= MAX_DEATHS:
                raise ClusterError(f"an actor cannot start: {error}") from error
            self._workers.replace(slot)

    def _bury(self, slot: _Slot[T]) -> None:
        """Count the death of the slot's actor for all of its jobs, and hand them out again.

        It cannot be known on which of them the actor worked, because the result of a finished job may be lost, too.
        """
        self._workers.replace(slot)
        for _, job in slot.jobs:
            job.deaths += 1
            if job.deaths >= MAX_DEATHS:
                message = f"the worker process died {job.deaths} times with this task in hand"
                self._done[job.index] = Failure(job.task, message)
            else:
                self._again.append(job)
        slot.jobs.clear()


def _alone(slot: _Slot[T]) -> bool:
    """Whether the slot works on a job that must run alone, after an actor has died with it."""
    return any(job.deaths for _, job in slot.jobs)


class _Actor:
    """A worker in its own process."""

    def __init__(self, make_worker: bytes) -> None:
        from ray import cloudpickle

        os.environ.update(ONE_THREAD)
        self._work = cloudpickle.loads(make_worker)()
        gc.freeze()  # loaded modules stay, so the garbage collector need not examine them again

    def ready(self) -> None:
        """Return when the worker has been made."""

    def run(self, task: Any) -> Any:
        """One task."""
        return self._work(task)
