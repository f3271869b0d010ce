"""A VAE whose decoder names elements: it trains without a UNet, generates and is evaluated without one."""

import csv
from pathlib import Path

import numpy as np
import pytest
import torch

from hpcvox import config
from hpcvox.errors import CheckpointError, ConfigError
from hpcvox.experiments.evaluate import job as evaluation
from hpcvox.experiments.evaluate.settings import EvaluateSettings
from hpcvox.generation import job as generation
from hpcvox.generation.networks import Networks
from hpcvox.generation.settings import GenerateSettings
from hpcvox.networks.vae.card import VAECard
from hpcvox.networks.vae.model import VAE
from hpcvox.networks.vae.settings import TrainVAESettings
from hpcvox.networks.vae.task import VAETask
from hpcvox.shards.reading.shard_set import ShardSet
from hpcvox.training.data import Slice
from hpcvox.training.folder import runs
from hpcvox.training.folder.card import read_card
from hpcvox.training.folder.metrics import read_metrics
from hpcvox.training.job import run as train
from hpcvox.training.ranks.comm import Alone
from tests.support.cards import training_on
from tests.support.training_runs import settings
from tests.support.voxel_shards import SMALL_VAE, make_shards

pytestmark = pytest.mark.slow

QUICK = [
    "condition=energy",
    "bins=4",
    "epochs=30",
    "batch_size=4",
    "threads=1",
    "learning_rate=0.004",
    "augment=false",
]
NAMES = (
    "model={encoder: [16, 16], bottleneck: 8, hidden: 64, latent: 16, seed_channels: 8, decoder: [16, 16]}"
)


@pytest.fixture(scope="module")
def named(shards: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A VAE that has learnt to name the elements of perovskites, and no UNet."""
    out = tmp_path_factory.mktemp("named") / "vae"
    assert train(settings(TrainVAESettings, shards, out, NAMES, *QUICK)).exit_status == 0
    return out


def test_it_learns_to_name_elements_and_to_tell_what_is_occupied(named: Path) -> None:
    first, *_, last = read_metrics(named)
    assert last["train/elements"] > 0.6 > first["train/elements"]
    assert last["held_out/elements"] > 0.4 > first["held_out/elements"]
    assert last["held_out/mask_f1"] > 0.6 > first["held_out/mask_f1"]
    assert "held_out/dfc" not in last
    assert read_card(named, VAECard).unet is None


def test_the_loss_is_the_sum_of_what_it_is_said_to_be(shards: Path, tmp_path: Path) -> None:
    """Each sample's mean over its own occupied patches, whatever is in the batch with it."""
    opened = ShardSet.open(shards)
    given = settings(TrainVAESettings, shards, tmp_path, NAMES, *QUICK, "naming_weight=0.7", "beta=0.01")
    task = VAETask(given, opened, np.arange(48), Alone())
    task.model.eval()
    with torch.no_grad():
        together = task.losses(task.read(Slice(np.array([3, 30]), np.ones(2, np.float32)), -1))
        batch = task.read(Slice(np.array([30]), np.ones(1, np.float32)), -1)
        alone = task.losses(batch)
        condition = torch.nn.functional.one_hot(task.bins[[30]], 4).float()
        mean, log_variance = task.model.encode(batch.x, batch.species, condition)
        maps, names = task.model.decode(mean, condition)
        assert names is not None
        patches = task.model.patches(batch.species).flatten()
        there = patches.nonzero()[:, 0]
        logits = task.model.element_logits(names)[0, there]
    entropy = -logits.double().log_softmax(1)[torch.arange(len(there)), patches[there]].mean()
    there_or_not = torch.where(batch.species > 0, names.mask_logits, -names.mask_logits)
    mask = -torch.nn.functional.logsigmoid(there_or_not.double()).mean()
    kld = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).sum()
    wanted = (maps - batch.x).square().mean() + 0.01 * kld + 0.7 * (entropy + mask)
    torch.testing.assert_close(alone.per_sample[0].double(), wanted.double(), rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(together.per_sample[1], alone.per_sample[0], rtol=1e-4, atol=1e-5)


def made(vae: Path, out: Path, **changes: object) -> list[dict[str, str]]:
    """The table of what the VAE generates by itself."""
    tree = {"vae": vae, "out": out, "per_condition": 10, "threads": 1} | changes
    generation.run(config.validate(GenerateSettings, tree, "test"))
    with (out / "candidates.csv").open(newline="") as handle:
        return list(csv.DictReader(handle))


def test_it_generates_without_a_unet_crystals_of_the_elements_it_knows(named: Path, tmp_path: Path) -> None:
    rows = made(named, tmp_path / "all")
    placed = [row for row in rows if row["formula"]]
    assert len(placed) > 20
    known = {
        int(z) for i in range(48) for z in ShardSet.open(read_card(named, VAECard).run.shards).sites(i)[0]
    }
    networks = Networks(config.validate(GenerateSettings, {"vae": named, "threads": 1}, "test"))
    decoded = networks.decode(np.zeros((3, 16), np.float32), np.array([0, 1, 2]))
    segmented = networks.segment(decoded, 0.5)
    found = set(np.unique(segmented.species).tolist())
    assert found <= known | {0}
    assert len(found) > 2
    assert ((segmented.species > 0) == (segmented.mask >= 0.5)).all()
    alone = {row["id"]: row for row in made(named, tmp_path / "alone", conditions=[2])}
    assert all(alone[row["id"]] == row for row in rows if row["decile"] == "2")


def test_held_out_crystals_are_evaluated_without_a_unet(shards: Path, named: Path, tmp_path: Path) -> None:
    tree = {"vae": named, "shards": shards, "out": tmp_path, "threads": 1}
    said = evaluation.run(config.validate(EvaluateSettings, tree, "test")).summary
    assert "UNet" not in said
    with (tmp_path / "per_crystal.csv").open(newline="") as handle:
        rows = list(csv.DictReader(handle))
    assert {row["segmentation_recall"] for row in rows} == {""}
    assert all(0 <= float(row["reconstruction_recall"]) <= 1 for row in rows)


def test_a_vae_that_names_nothing_takes_a_unet(shards: Path, tmp_path: Path) -> None:
    mute = NAMES.replace("}", ", naming: 0, elements: 0, cell: maps}")
    train(settings(TrainVAESettings, shards, tmp_path / "vae", *QUICK, mute, "epochs=1"))
    with pytest.raises(CheckpointError, match=r"names no elements: give unet=FOLDER .*model.naming above 0"):
        made(tmp_path / "vae", tmp_path / "out")


def test_a_training_starts_from_another_ones_weights(shards: Path, named: Path, tmp_path: Path) -> None:
    on = settings(TrainVAESettings, shards, tmp_path / "on", NAMES, *QUICK, f"initial={named}")
    task = VAETask(on, ShardSet.open(shards), np.arange(48), Alone())
    before, _ = runs.load_model(named)
    assert isinstance(before, VAE)
    for name, value in before.state_dict().items():
        assert torch.equal(task.model.state_dict()[name], value), name
    assert task.card(training_on()).initial == str(named)


def test_initial_weights_of_another_shape_or_other_maps_are_refused(
    shards: Path, named: Path, tmp_path: Path
) -> None:
    def start(on: Path, *more: str) -> None:
        train(settings(TrainVAESettings, on, tmp_path / "out", *QUICK, f"initial={named}", *more))

    with pytest.raises(ConfigError, match=r"another shape: set model.encoder=\[16, 16\] .*model.latent=16"):
        start(shards, SMALL_VAE)
    with pytest.raises(ConfigError, match="set bins=4"):
        start(shards, NAMES, "bins=3")
    with pytest.raises(ConfigError, match="oblique"):
        start(make_shards(tmp_path / "oblique", oblique=True), NAMES)
