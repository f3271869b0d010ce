"""A campaign on a real Ray: parts in order, what is kept, and what becomes of items that kill their process."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from hpcvox.actors.campaign import Campaign, Part, PartError, Worker, in_order, parts_of
from hpcvox.actors.cluster import cluster
from hpcvox.actors.pool import ActorPool
from hpcvox.errors import SourceError
from hpcvox.files.kept_parts import KeptParts

Row = list[int | str]


@pytest.fixture(scope="module")
def pool() -> Iterator[ActorPool]:
    """Two actors, for all tests here."""
    with cluster(2) as actors:
        yield ActorPool(lambda: actors)


def squares(deadly: tuple[int, ...] = (), log: Path | None = None) -> Worker[int, Row]:
    """Squares numbers; those that are ``deadly`` end its process.  Parts that are done and deaths go to ``log``."""

    def note(words: object) -> None:
        if log is not None:
            with log.open("a") as file:
                file.write(f"{words}\n")

    def work(part: Part[int]) -> Row:
        for place, number in enumerate(part.items):
            if number in deadly and place not in part.fatal:
                note("died")
                os.kill(os.getpid(), signal.SIGKILL)
        note(part.number)
        return [part.fatal[i] if i in part.fatal else number**2 for i, number in enumerate(part.items)]

    return work


def name(number: int, items: object) -> str:
    return f"part-{number}"


def test_parts_are_drawn_as_they_are_needed_and_named() -> None:
    endless = parts_of(iter(int, 1), 3, name)
    assert next(endless) == Part(0, [0, 0, 0], "part-0")
    assert next(endless).name == "part-1"
    assert [part.items for part in parts_of(range(5), 2)] == [[0, 1], [2, 3], [4]]
    assert list(parts_of([], 2)) == []


def test_an_item_that_kills_its_process_takes_no_other_with_it(pool: ActorPool) -> None:
    campaign = Campaign[int, Row]("squares", "numbers", lambda: squares(deadly=(4, 11)))
    results = list(campaign.results(pool, parts_of(range(12), 3), 12))
    assert [part.number for part, _ in results] == [0, 2, 1, 3], "those with something fatal come last"
    assert [list(part.fatal) for part, _ in results] == [[], [], [1], [2]]
    rows = [row for rows in in_order(results) for row in rows]
    assert [row if isinstance(row, int) else "died" for row in rows] == [
        *(0, 1, 4, 9, "died", 25, 36, 49, 64, 81, 100, "died")
    ]
    assert "died 3 times" in str(rows[4])


def test_a_single_item_that_kills_its_process_is_not_tried_again(pool: ActorPool, tmp_path: Path) -> None:
    log = tmp_path / "log"
    campaign = Campaign[int, Row]("squares", "numbers", lambda: squares((1,), log))
    rows = in_order(campaign.results(pool, parts_of(range(3), 1), 3))
    assert (rows[0], rows[2]) == ([0], [4])
    assert "died 3 times" in str(rows[1])
    assert log.read_text().split().count("died") == 3


def test_a_part_that_kills_its_process_though_none_of_its_items_does_is_an_error(pool: ActorPool) -> None:
    def make() -> Worker[int, Row]:
        def work(part: Part[int]) -> Row:
            if len(part.items) > 1:  # as for lack of memory
                os.kill(os.getpid(), signal.SIGKILL)
            return list(part.items)

        return work

    campaign = Campaign[int, Row]("squares", "numbers", make, advice=" or smaller numbers")
    with pytest.raises(
        PartError, match=r"part 0 \(2 numbers\) dies each .* fewer actors or smaller numbers$"
    ):
        list(campaign.results(pool, parts_of(range(2), 2), 2))


def test_what_is_kept_is_not_done_again_and_what_was_fatal_is(pool: ActorPool, tmp_path: Path) -> None:
    log = tmp_path / "log"
    kept = KeptParts(tmp_path / "parts", "squares")

    def done(deadly: tuple[int, ...]) -> list[Row]:
        log.write_text("")
        campaign = Campaign[int, Row]("squares", "numbers", lambda: squares(deadly, log), kept)
        return in_order(campaign.results(pool, parts_of(range(8), 2, name), 8))

    whole = [[0, 1], [4, 9], [16, 25], [36, 49]]
    assert "died" in str(done(deadly=(2,))[1])
    assert sorted(path.stem for path in kept.folder.iterdir()) == ["part-0", "part-2", "part-3"]
    (kept.folder / "part-2.json").write_text("{")
    (kept.folder / "part-3.json").write_bytes((kept.folder / "part-0.json").read_bytes())
    assert done(deadly=()) == whole
    assert sorted(log.read_text().split()) == ["1", "2", "3"]
    assert done(deadly=(2,)) == whole, "nothing is done"
    assert log.read_text() == ""


def test_work_that_is_kept_starts_nothing(tmp_path: Path) -> None:
    def connect() -> int:
        raise AssertionError("Ray is not needed")

    kept = KeptParts(tmp_path, "squares")
    for number in range(3):
        kept.save(f"part-{number}", [number])
    campaign = Campaign[int, Row]("squares", "numbers", squares, kept)
    assert in_order(campaign.results(ActorPool(connect), parts_of(range(3), 1, name), 3)) == [[0], [1], [2]]
    found = Campaign[int, Row]("squares", "numbers", squares, found=lambda part: [*part.items])
    assert in_order(found.results(ActorPool(connect), parts_of(range(3), 1), 3)) == [[0], [1], [2]]


def test_a_workers_own_error_is_raised_as_it_is(pool: ActorPool) -> None:
    def make() -> Worker[int, Row]:
        def work(part: Part[int]) -> Row:
            raise SourceError("no such file")

        return work

    campaign = Campaign[int, Row]("squares", "numbers", make)
    with pytest.raises(SourceError, match=r"^no such file$"):
        list(campaign.results(pool, parts_of(range(3), 1), 3))


def test_the_bar_counts_items_and_figures_and_its_rate_what_is_done_now(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = KeptParts(tmp_path, "squares")
    for number in range(3):
        kept.save(f"part-{number}", [1, 2])
    campaign = Campaign[int, Row]("squares", "numbers", squares, kept, figures=lambda rows: {"odd": 1})
    list(campaign.results(ActorPool(lambda: 1), parts_of(range(6), 2, name), 6))
    assert capsys.readouterr().err == "squares: 6/6 numbers, 0/s, odd 3\n"
