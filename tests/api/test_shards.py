"""A shard set as a sequence, and as a data set of PyTorch."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch.utils.data import DataLoader

import hpcvox
from hpcvox.api.shards import Shards
from hpcvox.errors import ShardError
from tests.support.graph_shards import crystals, make_graphs
from tests.support.voxel_shards import make_shards


@pytest.fixture(scope="module")
def shards(tmp_path_factory: pytest.TempPathFactory) -> Shards:
    """48 perovskites of 8³ voxels."""
    return hpcvox.open_shards(make_shards(tmp_path_factory.mktemp("set") / "shards", voxels=8))


def test_a_sample_has_its_crystal_arrays_and_targets(shards: Shards) -> None:
    first = shards[0]
    assert (first.id, first.formula) == ("CaTiO3", "CaTiO3")
    assert first.targets == pytest.approx({"energy": -0.134})
    assert first.atoms.get_chemical_formula() == "CaO3Ti"
    assert first.atoms.info["energy"] == first.targets["energy"]
    assert first.arrays["density"].shape == (8, 8, 8)
    assert shards[-1].id == shards[47].id == "NaMnF3"


def test_slices_and_iteration_read_the_same(shards: Shards) -> None:
    part = shards[10:30:5]
    assert [sample.id for sample in part] == [shards[i].id for i in (10, 15, 20, 25)]
    assert part[1:3].array("species").tobytes() == shards.array("species")[[15, 20]].tobytes()
    assert part.target("energy").tolist() == [shards[i].targets["energy"] for i in (10, 15, 20, 25)]
    with pytest.raises(IndexError, match="sample 4 of 4 of"):
        part[4]


def test_it_says_what_it_is(shards: Shards) -> None:
    assert "48 × density in 2 shards; arrays: density, species, mask; targets: energy>" in repr(shards)
    assert "4 of 48 × density" in repr(shards[:4])


@pytest.mark.slow
@pytest.mark.parametrize("workers", [0, 2])
def test_a_dataloader_takes_it(shards: Shards, workers: int) -> None:
    dataset = shards.dataset("density", "species", target="energy")
    loader = DataLoader(dataset, batch_size=10, shuffle=True, num_workers=workers)
    seen: dict[int, float] = {}
    for batch in loader:
        rows = shards.array("density")[batch["index"].numpy()]
        assert torch.equal(batch["density"], torch.from_numpy(rows))
        assert batch["species"].dtype == torch.uint8
        seen |= dict(zip(batch["index"].tolist(), batch["target"].tolist(), strict=True))
    assert [seen[index] for index in range(48)] == shards.target("energy").tolist()


def test_samples_without_the_target_are_left_out(tmp_path: Path) -> None:
    graphs = hpcvox.open_shards(make_graphs(tmp_path / "graphs", crystals()))
    known = np.isfinite(graphs.target("modulus"))
    dataset = graphs.dataset(target="modulus")
    assert len(dataset) == known.sum() < len(graphs)
    assert dataset[0]["target"] == graphs.target("modulus")[known][0]
    assert graphs[0].arrays["neighbours"].shape == (5, 6)  # ragged: a row a site


def test_what_is_not_there_is_refused(shards: Shards, tmp_path: Path) -> None:
    with pytest.raises(ShardError, match="has no target 'enrgy': did you mean energy"):
        shards.dataset(target="enrgy")
    with pytest.raises(ShardError, match="has no densty"):
        shards.dataset("densty")
    with pytest.raises(ShardError, match="is not a whole shard set"):
        hpcvox.open_shards(tmp_path)
