"""The training on diffraction fingerprints: the network of the sheet, dropout, resume, refusals."""

import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file

from hpcvox import config
from hpcvox.errors import ConfigError, ShardError
from hpcvox.networks.fingerprint.card import FingerprintCard
from hpcvox.networks.fingerprint.model import ConvNet
from hpcvox.networks.fingerprint.settings import ConvNetSettings, TrainFingerprintSettings
from hpcvox.networks.fingerprint.speckle import speckled
from hpcvox.networks.fingerprint.task import RECIPE, FingerprintBatch, FingerprintTask
from hpcvox.shards.reading.shard_set import ShardSet
from hpcvox.shards.selection import Samples
from hpcvox.training.data import Slice
from hpcvox.training.folder import runs
from hpcvox.training.folder.metrics import read_metrics
from hpcvox.training.job import run as train
from hpcvox.training.ranks.comm import Alone
from tests.support.fingerprint_shards import ELEMENTS, make_fingerprints
from tests.support.training_runs import assert_same_weights, killed

SMALL = [
    "model={filters: [[4, 4], [4, 4]], kernel: 3, dense: 16}",
    "classes={sc: [221], fcc: [225], bcc: [229]}",
    "threads=1",
    "batch_size=6",
]


@pytest.fixture(scope="module")
def fingerprints(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A shard set of fingerprints of elements in four lattices."""
    return make_fingerprints(tmp_path_factory.mktemp("data") / "fingerprints")


def settings(shards: Path, out: Path, *more: str) -> TrainFingerprintSettings:
    return config.load(TrainFingerprintSettings, None, [f"shards={shards}", f"out={out}", *SMALL, *more])


def reader(
    given: TrainFingerprintSettings,
) -> tuple[Samples, Callable[[Sequence[int] | NDArray[np.int64], int], FingerprintBatch]]:
    """The training samples, and the function that reads samples as the training does in an epoch."""
    shards = ShardSet.open(given.shards)
    train, _ = RECIPE.split(given, shards, RECIPE.usable(given, shards))
    task = FingerprintTask(given, shards, train, Alone())

    def read(samples: Sequence[int] | NDArray[np.int64], epoch: int) -> FingerprintBatch:
        return task.read(Slice(np.array(samples), np.ones(len(samples), np.float32)), epoch)

    return train, read


def test_the_network_of_the_paper_has_365_719_parameters() -> None:
    """As Keras counts: the moving mean and variance of BatchNorm are among them."""
    model = ConvNet(ConvNetSettings(), 64, 7)
    moving = [b for name, b in model.named_buffers() if name.startswith("norm.running")]
    assert sum(t.numel() for t in (*model.parameters(), *moving)) == 365_719
    rows = model.dense.weight
    assert torch.allclose(rows @ rows.T, torch.eye(len(rows)), atol=1e-4)
    assert not model.dense.bias.any()


def test_dropout_keeps_the_share_asked_for_and_hangs_on_seed_epoch_and_sample_alone(
    fingerprints: Path, tmp_path: Path
) -> None:
    train, read = reader(settings(fingerprints, tmp_path, "model.dropout=0.25"))
    some, two, later = (
        read(train[:4], 2).kept,
        read([train[3], train[1]], 2).kept,
        read(train[:4], 3).kept,
    )
    assert some is not None
    assert two is not None
    assert later is not None
    assert some.float().mean().item() == pytest.approx(0.75, abs=0.02)
    assert torch.equal(some[[3, 1]], two)
    assert not torch.equal(some, later)
    assert read(train[:4], -1).kept is None


def test_speckle_has_its_contrast_and_hangs_on_seed_epoch_and_sample_alone(
    fingerprints: Path, tmp_path: Path
) -> None:
    train, read = reader(settings(fingerprints, tmp_path, "speckle=0.5"))
    whole, some, two, later = (
        read(train[:4], -1).x,
        read(train[:4], 2).x,
        read([train[3], train[1]], 2).x,
        read(train[:4], 3).x,
    )
    assert torch.equal(some[[3, 1]], two)
    assert not torch.equal(some, later)
    assert torch.equal(some > 0, whole > 0), "dark pixels stay dark"
    assert some.amax((1, 2, 3)).tolist() == [1.0] * 4
    assert np.array_equal(
        whole[0].permute(1, 2, 0), ShardSet.open(fingerprints).read_array("fingerprint", train[:1])[0]
    )

    flat = speckled(np.ones((128, 128, 3), np.float32), 0.5, np.random.default_rng(0))
    assert flat.std() / flat.mean() == pytest.approx(0.5, rel=0.02)


def test_of_epochs_that_name_equally_many_rightly_the_one_with_the_least_loss_is_best() -> None:
    epochs = [(0.9, 0.1), (1.0, 0.3), (1.0, 0.2), (0.999_999, 0.0)]
    best = min(epochs, key=lambda one: RECIPE.least({"accuracy": one[0], "loss": one[1]}))
    assert best == (1.0, 0.2)


def test_dropout_keeps_the_mean_of_the_features() -> None:
    torch.manual_seed(0)
    model = ConvNet(ConvNetSettings(filters=((4, 4),), kernel=3, dense=8, dropout=0.5), 16, 2).eval()
    x = torch.rand(2, 3, 16, 16)
    random = torch.rand(400, 2, model.features) >= 0.5
    with torch.no_grad():
        whole = model.dense(model.body(x))
        mean = torch.stack([model.dense(model.body(x) * kept / 0.5) for kept in random]).mean(0)
        # with nothing left out features are twice as large, and so is what the dense layer makes of them
        twice = model.head(model.norm(torch.relu(2 * whole)))
        assert torch.allclose(model(x, torch.ones(2, model.features)), twice, atol=1e-5)
    assert (mean - whole).abs().max() < 0.3 * whole.abs().max()


def test_a_batch_of_one_is_normalised_by_the_running_statistics() -> None:
    torch.manual_seed(0)
    model = ConvNet(ConvNetSettings(filters=((4, 4),), kernel=3, dense=8), 16, 2)
    x = torch.rand(1, 3, 16, 16)
    assert torch.equal(model.train()(x), model.eval()(x))


@pytest.mark.slow
def test_it_learns_the_lattice_and_keeps_the_most_accurate_weights(
    fingerprints: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given = settings(fingerprints, tmp_path / "run", "epochs=12", "learning_rate=5e-3")
    train(given)
    assert f"{len(ELEMENTS)} without a value of the target left out" in capsys.readouterr().out  # diamond
    lines = read_metrics(given.out)
    best = max(line["held_out/accuracy"] for line in lines)
    assert best == 1
    model, card = runs.load_model(given.out, FingerprintCard)
    assert card.run.metrics["held_out/accuracy"] == best
    least = min((line["held_out/loss"], line["epoch"]) for line in lines if line["held_out/accuracy"] == best)
    assert card.run.epoch == least[1]
    shards = ShardSet.open(fingerprints)
    wanted = np.flatnonzero(np.isin(shards.target("space_group"), [225]))
    images = torch.from_numpy(shards.read_array("fingerprint", wanted)).permute(0, 3, 1, 2)
    with torch.no_grad():
        said = model(images).argmax(1)
    assert [list(card.classes)[index] for index in said].count("fcc") > 0.9 * len(wanted)


@pytest.mark.slow
def test_killed_and_run_again_it_ends_with_the_same_bits(fingerprints: Path, tmp_path: Path) -> None:
    long = ["epochs=10", "checkpoint_steps=2"]
    train(settings(fingerprints, tmp_path / "undisturbed", *long))
    out = tmp_path / "run"
    arguments = [f"shards={fingerprints}", f"out={out}", *SMALL, *long]
    killed(["train-fingerprint", *arguments], out)
    assert len(read_metrics(out)) < 10
    train(settings(fingerprints, out, *long))
    assert_same_weights(tmp_path / "undisturbed", out)


@pytest.mark.parametrize(
    ("more", "error", "said"),
    [
        (["target=group"], ShardError, "no target 'group': did you mean space_group\\? valid here: space_group"),
        (["classes={a: [1], b: [2]}"], ShardError, "no sample of any class.*221, 225, 227, 229"),
        (["classes={sc: [221], b: [2]}"], ShardError, "no training sample of b: its values of space_group"),
        (["model.kernel=4"], ConfigError, "kernel: 4 is even"),
        (["model.filters=[[1,1],[1,1],[1,1],[1,1],[1,1],[1,1],[1,1],[1,1]]"], ConfigError, "nothing of 64² pixels"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(
    fingerprints: Path, tmp_path: Path, more: list[str], error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        train(settings(fingerprints, tmp_path / "run", *more))


@pytest.mark.slow
def test_two_ranks_compute_what_one_does_with_twice_the_batch(fingerprints: Path, tmp_path: Path) -> None:
    more = ["batch_statistics=global", "schedule=constant", "learning_rate=1e-4", "epochs=1"]
    given = [f"shards={fingerprints}", f"out={tmp_path / 'two'}", *SMALL, *more, "batch_size=4", "ranks=2"]
    command = [sys.executable, "-m", "hpcvox", "train-fingerprint", *given]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    train(settings(fingerprints, tmp_path / "one", *more, "batch_size=8"))
    (two,), (one,) = read_metrics(tmp_path / "two"), read_metrics(tmp_path / "one")
    for name in ("train/loss", "train/accuracy", "held_out/loss"):
        assert two[name] == pytest.approx(one[name], rel=1e-4), name
    both = (load_file(tmp_path / run / "model.safetensors") for run in ("two", "one"))
    for weights in zip(*(sorted(each.items()) for each in both), strict=True):
        torch.testing.assert_close(weights[0][1], weights[1][1], rtol=1e-3, atol=1e-4)
