"""Fixtures that the tests of trainings and networks read and none of them writes to."""

from pathlib import Path

import pytest

from hpcvox.networks.unet.settings import TrainUNetSettings
from hpcvox.training.job import run as train
from tests.support.training_runs import FAST, settings
from tests.support.voxel_shards import SMALL_UNET, make_shards


@pytest.fixture(scope="session")
def shards(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shard set of 48 perovskites on a coarse grid."""
    return make_shards(tmp_path_factory.mktemp("data") / "shards")


@pytest.fixture(scope="session")
def unet(shards: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A UNet trained by this process alone, to its end."""
    out = tmp_path_factory.mktemp("run") / "unet"
    assert train(settings(TrainUNetSettings, shards, out, SMALL_UNET, *FAST)).exit_status == 0
    return out
