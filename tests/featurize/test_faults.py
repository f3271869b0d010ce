"""A short form of featurize_faults.py: every kind of fault once, at some moment."""

from pathlib import Path

import pytest

from tests.support.featurize_faults import FAULTS, rounds


@pytest.mark.slow
def test_nothing_is_lost_doubled_or_changed(tmp_path: Path) -> None:
    assert tuple(rounds(tmp_path, iter(FAULTS), seed=1, entries=600)) == FAULTS
