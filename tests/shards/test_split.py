"""The split by material."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from hpcvox.shards.split import split

FORMULAS = st.lists(st.sampled_from([f"A{i}B" for i in range(50)]), max_size=200)


@given(FORMULAS, st.integers(0, 2**31), st.floats(0, 1))
def test_a_material_is_on_one_side_whatever_the_order(
    formulas: list[str], seed: int, fraction: float
) -> None:
    marks = split(formulas, seed, fraction)
    sides = dict(zip(formulas, marks.tolist(), strict=True))
    assert [sides[formula] for formula in formulas] == marks.tolist()
    np.testing.assert_array_equal(split(formulas[::-1], seed, fraction), marks[::-1])


def test_the_fraction_is_met_and_seeds_differ() -> None:
    formulas = [f"F{i}" for i in range(20_000)]
    marks = split(formulas, 1, 0.2)
    assert abs(marks.mean() - 0.2) < 0.01
    assert (split(formulas, 2, 0.2) != marks).any()
    assert not split(formulas, 1, 0.0).any()
    assert split(formulas, 1, 1.0).all()
