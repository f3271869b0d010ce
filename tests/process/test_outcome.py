"""The last line of a job."""

from hpcvox.process.outcome import COMPLETE_WITH_REJECTS, Outcome


def test_what_was_passed_over_is_said_at_the_end_and_is_no_reject() -> None:
    done = Outcome("3 crystals", COMPLETE_WITH_REJECTS)
    assert done.passing_over("") == done
    told = done.passing_over("1 file of another kind (README)")
    assert told == ("3 crystals; passed over: 1 file of another kind (README)", COMPLETE_WITH_REJECTS)
