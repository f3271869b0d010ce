"""The training on R3DVS: its turns, its maps, what it learns, resume, refusals."""

from pathlib import Path
from typing import Literal

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from hpcvox import config
from hpcvox.descriptors.r3dvs import Spots, voxels
from hpcvox.errors import ConfigError, ShardError
from hpcvox.networks.r3dvs.card import R3DVSCard
from hpcvox.networks.r3dvs.model import VoxelCNN
from hpcvox.networks.r3dvs.settings import TrainR3DVSSettings, VoxelCNNSettings
from hpcvox.networks.r3dvs.task import RECIPE, R3DVSTask, rotation
from hpcvox.shards.reading.shard_set import ShardSet
from hpcvox.training.data import Slice
from hpcvox.training.folder import runs
from hpcvox.training.folder.metrics import read_metrics
from hpcvox.training.job import run as train_network
from hpcvox.training.ranks.comm import Alone
from tests.support.spot_shards import RESOLUTION, made_spots, make_spots
from tests.support.training_runs import assert_same_weights, killed

COUNT = 40
SMALL = ["length=6.4", "model={filters: [8, 8], dense: [16]}", "threads=1", "batch_size=32"]


@pytest.fixture(scope="module")
def spots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shard set of spots."""
    return make_spots(tmp_path_factory.mktemp("data") / "spots", COUNT)


def settings(shards: Path, out: Path, *more: str) -> TrainR3DVSSettings:
    return config.load(
        TrainR3DVSSettings, None, [f"shards={shards}", f"out={out}", "target=roughness", *SMALL, *more]
    )


def prepared(given: TrainR3DVSSettings) -> tuple[ShardSet, NDArray[np.int64], NDArray[np.int64], R3DVSTask]:
    """Shard set, numbers to train on and to be judged by, and the task."""
    shards = ShardSet.open(given.shards)
    train, held_out = RECIPE.split(given, shards, RECIPE.usable(given, shards))
    return shards, np.asarray(train), np.asarray(held_out), R3DVSTask(given, shards, train, Alone())


def test_turns_are_rotations_of_seed_sample_and_replica_alone() -> None:
    turn = rotation(3, 17, 4)
    np.random.default_rng(0).random(1000)  # whatever else was drawn
    assert np.array_equal(turn, rotation(3, 17, 4))
    assert np.allclose(turn @ turn.T, np.eye(3), atol=1e-14)
    assert np.linalg.det(turn) == pytest.approx(1)
    for other in (rotation(4, 17, 4), rotation(3, 18, 4), rotation(3, 17, 5)):
        assert not np.allclose(turn, other, atol=1e-3)


def test_turns_are_uniform() -> None:
    """A turned vector is anywhere on the sphere, and the angle θ of a turn has the density (1 - cos θ)/π."""
    turns = np.stack([rotation(0, i, 1) for i in range(4000)])
    for axis in range(3):
        z = turns[:, 2, axis]  # uniform from -1 to 1 (Archimedes)
        assert np.abs(np.sort(z) - np.linspace(-1, 1, len(z))).max() < 0.06
    angle = np.sort(np.arccos(np.clip((np.trace(turns, axis1=1, axis2=2) - 1) / 2, -1, 1)))
    assert np.abs((angle - np.sin(angle)) / np.pi - np.linspace(0, 1, len(angle))).max() < 0.03


def test_an_evaluation_sees_the_descriptors_own_voxels(spots: Path, tmp_path: Path) -> None:
    given = settings(spots, tmp_path)
    shards, _, held_out, task = prepared(given)
    assert held_out.max() < shards.n_samples
    batch = task.read(Slice(held_out, np.ones(len(held_out), np.float32)), -1)
    assert np.array_equal(batch.indices, held_out)
    for row, index in enumerate(held_out):
        own = voxels(made_spots(int(index)), RESOLUTION, 6.4)
        assert np.abs(batch.x[row].numpy() - own).max() <= 1e-6 * own.max()


def test_an_epoch_shows_every_replica_once_each_turned_by_its_own_rotation(
    spots: Path, tmp_path: Path
) -> None:
    given = settings(spots, tmp_path, "replicas=3", "seed=5")
    shards, train, held_out, task = prepared(given)
    replicas, samples = np.divmod(train, shards.n_samples)
    assert sorted(zip(replicas, samples, strict=True)) == [
        (r, s) for r in (1, 2, 3) for s in np.unique(samples)
    ]
    assert not set(samples) & set(held_out)
    assert len(np.unique(samples)) + len(held_out) == COUNT
    some = np.array([train[0], train[-1]])
    first, again = (task.read(Slice(some, np.ones(2, np.float32)), epoch) for epoch in (0, 7))
    assert torch.equal(first.x, again.x)
    assert np.array_equal(first.indices, some % shards.n_samples)
    (g,), (amplitude,) = (shards.read_ragged(name, [samples[-1]]) for name in ("g", "amplitude"))
    turned = g.astype(float) @ rotation(5, int(samples[-1]), 3).T
    mean = shards.read_array("mean", [samples[-1]])[0]
    own = voxels(Spots(turned, amplitude.T.astype(float), mean.astype(float)), RESOLUTION, 6.4)
    assert np.array_equal(first.x[1].numpy(), own)


@pytest.mark.slow
def test_it_learns_a_functional_of_the_field(spots: Path, tmp_path: Path) -> None:
    given = settings(spots, tmp_path / "run", "replicas=8", "epochs=15", "learning_rate=5e-3")
    shards, train, held_out, _ = prepared(given)
    train_network(given)
    values = shards.target("roughness")
    blind = np.abs(values[held_out] - values[np.unique(train % COUNT)].mean()).mean()
    last = read_metrics(given.out)[-1]
    assert last["held_out/mae"] < 0.5 * blind

    # the exported model says the same of a field, by its card alone
    model, card = runs.load_model(given.out, R3DVSCard)
    x = np.stack([voxels(made_spots(int(i)), card.resolution, card.length, card.mean) for i in held_out])
    with torch.no_grad():
        assert card.target_std is not None
        assert card.target_mean is not None
        said = model(torch.from_numpy(x)).squeeze(1).numpy() * card.target_std + card.target_mean
    assert np.abs(said - values[held_out]).mean() == pytest.approx(card.run.metrics["held_out/mae"], rel=1e-3)


@pytest.mark.slow
def test_it_tells_turned_crystals_apart(spots: Path, tmp_path: Path) -> None:
    more = ["task=rotation", "crystals=6", "replicas=20", "judged=turned", "target=none"]
    more += ["epochs=40", "learning_rate=1e-2", "batch_size=16"]
    given = settings(spots, tmp_path / "run", *more)
    _, train, held_out, _ = prepared(given)
    asked, held_out = np.divmod(held_out, COUNT)
    assert set(asked) == {21}  # a turn that no training shows
    assert len(held_out) == 6
    assert len(train) == 6 * 20
    assert np.array_equal(np.unique(train % COUNT), held_out)
    assert set(train // COUNT) == set(range(1, 21))
    train_network(given)
    _, card = runs.load_model(given.out, R3DVSCard)
    assert card.classes == [f"m-{index}" for index in held_out]
    assert card.outputs == 6
    assert read_metrics(given.out)[-1]["held_out/accuracy"] > 0.6  # by chance: 0.17
    other = prepared(settings(spots, tmp_path / "run", *more, "seed=1", "judged=original"))
    assert other[2].max() < COUNT
    assert not np.array_equal(other[2], held_out)


@pytest.mark.slow
def test_killed_and_run_again_it_ends_with_the_same_bits(spots: Path, tmp_path: Path) -> None:
    long = ["replicas=12", "epochs=6", "checkpoint_steps=2"]
    train_network(settings(spots, tmp_path / "undisturbed", *long))
    out = tmp_path / "run"
    arguments = [f"shards={spots}", f"out={out}", "target=roughness", *SMALL, *long]
    killed(["train-r3dvs", *arguments], out)
    assert len(read_metrics(out)) < 6
    train_network(settings(spots, out, *long))
    assert_same_weights(tmp_path / "undisturbed", out)


def test_samples_without_the_target_are_left_out(
    spots: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    train_network(settings(spots, tmp_path / "run", "target=seldom", "replicas=1", "epochs=1"))
    assert (
        f"{COUNT - len(range(0, COUNT, 3))} without a value of the target left out" in capsys.readouterr().out
    )


@pytest.mark.parametrize(
    ("more", "error", "said"),
    [
        (
            ["target=roughnes"],
            ShardError,
            "no target 'roughnes': did you mean roughness\\? valid",
        ),
        (["task=rotation", f"crystals={COUNT + 1}"], ConfigError, f"crystals: {COUNT + 1}.*has only {COUNT}"),
        (["length=6.5"], ConfigError, r"length 6\.5 Å is not a whole number of resolutions of 0\.8"),
        (["model.filters=[4, 4, 4, 4]"], ConfigError, "4 levels of filters.*leave nothing of 8³ voxels"),
    ],
)
def test_what_cannot_be_is_refused(
    spots: Path, tmp_path: Path, more: list[str], error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        train_network(settings(spots, tmp_path / "run", *more))


@pytest.mark.parametrize(("padding", "left"), [("zeros", 4), ("none", 2)])
def test_the_network_is_as_its_sheet_says(padding: Literal["zeros", "none"], left: int) -> None:
    """Convolution → LeakyReLU(0.3) → maximum, thrice, then 32 → 8 → 1: with the order of the sheet, the same."""
    torch.manual_seed(0)
    model = VoxelCNN(VoxelCNNSettings(padding=padding, inputs="raw"), 2, 32, 1, (1.0, 1.0))
    convolutions = (2 * 27 * 16 + 16) + 2 * (16 * 27 * 16 + 16)
    dense = (16 * left**3 * 32 + 32) + (32 * 8 + 8) + (8 + 1)
    assert sum(p.numel() for p in model.parameters()) == convolutions + dense
    x = torch.rand(2, 2, 32, 32, 32)
    y = x
    modules = list(model.body)
    for level in range(3):
        convolution, pool, leaky = modules[3 * level : 3 * level + 3]
        y = pool(leaky(convolution(y)))
    for module in modules[9:]:
        y = module(y)
    with torch.no_grad():
        assert torch.allclose(model(x), model.head(y), atol=1e-6)
    assert leaky.negative_slope == 0.3


def test_scaled_inputs_do_not_hang_on_the_fields_unit() -> None:
    x = torch.rand(1, 1, 8, 8, 8)
    shape = VoxelCNNSettings(filters=(4,), dense=())
    torch.manual_seed(0)
    one = VoxelCNN(shape, 1, 8, 1, (0.01,))
    other = VoxelCNN(shape, 1, 8, 1, (10.0,))
    other.load_state_dict(one.state_dict())
    assert torch.allclose(one(x), other(1000 * x), rtol=1e-5)
