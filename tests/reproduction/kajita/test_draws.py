"""Draws: which crystals are tested on, which are trained on."""

import numpy as np

from hpcvox.reproduction.kajita.draws import some, split

FORMULAS = [f"M{i // 2}O" for i in range(136)]
"""Two crystals of each formula."""


def test_no_formula_is_on_both_sides_and_no_crystal_is_lost() -> None:
    for number in range(5):
        draw = split(FORMULAS, 0, number)
        assert sorted([*draw.train, *draw.test]) == list(range(136))
        assert not {FORMULAS[i] for i in draw.train} & {FORMULAS[i] for i in draw.test}
        assert len(draw.test) == 16  # 80 of 680


def test_a_draw_depends_on_seed_and_number_alone() -> None:
    assert np.array_equal(split(FORMULAS, 3, 1).train, split(FORMULAS, 3, 1).train)
    others = [split(FORMULAS, 3, 0), split(FORMULAS, 4, 1)]
    assert all(not np.array_equal(split(FORMULAS, 3, 1).test, one.test) for one in others)
    assert len(set(some(100, 50, 0, 1).tolist())) == 50
    assert not np.array_equal(some(100, 50, 0, 1), some(100, 50, 0, 2))
