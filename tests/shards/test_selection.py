"""Samples as bits: they are read as the array of their numbers is."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpcvox.shards.selection import Selection, packed


@given(st.lists(st.booleans(), max_size=300), st.integers(0, 2**32 - 1))
def test_it_is_read_as_the_array_of_its_numbers_is(chosen: list[bool], seed: int) -> None:
    marks = np.array(chosen, bool)
    numbers, selection = np.flatnonzero(marks), Selection(packed(marks))
    assert len(selection) == len(numbers)
    assert list(selection) == selection.tolist() == numbers.tolist()
    np.testing.assert_array_equal(np.asarray(selection), numbers)
    np.testing.assert_array_equal(selection[2:200:3], numbers[2:200:3])
    np.testing.assert_array_equal(np.arange(len(marks))[selection], numbers)
    if len(numbers):
        places = np.random.default_rng(seed).integers(-len(numbers), len(numbers), (3, 4))
        np.testing.assert_array_equal(selection[places], numbers[places])
        assert selection[-1] == numbers[-1]
    for outside in (len(numbers), -len(numbers) - 1):
        with pytest.raises(IndexError, match=f"{len(numbers)} samples are chosen"):
            selection[outside]


@pytest.mark.parametrize("n", [0, 1, 7, 8, 77, 80])
@pytest.mark.parametrize("mark", [False, True])
def test_marks_in_the_memory_of_one_are_packed_as_others(n: int, mark: bool) -> None:
    np.testing.assert_array_equal(packed(np.broadcast_to(np.bool_(mark), n)), packed(np.full(n, mark)))
