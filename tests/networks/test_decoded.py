"""A UNet that goes on from another one, and learns densities as a VAE decodes them beside the true ones."""

import shutil
from pathlib import Path
from typing import TypeVar

import numpy as np
import pytest
import torch

from hpcvox import config
from hpcvox.errors import CheckpointError, ConfigError, ShardError
from hpcvox.networks.unet.card import UNetCard
from hpcvox.networks.unet.settings import TrainUNetSettings
from hpcvox.networks.unet.task import UNetTask
from hpcvox.networks.vae.at_work import Reconstruction
from hpcvox.networks.vae.settings import TrainVAESettings
from hpcvox.shards.reading.shard_set import ShardSet
from hpcvox.training.data import Slice
from hpcvox.training.folder import runs
from hpcvox.training.folder.metrics import read_metrics
from hpcvox.training.job import run as train
from hpcvox.training.ranks.comm import Alone
from hpcvox.training.settings import TrainSettings
from tests.support.cards import changed
from tests.support.training_runs import assert_same_weights, killed
from tests.support.voxel_shards import SMALL_UNET, SMALL_VAE, make_shards

pytestmark = pytest.mark.slow

FAST = ["epochs=2", "batch_size=6", "threads=1", "learning_rate=3e-3", "warmup_steps=2"]

S = TypeVar("S", bound=TrainSettings)


def settings(kind: type[S], shards: Path, out: Path, *more: str) -> S:
    return config.load(kind, None, [f"shards={shards}", f"out={out}", *FAST, *more])


def both_networks(folder: Path) -> Path:
    """A shard set and networks trained on it."""
    shards = make_shards(folder / "shards")
    train(settings(TrainUNetSettings, shards, folder / "unet", SMALL_UNET))
    train(vae_settings(folder))
    return folder


def vae_settings(folder: Path, *more: str) -> TrainVAESettings:
    given = (f"unet={folder / 'unet'}", SMALL_VAE, "condition=energy", "bins=4", *more)
    return settings(TrainVAESettings, folder / "shards", folder / "vae", *given)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a shard set and a UNet and a VAE trained on it, which tests leave as it is."""
    return both_networks(tmp_path_factory.mktemp("trained"))


def again(trained: Path, out: Path, *more: str, shards: Path | None = None) -> TrainUNetSettings:
    given = (SMALL_UNET, f"initial={trained / 'unet'}", f"vae={trained / 'vae'}", *more)
    return settings(TrainUNetSettings, shards or trained / "shards", out, *given)


def task_of(wanted: TrainUNetSettings) -> UNetTask:
    shards = ShardSet.open(wanted.shards)
    task = UNetTask(wanted, shards, np.arange(shards.n_samples), Alone())
    task.model.eval()
    return task


@pytest.mark.parametrize("draws", [0, 256])
def test_each_sample_is_learnt_as_it_is_and_as_it_is_decoded(
    trained: Path, tmp_path: Path, draws: int
) -> None:
    """What two networks lose that see one way each, and the mean of both."""
    both = task_of(again(trained, tmp_path, f"species_voxels={draws}"))
    alone = task_of(again(trained, tmp_path, "vae=null", f"species_voxels={draws}"))
    batch = both.read(Slice(np.array([3, 30, 17]), np.ones(3, np.float32)), 1)
    decoded = batch._replace(
        x=Reconstruction(trained / "vae", both.shards)(batch.x, batch.species, batch.indices)
    )
    assert (decoded.x - batch.x).abs().max() > 0.1
    seen, true, made = both.losses(batch), alone.losses(batch), alone.losses(decoded)
    torch.testing.assert_close(seen.per_sample, (true.per_sample + made.per_sample) / 2)
    assert len(seen.figures) == 8
    for name, wanted in true.figures.items():
        for way, ratio in (("", wanted), ("decoded_", made.figures[name])):
            torch.testing.assert_close(seen.figures[f"{way}{name}"], ratio)
    assert (true.figures["recall"].denominator == draws).all() or not draws


def test_the_vae_learns_nothing(trained: Path, tmp_path: Path) -> None:
    task = task_of(again(trained, tmp_path))
    losses = task.losses(task.read(Slice(np.array([3]), np.ones(1, np.float32)), 0))
    torch.autograd.backward(losses.per_sample.sum())
    assert task.decoded is not None
    assert all(p.grad is None for p in task.decoded.vae.model.parameters())
    assert all(p.grad is not None for p in task.model.parameters())


def test_it_goes_on_from_the_other_network_and_names_decoded_elements_better(
    trained: Path, tmp_path: Path
) -> None:
    given = again(trained, tmp_path / "run", "epochs=8")
    first, _ = runs.load_model(trained / "unet")
    for name, value in task_of(given).model.state_dict().items():
        assert torch.equal(value, first.state_dict()[name]), name
    assert train(given).exit_status == 0
    lines = read_metrics(tmp_path / "run")
    assert lines[-1]["held_out/decoded_mask_f1"] > lines[0]["held_out/decoded_mask_f1"]
    assert lines[-1]["held_out/decoded_species_loss"] < lines[0]["held_out/decoded_species_loss"]
    _, card = runs.load_model(tmp_path / "run", UNetCard)
    assert (card.initial, card.vae) == (str(trained / "unet"), str(trained / "vae"))


def test_killed_and_run_again_it_ends_with_the_same_weights(trained: Path, tmp_path: Path) -> None:
    arguments = [SMALL_UNET, f"initial={trained / 'unet'}", f"vae={trained / 'vae'}", "checkpoint_steps=1"]
    whole = again(trained, tmp_path / "whole", "checkpoint_steps=1", "epochs=6")
    train(whole)
    line = [f"shards={whole.shards}", f"out={tmp_path / 'killed'}", *FAST, *arguments, "epochs=6"]
    killed(["train-unet", *line], tmp_path / "killed")
    train(again(trained, tmp_path / "killed", "checkpoint_steps=1", "epochs=6"))
    assert_same_weights(tmp_path / "whole", tmp_path / "killed")


def test_samples_without_the_condition_are_left_out(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    values = ShardSet.open(trained / "shards").target("energy").copy()
    values[5] = np.nan
    monkeypatch.setattr(ShardSet, "target", lambda self, name: values)
    train(again(trained, tmp_path, "epochs=1"))
    assert "1 without a value of the target left out" in capsys.readouterr().out


def test_networks_that_do_not_fit_are_refused(trained: Path, tmp_path: Path) -> None:
    other = SMALL_UNET.replace("features: 4", "features: 5")
    with pytest.raises(
        ConfigError, match=r"initial: .*unet has another shape: set model.features=4, as it has$"
    ):
        train(again(trained, tmp_path, other))
    with pytest.raises(CheckpointError, match="holds a vae, but a unet is needed"):
        train(again(trained, tmp_path, f"initial={trained / 'vae'}"))
    oblique = make_shards(tmp_path / "oblique", oblique=True)
    with pytest.raises(
        ConfigError, match=r"oblique cells, and .*unet was trained on right-angled ones alone"
    ):
        train(again(trained, tmp_path, shards=oblique))
    with pytest.raises(ConfigError, match=r"oblique cells, and .*vae was trained on right-angled ones alone"):
        train(again(trained, tmp_path, "initial=null", shards=oblique))
    shutil.copytree(trained / "vae", tmp_path / "vae")
    changed(tmp_path / "vae", condition="band_gap")
    with pytest.raises(ShardError, match=r"band_gap.*energy"):
        train(again(trained, tmp_path, f"vae={tmp_path / 'vae'}"))


def test_what_a_training_began_with_may_not_change_under_it(tmp_path: Path) -> None:
    """The end would be neither of the old networks or crystals nor of the new ones: said, and nothing is touched."""
    folder = both_networks(tmp_path)
    tuned = again(folder, folder / "tuned", "epochs=1")
    train(tuned)
    assert train(tuned).summary.startswith("nothing to do")
    further = settings(TrainUNetSettings, folder / "shards", folder / "unet", SMALL_UNET, "epochs=9")
    train(further)
    kept = (folder / "vae/model.safetensors").read_bytes()
    for epochs in (2, 3):  # done already, or to go on
        with pytest.raises(ConfigError, match=r"another unet \(.*/unet\).*overwrite=true"):
            train(vae_settings(folder, f"epochs={epochs}"))
    assert (folder / "vae/model.safetensors").read_bytes() == kept
    with pytest.raises(ConfigError, match=r"another initial \(.*/unet\), made anew or trained"):
        train(tuned)
    (folder / "unet").rename(folder / "away")
    assert train(tuned).summary.startswith("nothing to do"), "it is done, and takes no other network"
    (folder / "away").rename(folder / "unet")
    shutil.rmtree(folder / "shards")
    make_shards(folder / "shards", oblique=True)
    with pytest.raises(ConfigError, match=r"another shards \(.*/shards\)"):
        train(tuned)
