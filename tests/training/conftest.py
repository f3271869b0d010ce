"""Shard sets that the tests of several trainings read and none of them writes to."""

from pathlib import Path

import pytest

from tests.support.voxel_shards import make_shards


@pytest.fixture(scope="session")
def shards(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shard set of 48 perovskites on a coarse grid."""
    return make_shards(tmp_path_factory.mktemp("data") / "shards")
