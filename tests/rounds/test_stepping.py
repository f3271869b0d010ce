"""What is kept of the steps of a round: which have ended, and the time of each, whatever ends it."""

import time
from pathlib import Path

import pytest

from hpcvox.process.outcome import COMPLETE_WITH_REJECTS, INTERRUPTED, Outcome
from hpcvox.rounds.stepping import step_through
from hpcvox.rounds.summary import RoundDone


def progress(folder: Path) -> RoundDone:
    found = RoundDone.load(folder)
    assert found is not None
    return found


def test_steps_that_have_ended_are_not_run_again(tmp_path: Path) -> None:
    ran: list[str] = []

    def act(step: str, exit_status: int = 0) -> Outcome:
        ran.append(step)
        return Outcome(step, exit_status)

    folder = tmp_path / "round-001"
    steps = {
        "generate": lambda: act("generate"),
        "judge": lambda: act("judge", COMPLETE_WITH_REJECTS),
        "relax": lambda: act("relax", INTERRUPTED),
        "hull": lambda: act("hull"),
    }
    stopped = step_through(folder, folder.name, steps)
    assert stopped == ("campaign stopped in relax of round-001: run the same command again", INTERRUPTED)
    assert progress(folder).done == ["generate", "judge"]
    steps["relax"] = lambda: act("relax again")
    assert step_through(folder, folder.name, steps) is None
    assert ran == ["generate", "judge", "relax", "relax again", "hull"]
    assert progress(folder).done == list(steps)


def test_the_time_of_a_step_counts_however_it_ends(tmp_path: Path) -> None:
    def interrupted() -> Outcome:
        time.sleep(0.15)
        raise KeyboardInterrupt

    def told_to_stop() -> Outcome:
        time.sleep(0.15)
        return Outcome("", INTERRUPTED)

    with pytest.raises(KeyboardInterrupt):
        step_through(tmp_path, "round-001", {"relax": interrupted})
    once = progress(tmp_path)
    step_through(tmp_path, "round-001", {"relax": told_to_stop})
    twice = progress(tmp_path)
    assert twice.seconds["relax"] > once.seconds["relax"] > 0
    assert twice.done == once.done == []
