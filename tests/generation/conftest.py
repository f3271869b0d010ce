"""Networks and candidates that several of these tests read and none of them writes to."""

from pathlib import Path

import pytest

from tests.support.generated_runs import one_for_each_stage, random_networks


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with shards and a UNet and a VAE of random weights, whose coordinate channels make a cell."""
    return random_networks(tmp_path_factory.mktemp("trained"))


@pytest.fixture(scope="session")
def generated(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run around a perovskite, with a candidate for each stage of ``judge``."""
    return one_for_each_stage(tmp_path_factory.mktemp("run") / "generated", trained)
