"""A short form of training_faults.py: every kind of fault once, at some moment."""

from pathlib import Path

import pytest

from tests.support.training_faults import FAULTS, rounds


@pytest.mark.slow
def test_whatever_happens_the_weights_are_those_of_an_undisturbed_run(tmp_path: Path) -> None:
    assert tuple(rounds(tmp_path, iter(FAULTS), epochs=12, seed=3)) == FAULTS
