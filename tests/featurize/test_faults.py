"""A short form of featurize_faults.py: what strikes a process of Ray, or the disk, each once, at some moment.

Of its other kinds a killed driver, a file that is cut or lost, and an endless crystal have tests in ``test_job.py``.
"""

from pathlib import Path

import pytest

from tests.support.featurize_faults import FAULTS, rounds

HERE = ("raylet", "head", "agent", "actor", "full disk")


@pytest.mark.slow
def test_nothing_is_lost_doubled_or_changed(tmp_path: Path) -> None:
    assert set(HERE) < set(FAULTS)
    assert tuple(rounds(tmp_path, iter(HERE), seed=2, entries=600)) == HERE
