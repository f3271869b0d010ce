"""Work on items that belong together in groups: on actors where it is much, in this process where it is little."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final, TypeVar

from hpcvox.actors.campaign import Campaign, Part, Worker, in_order
from hpcvox.actors.pool import actor_pool
from hpcvox.progress import Progress

Item = TypeVar("Item")
Row = TypeVar("Row")

FEW: Final = 1000
"""Most items that are worked on in this process: actors need as long to start as these take."""

PART: Final = 50
"""Items of a part, unless a single group has more."""


def rows_of(
    groups: Iterable[Sequence[Item]],
    worker: Callable[[], Worker[Item, list[Row]]],
    label: str,
    unit: str,
    actors: int,
) -> list[Row]:
    """Work on all items; return their rows, in the order of the items.

    A group is never divided, so that a worker may compare the items of one group with each other: the rows are the same
    with any number of actors.

    Args:
        groups: the items; those that are compared with each other are in one group.
        worker: makes, once in each process, the function from a part to the rows of its items.
        label: what is done, for the progress bar.
        unit: what the items are, for the progress bar.
        actors: their number, if there are more than :data:`FEW` items; 0: one for each CPU.

    Raises:
        PartError: the process that works on a part dies each time, but not on any single item of it.
        ClusterError: Ray cannot be started or reached.
        HpcvoxError: raised by a worker.
    """
    parts = list(_parts(groups))
    total = sum(len(part.items) for part in parts)
    if total <= FEW:
        work, rows = worker(), []
        with Progress(label, total, unit) as progress:
            for part in parts:
                rows += work(part)
                progress.advance(len(part.items))
        return rows
    campaign = Campaign[Item, list[Row]](label, unit, worker)
    with actor_pool(actors) as pool:
        return [row for part in in_order(campaign.results(pool, parts, total)) for row in part]


def _parts(groups: Iterable[Sequence[Item]]) -> Iterator[Part[Item]]:
    number, items = 0, list[Item]()
    for group in groups:
        items += group
        if len(items) >= PART:
            yield Part(number, items)
            number, items = number + 1, []
    if items:
        yield Part(number, items)
