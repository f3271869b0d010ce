"""The flow of a VAE: it learns where latent points lie, the same each time, and is kept and refused as a prior is."""

from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from hpcvox.errors import CheckpointError
from hpcvox.networks.vae import latent_flow
from hpcvox.networks.vae.card import FLOW, VAECard
from hpcvox.networks.vae.flow import Flow
from hpcvox.networks.vae.posterior import Posterior
from hpcvox.networks.vae.settings import VAESettings
from hpcvox.process.interrupt import StopRequest
from tests.support.cards import bare, training_on, write_before

CLOUDS = np.array([[4.0, 0.0, 1.0], [-4.0, 2.0, 1.0]])
"""Of each of two conditions there are two: these, and their mirror images."""


def clouds(samples: int = 1200) -> tuple[Posterior, NDArray[np.int64]]:
    """Posteriors about four places, two of each condition, and the conditions."""
    random = np.random.default_rng(0)
    bins, sign = np.arange(samples) % 2, np.where(np.arange(samples) % 4 < 2, 1.0, -1.0)
    mean = sign[:, None] * CLOUDS[bins] + 0.1 * random.standard_normal((samples, 3))
    return Posterior(mean.astype(np.float32), np.full((samples, 3), -4.0, np.float32)), bins


def card(conditions: int = 2, checksum: str = "abc") -> VAECard:
    """Of the VAE that has these points."""
    edges = [float(edge) for edge in range(conditions + 1)]
    return VAECard(
        checksum=checksum,
        run=training_on(),
        model=VAESettings(latent=3),
        grid="periodic",
        voxels=32,
        condition="energy",
        conditions=conditions,
        edges=edges,
    )


def learned(steps: int = 800) -> Flow:
    with StopRequest() as stop:
        flow = latent_flow.fit(*clouds(), 2, steps, 0, stop)
    assert flow is not None
    return flow


@pytest.fixture(scope="module")
def flow() -> Flow:
    return learned()


def test_points_lie_where_those_of_their_condition_do_and_not_between(flow: Flow) -> None:
    noise = torch.randn(400, 3, generator=torch.Generator().manual_seed(1))
    condition = torch.arange(400) % 2
    with torch.no_grad():
        points = flow.transport(noise, condition).numpy()
    wanted = CLOUDS[condition.numpy()]
    distance = np.minimum(np.linalg.norm(points - wanted, axis=1), np.linalg.norm(points + wanted, axis=1))
    assert np.mean(distance < 1) > 0.95
    nearer = np.linalg.norm(points - wanted, axis=1) < np.linalg.norm(points + wanted, axis=1)
    assert 0.3 < nearer.mean() < 0.7, "both clouds are drawn from"


def test_it_is_the_same_each_time_and_stops_when_told() -> None:
    one, other = learned(20), learned(20)
    for name, value in one.state_dict().items():
        assert torch.equal(value, other.state_dict()[name]), name
    with StopRequest() as stop:
        stop.received = 10
        assert latent_flow.fit(*clouds(), 2, 20, 0, stop) is None


def test_it_is_kept_beside_the_model_and_damage_is_told(flow: Flow, tmp_path: Path) -> None:
    latent_flow.write(tmp_path, flow, "abc")
    read = latent_flow.read(tmp_path, card())
    assert read is not None
    for name, value in flow.state_dict().items():
        assert torch.equal(value, read.flow.state_dict()[name]), name
    with pytest.raises(CheckpointError, match=r"is no flow of this VAE: .*prior=fitted"):
        latent_flow.read(tmp_path, card(conditions=3))
    assert latent_flow.read(tmp_path, card(checksum="of other weights")) is None
    whole = (tmp_path / FLOW).read_bytes()
    (tmp_path / FLOW).write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(CheckpointError, match="is no flow of this VAE: it is damaged"):
        latent_flow.read(tmp_path, card())
    latent_flow.remove(tmp_path)
    assert not (tmp_path / FLOW).exists()
    assert latent_flow.read(tmp_path, card()) is None


def test_one_whose_checksum_is_in_the_models_card_beside_it_is_read(flow: Flow, tmp_path: Path) -> None:
    """As versions before kept it."""
    latent_flow.write(tmp_path, flow, "")
    entry = bare(tmp_path / FLOW)
    assert latent_flow.read(tmp_path, card()) is None, "a flow that no card names is none"
    write_before(tmp_path, {"task": "vae", "flow": {"checksum": entry["checksum"]}})
    read = latent_flow.read(tmp_path, card())
    assert read is not None
    assert read.checksum == entry["checksum"]
    write_before(tmp_path, {"task": "vae", "flow": {"checksum": "of another"}})
    with pytest.raises(CheckpointError, match="it is damaged"):
        latent_flow.read(tmp_path, card())
