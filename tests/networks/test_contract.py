"""The tasks of all networks hold to what ``hpcvox.testing`` asks of others'; one rank is a communicator, too."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from hpcvox import config
from hpcvox.errors import ShardError
from hpcvox.testing.comms import check_comm
from hpcvox.testing.tasks import check_task
from hpcvox.training.job import run as train
from hpcvox.training.network import Network, ours
from hpcvox.training.ranks.comm import Alone
from hpcvox.training.settings import TrainSettings
from tests.support.fingerprint_shards import make_fingerprints
from tests.support.graph_shards import crystals, make_graphs
from tests.support.spot_shards import make_spots
from tests.support.voxel_shards import SMALL_UNET, SMALL_VAE

SMALL: Mapping[str, list[str]] = {
    "unet": [SMALL_UNET, "species_voxels=64"],
    "vae": [SMALL_VAE, "condition=energy", "bins=4"],
    "cgcnn": ["target=affinity", "model.atom_features=8"],
    "r3dvs": ["target=roughness", "length=6.4", "model={filters: [8, 8], dense: [16]}"],
    "fingerprint": [
        "model={filters: [[4, 4], [4, 4]], kernel: 3, dense: 16}",
        "classes={sc: [221], fcc: [225], bcc: [229]}",
    ],
}


@pytest.fixture(scope="module")
def sets(shards: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A shard set of each descriptor that a network takes."""
    place = tmp_path_factory.mktemp("sets")
    return {
        "density": shards,
        "graph": make_graphs(place / "graphs", crystals()),
        "r3dvs": make_spots(place / "spots", 12),
        "diffraction": make_fingerprints(place / "fingerprints"),
    }


def given(network: Network, shards: Path, out: Path) -> TrainSettings:
    kind: type[TrainSettings] = network.load("settings")
    return config.load(kind, None, [f"shards={shards}", f"out={out}", *SMALL[network.name]])


@pytest.mark.parametrize("name", ours())
def test_a_task_holds_to_the_contract(name: str, sets: dict[str, Path], tmp_path: Path) -> None:
    network = ours()[name]
    check_task(network, given(network, sets[network.descriptor], tmp_path))


@pytest.mark.parametrize("name", ours())
def test_a_set_of_another_descriptor_is_refused_by_name(
    name: str, sets: dict[str, Path], tmp_path: Path
) -> None:
    network = ours()[name]
    other = "graph" if network.descriptor == "density" else "density"
    said = rf"descriptor {other}, but {network.descriptor} is needed here.*descriptor={network.descriptor}`"
    with pytest.raises(ShardError, match=said):
        train(given(network, sets[other], tmp_path))


def test_one_rank_holds_to_the_contract_of_a_communicator() -> None:
    """Two ranks of each backend: ``tests/support/rank_probe.py``."""
    check_comm(Alone())
