"""The order of an epoch: a permutation that is computed, the same for any ranks."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpcvox.shards.selection import Selection, packed
from hpcvox.training.data import ORDER, generator, plan
from hpcvox.training.order import COMPUTED, FEW, STORED, Permutation, kind_for, order_of

LARGE = 10**8


def permutation(n: int, seed: int = 0, epoch: int = 0) -> Permutation:
    return Permutation(n, generator(seed, ORDER, epoch))


@pytest.mark.parametrize("n", [*range(1, 40), 1000, 1024, 65_537])
def test_every_number_has_one_place(n: int) -> None:
    order = permutation(n)
    numbers = order(np.arange(n))
    assert numbers.dtype == np.int64
    np.testing.assert_array_equal(np.sort(numbers), np.arange(n))
    np.testing.assert_array_equal(order.inverse(numbers), np.arange(n))


@given(
    n=st.integers(1, LARGE) | st.just(LARGE) | st.integers(1, 2**62),
    seed=st.integers(0, 99),
    epoch=st.integers(0, 99),
)
def test_numbers_of_a_large_order_are_distinct_in_range_and_lead_back(n: int, seed: int, epoch: int) -> None:
    order = permutation(n, seed, epoch)
    places = np.unique(np.random.default_rng(seed).integers(n, size=2000))
    numbers = order(places)
    assert 0 <= numbers.min() <= numbers.max() < n
    assert len(np.unique(numbers)) == len(places)
    np.testing.assert_array_equal(order.inverse(numbers), places)
    np.testing.assert_array_equal(order(order.inverse(places)), places)


def test_seeds_and_epochs_have_orders_of_their_own() -> None:
    first = [permutation(LARGE, seed, epoch)(np.arange(1000)) for seed in range(3) for epoch in range(3)]
    for one, other in itertools.combinations(first, 2):
        assert (one == other).sum() <= 1
    np.testing.assert_array_equal(first[4], permutation(LARGE, 1, 1)(np.arange(1000)))


def test_over_many_seeds_a_place_has_any_number_and_two_places_any_pair() -> None:
    cells, draws = 8, 3000
    first = (
        np.array([permutation(FEW + 1, seed)(np.array([0, 1])) for seed in range(draws)]) * cells // (FEW + 1)
    )
    for counts in (np.bincount(first[:, 0]), np.bincount(first @ np.array([cells, 1]))):
        expected = draws / len(counts)
        spread = ((counts - expected) ** 2).sum() / expected
        assert abs(spread - len(counts)) < 5 * math.sqrt(2 * len(counts))


@pytest.mark.parametrize("n", [300_000, LARGE])
def test_neighbours_come_far_apart_and_places_are_about_uniform(n: int) -> None:
    """As of numbers that are drawn: correlations are 0 within 5 σ, and each block of numbers is met about as often."""
    places = np.arange(200_000) + n // 3
    numbers = permutation(n, 7, 3)(places)
    u = numbers / n
    sigma = 1 / math.sqrt(len(u))
    assert abs(u.mean() - 0.5) < 5 * sigma * math.sqrt(1 / 12)
    for lag in (1, 2, 16, 547, 10_000):  # 547: a side of the domain of 300,000
        assert abs(np.corrcoef(u[:-lag], u[lag:])[0, 1]) < 5 * sigma
    assert abs(np.corrcoef(u, places)[0, 1]) < 5 * sigma
    for cells in (64, 1000):
        counts = np.bincount(numbers * cells // n, minlength=cells)
        expected = len(u) / cells
        spread = ((counts - expected) ** 2).sum() / expected
        assert spread < cells + 5 * math.sqrt(2 * cells)
    steps = np.diff(numbers)
    assert (np.abs(steps) < n // 1000).mean() == pytest.approx(2 / 1000, rel=0.3)


def test_few_samples_have_the_orders_that_older_versions_drew() -> None:
    assert kind_for(FEW) == STORED
    samples = np.arange(500) * 3
    order = order_of(STORED, 500, generator(4, ORDER, 2))
    got = np.concatenate([s.indices for s in plan(samples, 16, 0, 1, order)])
    np.testing.assert_array_equal(got, generator(4, ORDER, 2).permutation(samples))


@given(
    n=st.integers(1, 3000),
    batch=st.integers(1, 9),
    sizes=st.lists(st.sampled_from([1, 2, 8]), min_size=2, max_size=5),
    steps=st.integers(1, 4),
    accumulate=st.integers(1, 3),
    kind=st.sampled_from([STORED, COMPUTED]),
)
def test_an_epoch_is_the_same_for_any_ranks_that_come_and_go(
    n: int, batch: int, sizes: list[int], steps: int, accumulate: int, kind: str
) -> None:
    """The samples of an epoch come one after the other in one order, whoever takes them, after any resume."""
    marks = np.random.default_rng(n).random(2 * n) < 0.5
    samples = Selection(packed(marks))
    seen, done = 0, []
    for number, size in enumerate(sizes):
        group = [
            plan(
                samples,
                batch,
                rank,
                size,
                order_of(kind, len(samples), generator(0, ORDER, 1)),
                accumulate,
                seen,
            )
            for rank in range(size)
        ]
        last = number == len(sizes) - 1
        for step in itertools.count():
            if step == steps and not last:
                break
            slices = [list(itertools.islice(rank, accumulate)) for rank in group]
            if not slices[0]:
                break
            assert {len(mine) for mine in slices} == {accumulate}, "all ranks step together"
            taken = [
                i for mine in slices for s in mine for i, w in zip(s.indices, s.share, strict=True) if w > 0
            ]
            done += taken
            seen += len(taken)
    order = order_of(kind, len(samples), generator(0, ORDER, 1))
    assert done == np.flatnonzero(marks)[order(np.arange(len(samples)))].tolist()


def test_ranks_of_a_large_set_take_one_order_without_making_it() -> None:
    """10⁸ samples: a step of one rank is that of 2, and that of 8 ranks, also from the middle of the epoch on."""
    samples = Selection(np.full(LARGE // 8, 255, np.uint8))
    for seen in (0, 12_345_678, LARGE - 100):
        together = []
        for size in (1, 2, 8):
            order = order_of(kind_for(LARGE), LARGE, generator(3, ORDER, 5))
            ranks = [plan(samples, 64 // size, rank, size, order, 1, seen) for rank in range(size)]
            first = [[next(rank) for rank in ranks] for _ in range(2)]
            together.append(
                [[i for s in step for i, w in zip(s.indices, s.share, strict=True) if w] for step in first]
            )
        assert together[0] == together[1] == together[2]
        places = np.arange(seen, min(seen + 128, LARGE))
        assert [i for step in together[0] for i in step] == permutation(LARGE, 3, 5)(places).tolist()
