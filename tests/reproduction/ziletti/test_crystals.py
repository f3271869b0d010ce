"""Which crystals a network is asked about, and what is made of them."""

import math

import numpy as np
import pytest

from hpcvox.database.prototypes.elemental import KINDS
from hpcvox.descriptors.clusters import Cluster, conventional_cell, supercell, without
from hpcvox.errors import ConfigError
from hpcvox.featurize.sampler import cell_of
from hpcvox.reproduction.ziletti.crystals import held_out, of_kind, stretched, unseen
from hpcvox.reproduction.ziletti.uncertainty import auroc
from hpcvox.training.folder.card import Run

RUN = Run(hpcvox="0", shards="s", seed=3, held_out_fraction=0.1, epoch=1, metrics={})


def test_each_class_has_its_first_crystals_of_elements_that_the_network_has_not_seen() -> None:
    few, more = unseen(RUN, 0, 2), unseen(RUN, 0, 5)
    assert [solid.kind for solid, _ in few] == [kind for kind in KINDS for _ in range(2)]
    assert {int(one.numbers[0]) for _, one in more} <= set(held_out(RUN))
    assert [one.id for one in of_kind(RUN, 0, "bcc", 5)[:2]] == [one.id for one in of_kind(RUN, 0, "bcc", 2)]
    assert [one.id for _, one in unseen(RUN, 1, 2)] != [one.id for _, one in few]


def test_a_network_that_knows_all_elements_cannot_be_tested() -> None:
    with pytest.raises(ConfigError, match="trained on all elements"):
        held_out(RUN.model_copy(update={"held_out_fraction": 0.0}))


@pytest.mark.parametrize(("ratio", "neighbours"), [(1, 8), (2, 6), (4, 12), (3, 6)])
def test_the_path_has_the_cubic_crystals_on_it(ratio: float, neighbours: int) -> None:
    (crystal,) = stretched(RUN, 0, "beta-polonium", ratio * math.sqrt(3 / 8), 1)
    cell = conventional_cell(cell_of(crystal))
    assert len(cell.numbers) == {8: 2, 6: 1 if ratio == 2 else 3, 12: 4}[neighbours]


def test_bcc_without_its_centres_is_simple_cubic() -> None:
    (crystal,) = of_kind(RUN, 0, "bcc", 1)
    cell = conventional_cell(cell_of(crystal))
    whole = supercell(cell)
    left: Cluster = without(
        whole, 1.0, np.random.default_rng(0), np.arange(len(whole.numbers)) % len(cell.numbers) == 1
    )
    offsets = (left.positions - left.positions[0]) / cell.lattice[0, 0]
    assert np.abs(offsets - offsets.round()).max() < 1e-6
    assert len(left.numbers) == len(whole.numbers) // 2


def test_auroc_counts_pairs() -> None:
    score, wrong = np.array([0.1, 0.4, 0.4, 0.9]), np.array([False, False, True, True])
    assert auroc(score, wrong) == pytest.approx((1 + 0.5 + 1 + 1) / 4)
    assert auroc(-score, ~wrong) == pytest.approx((1 + 0.5 + 1 + 1) / 4)
