"""A short form of training_faults.py: each process of a run of ranks is killed once, at some moment.

A damaged checkpoint is in ``test_interruptions.py``.
"""

from pathlib import Path

import pytest

from tests.support.training_faults import FAULTS, rounds

HERE = ("rank 0", "rank 1", "launcher", "job")


@pytest.mark.slow
def test_whatever_happens_the_weights_are_those_of_an_undisturbed_run(tmp_path: Path) -> None:
    assert set(HERE) < set(FAULTS)
    assert tuple(rounds(tmp_path, iter(HERE), epochs=12, seed=3)) == HERE
