"""Which samples a rank sees, and how they are turned."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hpcvox.descriptors.grids import coordinates
from hpcvox.networks.voxels import load
from hpcvox.shards.reading.densities import read_densities
from hpcvox.shards.reading.shard_set import ShardSet
from hpcvox.training.data import ORDER, Loader, Slice, generator, plan
from hpcvox.training.order import STORED, Order, order_of


@pytest.fixture(scope="module")
def shards(shards: Path) -> ShardSet:
    """The shard set, open."""
    return ShardSet.open(shards)


def drawn(n: int, seed: int, epoch: int) -> Order:
    """The order of an epoch of ``n`` samples."""
    return order_of(STORED, n, generator(seed, ORDER, epoch))


@given(n=st.integers(1, 200), batch=st.integers(1, 17), size=st.integers(1, 5), seed=st.integers(0, 9))
def test_every_sample_is_in_one_step_of_one_rank_once(n: int, batch: int, size: int, seed: int) -> None:
    samples = np.arange(n) * 3
    parts = [list(plan(samples, batch, rank, size, drawn(n, seed, 0))) for rank in range(size)]
    assert len({len(p) for p in parts}) == 1, "all ranks step together"
    seen = [i for part in parts for s in part for i, w in zip(s.indices, s.share, strict=True) if w > 0]
    assert sorted(seen) == samples.tolist()


@given(
    n=st.integers(1, 200),
    batch=st.integers(1, 9),
    sizes=st.lists(st.integers(1, 5), min_size=2, max_size=5),
    steps=st.integers(1, 4),
    accumulate=st.integers(1, 3),
)
def test_ranks_that_come_and_go_within_an_epoch_see_every_sample_once(
    n: int, batch: int, sizes: list[int], steps: int, accumulate: int
) -> None:
    samples, seen, done = np.arange(n) * 3, 0, []
    for number, size in enumerate(sizes):
        last = number == len(sizes) - 1
        group = [
            list(plan(samples, batch, rank, size, drawn(n, 0, 1), accumulate, seen)) for rank in range(size)
        ]
        taken = [part if last else part[: steps * accumulate] for part in group]
        done += [i for part in taken for s in part for i, w in zip(s.indices, s.share, strict=True) if w > 0]
        seen = n if last else min(n, seen + steps * batch * size * accumulate)
        assert len(done) == seen
    assert sorted(done) == samples.tolist()


@given(n=st.integers(1, 200), batch=st.integers(1, 17), size=st.integers(2, 5))
def test_ranks_together_see_what_one_rank_with_their_batches_would(n: int, batch: int, size: int) -> None:
    alone = list(plan(np.arange(n), batch * size, 0, 1, drawn(n, 0, 3)))
    ranks = [list(plan(np.arange(n), batch, r, size, drawn(n, 0, 3))) for r in range(size)]
    assert len(alone) == len(ranks[0])
    for step, whole in enumerate(alone):
        parts = [rank[step] for rank in ranks]
        together = [i for p in parts for i, w in zip(p.indices, p.share, strict=True) if w > 0]
        assert together == whole.indices.tolist()
        # the mean over ranks of weighted sums is the mean over samples
        values = np.sin(np.arange(n) + 1.0)
        over_ranks = np.mean([(values[p.indices] * p.share).sum() for p in parts])
        assert over_ranks == pytest.approx((values[whole.indices] * whole.share).sum(), rel=1e-5)
        assert (values[whole.indices] * whole.share).sum() == pytest.approx(
            values[whole.indices].mean(), rel=1e-5
        )


def test_a_batch_is_the_voxels_and_their_coordinates(shards: ShardSet) -> None:
    indices = np.array([40, 3, 17])
    batch = load(shards, Slice(indices, np.ones(3, np.float32)), 0, None)
    density, species = read_densities(shards, indices)
    np.testing.assert_array_equal(batch.x[:, 0], density)
    np.testing.assert_array_equal(batch.species, species)
    for row, index in enumerate(indices):
        lengths = np.diag(shards.cells[index])
        np.testing.assert_allclose(batch.x[row, 1:], coordinates(lengths, "periodic", 16), rtol=1e-6)


def test_turning_depends_on_epoch_and_sample_alone(shards: ShardSet) -> None:
    together = load(shards, Slice(np.array([5, 9]), np.ones(2, np.float32)), 2, 7)
    alone = load(shards, Slice(np.array([9]), np.ones(1, np.float32)), 2, 7)
    np.testing.assert_array_equal(together.x[1], alone.x[0])
    np.testing.assert_array_equal(together.species[1], alone.species[0])
    turns = {
        load(shards, Slice(np.array([9]), np.ones(1, np.float32)), e, 7).x.numpy().tobytes() for e in range(8)
    }
    assert len(turns) > 1, "each epoch turns a sample anew"


def test_the_loader_gives_all_batches_in_order_and_passes_errors_on(shards: ShardSet) -> None:
    parts = plan(np.arange(shards.n_samples), 5, 0, 1, None)
    seen = [i for batch in Loader(lambda part: load(shards, part, 0, None), parts) for i in batch.indices]
    assert seen == list(range(shards.n_samples))
    wrong = [Slice(np.array([10**6]), np.ones(1, np.float32))]
    with pytest.raises(IndexError):
        list(Loader(lambda part: load(shards, part, 0, None), wrong))
