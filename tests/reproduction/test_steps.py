"""Steps are done once, by one process, and anew for other settings; what was stopped goes on."""

import multiprocessing
from functools import partial
from pathlib import Path

import pytest

from hpcvox.files.summary import Part
from hpcvox.reproduction.steps import Step, Steps, StoppedError


class Number(Part):
    value: int


def noted(log: Path, value: int, place: Path) -> Number:
    with log.open("a", encoding="utf-8") as file:
        file.write(f"{value}\n")
    return Number(value=value)


def made(log: Path, count: int, settled: str = "") -> list[Step[Number]]:
    return [Step(f"a/{i}", Number, [settled, i], partial(noted, log, i)) for i in range(count)]


def share(folder: Path, log: Path) -> None:
    Steps(folder).work_through(made(log, 40))


def test_what_is_done_is_not_done_again_unless_something_that_decides_it_differs(tmp_path: Path) -> None:
    log, steps = tmp_path / "log", Steps(tmp_path / "out")
    assert steps.work_through([*made(log, 3), *made(log, 2)]) == 3, "steps of two experiments count once"
    assert steps.work_through(made(log, 3)) == 0
    assert [steps.done(step).value for step in made(log, 3)] == [0, 1, 2]
    assert len(steps.left(made(log, 4))) == 1
    assert steps.work_through(made(log, 3, "other")) == 3
    assert steps.work_through(made(log, 3)) == 0, "those of the settings before are still there"
    assert log.read_text("utf-8").split() == 2 * ["0", "1", "2"]
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [".locks", "steps"]


def test_a_step_whose_files_are_gone_is_done_again(tmp_path: Path) -> None:
    left = tmp_path / "left"
    step = Step("one", Number, 0, lambda place: Number(value=left.write_text("x")), (left,))
    steps = Steps(tmp_path / "out")
    assert [steps.work_through([step]), steps.work_through([step])] == [1, 0]
    left.unlink()
    assert steps.work_through([step]) == 1


def test_a_torn_result_does_not_count(tmp_path: Path) -> None:
    steps = Steps(tmp_path)
    steps.work_through(made(tmp_path / "log", 1))
    (file,) = (tmp_path / "steps").rglob("*.json")
    file.write_bytes(file.read_bytes()[:-9])
    assert steps.work_through(made(tmp_path / "log", 1)) == 1


def test_what_a_stopped_step_has_left_is_there_when_it_goes_on(tmp_path: Path) -> None:
    def make(place: Path) -> Number:
        if (place / "half").exists():
            return Number(value=1)
        (place / "half").touch()
        raise StoppedError

    steps, step = Steps(tmp_path), Step("long", Number, 0, make)
    with pytest.raises(StoppedError):
        steps.work_through([step])
    assert steps.work_through([step]) == 1
    assert not (tmp_path / "work").exists()


def test_processes_share_steps_and_none_is_done_twice(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=share, args=(tmp_path / "out", tmp_path / "log")) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert [worker.exitcode for worker in workers] == [0, 0]
    assert sorted(map(int, (tmp_path / "log").read_text("utf-8").split())) == list(range(40))
    assert Steps(tmp_path / "out").left(made(tmp_path / "log", 40)) == []
