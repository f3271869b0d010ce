"""A campaign: actors work on the items of a job part by part; the job only defines the work and its results.

A campaign skips parts that an earlier run has done, starts actors only when a part is left to do, shows a progress bar,
and isolates an item that kills its process, so that no other item is lost.
"""

import math
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Any, Generic, NamedTuple, TypeVar

from hpcvox.actors.pool import LOOK_S, ActorPool, Failure, Workers
from hpcvox.errors import HpcvoxError
from hpcvox.files.kept_parts import KeptParts
from hpcvox.progress import Progress

Item = TypeVar("Item")
Result = TypeVar("Result")


class PartError(HpcvoxError):
    """The process that works on a part dies each time, but not on any single item of it."""


class Part(NamedTuple, Generic[Item]):
    """Items that a worker processes together."""

    number: int
    """Number of the part, from 0, in the order of the items."""
    items: Sequence[Item]
    name: str = ""
    """Name of the file that keeps its result; it is different for each part, and for other items."""
    fatal: Mapping[int, str] = {}
    """The items that have killed their process, by their place, and how.  A worker rejects these without processing."""
    trial: bool = False
    """Whether the part is only a test if it kills the process; its result is not kept."""


Worker = Callable[[Part[Item]], Result]
"""Processes one part after the other, in an actor."""


def parts_of(
    items: Iterable[Item], size: int, name: Callable[[int, Sequence[Item]], str] = lambda number, items: ""
) -> Iterator[Part[Item]]:
    """Divide items into parts of ``size``; items are drawn when needed; ``name`` returns the name of a part."""
    stream = iter(items)
    number = 0
    while part := list(islice(stream, size)):
        yield Part(number, part, name(number, part))
        number += 1


@dataclass(frozen=True)
class Campaign(Generic[Item, Result]):
    """The work of a job that actors do."""

    label: str
    unit: str
    """The unit of the progress bar: ``label: 12/90 unit``."""
    worker: Callable[[], Worker[Item, Result]]
    """Called once in each actor; it must be importable or picklable by value."""
    kept: KeptParts | None = None
    """Where results are saved, as lists of rows that JSON can hold; None: the workers save their results themselves."""
    found: Callable[[Part[Item]], Result | None] | None = None
    """If the workers save results: returns an earlier run's result for a part.  This process calls it first."""
    look_s: float = LOOK_S
    """Seconds in which ``found`` is asked before the actors are started."""
    figures: Callable[[Result], Mapping[str, int]] = lambda result: {}
    """Figures of a result that the progress bar adds up and shows."""
    advice: str = ""
    """Further advice for too little memory, which the message adds after ``use fewer actors``."""
    threads: int = 1
    """Number of threads that call a worker at the same time; see :meth:`ActorPool.workers`."""

    def results(
        self, pool: ActorPool, parts: Iterable[Part[Item]], total: int | None
    ) -> Iterator[tuple[Part[Item], Result]]:
        """:meth:`through`, with workers that exist only for this call."""
        with self.workers(pool) as workers:
            yield from self.through(workers, parts, total)

    def workers(self, pool: ActorPool) -> AbstractContextManager[Workers[Part[Item], Result]]:
        """A context with actors for this campaign."""
        make = self.worker if self.kept is None else partial(_Keeping, self.worker, self.kept)
        return pool.workers(make, self.threads)

    def through(
        self, workers: Workers[Part[Item], Result], parts: Iterable[Part[Item]], total: int | None
    ) -> Iterator[tuple[Part[Item], Result]]:
        """Yield each part and its result, in their order; parts with ``fatal`` items come after all others.

        Args:
            workers: the actors.
            parts: the parts, drawn when needed.
            total: number of all items, if known.

        Raises:
            PartError: the process that works on a part dies each time, but not on any single item of it.
            ClusterError: Ray cannot be started or reached.
            HpcvoxError: raised by a worker.
        """
        drawn: deque[Part[Item]] = deque()
        died: list[Failure[Part[Item]]] = []
        figures: Counter[str] = Counter()
        with Progress(self.label, total, self.unit) as progress:

            def noted() -> Iterator[Part[Item]]:
                for part in parts:
                    drawn.append(part)
                    yield part

            def ended(part: Part[Item], result: Result) -> tuple[Part[Item], Result]:
                figures.update(self.figures(result))
                progress.advance(len(part.items), **figures)
                return part, result

            def look(part: Part[Item]) -> Result | None:
                result = self._found(part)
                progress.known(0 if result is None else len(part.items))
                return result

            look_s = self.look_s if self.kept is None else math.inf  # reading a file takes no time
            for result in workers.run_ordered(noted(), look, look_s):
                part = drawn.popleft()
                if isinstance(result, Failure):
                    died.append(result)
                else:
                    yield ended(part, result)
            for failure in died:
                yield ended(*self._without_the_fatal(workers, failure))

    def _found(self, part: Part[Item]) -> Result | None:
        if self.kept is not None:
            return self.kept.load(part.name)  # type: ignore[return-value] # what is kept is of this kind
        return None if self.found is None else self.found(part)

    def _without_the_fatal(
        self, workers: Workers[Part[Item], Result], failure: Failure[Part[Item]]
    ) -> tuple[Part[Item], Result]:
        """Try each item of a part alone, then process the part without those that kill their process."""
        part = failure.task
        if len(part.items) == 1:
            fatal = {0: failure.message}
        else:
            trials = [part._replace(items=[item], trial=True) for item in part.items]
            tried = enumerate(workers.run_ordered(trials))
            fatal = {place: result.message for place, result in tried if isinstance(result, Failure)}
        part = part._replace(fatal=fatal)
        (result,) = workers.run_ordered([part])
        if isinstance(result, Failure):
            raise PartError(
                f"{self.label}: the process that works on part {part.number} ({len(part.items)} {self.unit}) dies each "
                f"time, and not at one of them: probably too little memory; use fewer actors{self.advice}"
            )
        return part, result


def in_order(results: Iterable[tuple[Part[Item], Result]]) -> list[Result]:
    """The results of a campaign in the order of its parts."""
    by_number = {part.number: result for part, result in results}
    return [by_number[number] for number in sorted(by_number)]


class _Keeping:
    """A worker whose results are saved; not for a part with fatal items, so that the next run tries these again."""

    def __init__(self, make: Callable[[], Worker[Any, Any]], kept: KeptParts) -> None:
        self._work, self._kept = make(), kept

    def __call__(self, part: Part[Any]) -> Any:
        for_good = not part.trial and not part.fatal
        if for_good and (rows := self._kept.load(part.name)) is not None:
            return rows
        rows = self._work(part)
        if for_good:
            self._kept.save(part.name, rows)
        return rows
