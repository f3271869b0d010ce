"""Where trainings compute: every network and what it is given on one device, GPUs asked for in vain, who has which."""

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch._ops import OpOverload
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from hpcvox.errors import ConfigError
from hpcvox.networks.cgcnn import task as cgcnn_task
from hpcvox.networks.cgcnn.settings import TrainCGCNNSettings
from hpcvox.networks.fingerprint import task as fingerprint_task
from hpcvox.networks.fingerprint.settings import TrainFingerprintSettings
from hpcvox.networks.r3dvs import task as r3dvs_task
from hpcvox.networks.r3dvs.settings import TrainR3DVSSettings
from hpcvox.networks.unet import task as unet_task
from hpcvox.networks.unet.settings import TrainUNetSettings
from hpcvox.networks.vae import task as vae_task
from hpcvox.networks.vae.settings import TrainVAESettings
from hpcvox.shards.reading.shard_set import ShardSet
from hpcvox.training.data import Slice
from hpcvox.training.job import run as train
from hpcvox.training.ranks.comm import Alone
from hpcvox.training.ranks.device import gpu_of, on_device, place
from hpcvox.training.settings import TrainSettings
from hpcvox.training.task import Recipe
from tests.support.fingerprint_shards import make_fingerprints
from tests.support.graph_shards import crystals, make_graphs
from tests.support.spot_shards import make_spots
from tests.support.training_runs import MPIRUN, ROOT_MAY, command, run, settings, weights
from tests.support.voxel_shards import SMALL_UNET, SMALL_VAE, make_shards

pytestmark = pytest.mark.slow

ELSEWHERE = torch.device("meta")
"""A device on which tensors have shapes and no numbers: what is computed there is checked like on a GPU."""

NO_GPU = pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")


class OneDevice(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """No operation is given tensors of two devices; as on a GPU, copies and single numbers are not counted."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.operations = 0

    def __torch_dispatch__(
        self,
        operation: OpOverload,
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        if operation.overloadpacket not in (torch.ops.aten.copy_, torch.ops.aten._to_copy):
            tensors = [leaf for leaf in tree_leaves((args, kwargs)) if isinstance(leaf, torch.Tensor)]
            devices = {tensor.device.type for tensor in tensors if tensor.ndim}
            assert len(devices) <= 1, f"{operation} of tensors on {devices}"
            self.operations += devices == {ELSEWHERE.type}
        return operation(*args, **(kwargs or {}))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Shard sets of every descriptor that is trained on, and two trained networks."""
    folder = tmp_path_factory.mktemp("data")
    density = make_shards(folder / "density")
    make_graphs(folder / "graphs", crystals())
    make_spots(folder / "spots", 12)
    make_fingerprints(folder / "fingerprints")
    few = ["epochs=1", "threads=1"]
    train(settings(TrainUNetSettings, density, folder / "unet", SMALL_UNET, *few))
    given = (f"unet={folder / 'unet'}", SMALL_VAE, "condition=energy", "bins=4")
    train(settings(TrainVAESettings, density, folder / "vae", *given, *few))
    return folder


TASKS: dict[str, tuple[Recipe, type[TrainSettings], str, list[str]]] = {
    "unet": (unet_task.RECIPE, TrainUNetSettings, "density", [SMALL_UNET]),
    "unet, all voxels": (unet_task.RECIPE, TrainUNetSettings, "density", [SMALL_UNET, "species_voxels=0"]),
    "unet, decoded": (
        unet_task.RECIPE,
        TrainUNetSettings,
        "density",
        [SMALL_UNET, "initial={0}/unet", "vae={0}/vae"],
    ),
    "vae": (
        vae_task.RECIPE,
        TrainVAESettings,
        "density",
        [SMALL_VAE, "unet={0}/unet", "condition=energy", "bins=4"],
    ),
    "cgcnn": (cgcnn_task.RECIPE, TrainCGCNNSettings, "graphs", ["target=affinity"]),
    "fingerprint": (
        fingerprint_task.RECIPE,
        TrainFingerprintSettings,
        "fingerprints",
        [
            "model={{filters: [[4, 4], [4, 4]], kernel: 3, dense: 16}}",
            "classes={{sc: [221], fcc: [225], bcc: [229]}}",
        ],
    ),
    "r3dvs": (
        r3dvs_task.RECIPE,
        TrainR3DVSSettings,
        "spots",
        ["target=roughness", "length=6.4", "model={{filters: [8, 8], dense: [16]}}"],
    ),
    "r3dvs, rotation": (
        r3dvs_task.RECIPE,
        TrainR3DVSSettings,
        "spots",
        ["task=rotation", "crystals=4", "length=6.4", "model={{filters: [8, 8], dense: [16]}}"],
    ),
}


@pytest.mark.filterwarnings("ignore:for .* copying from a non-meta parameter")  # which is what initial= does
@pytest.mark.parametrize("name", TASKS)
def test_a_step_and_an_evaluation_stay_on_the_device_of_the_rank(
    folder: Path, tmp_path: Path, name: str
) -> None:
    recipe, kind, data, more = TASKS[name]
    more = [text if text in (SMALL_UNET, SMALL_VAE) else text.format(folder) for text in more]
    given = settings(kind, folder / data, tmp_path / "out", *more)
    shards = ShardSet.open(given.shards)
    train, held_out = recipe.split(given, shards, recipe.usable(given, shards))
    comm = Alone()
    comm.device = ELSEWHERE
    task = recipe.make(given, shards, train, comm)
    assert {tensor.device for tensor in task.model.state_dict().values()} == {ELSEWHERE}
    for samples, epoch in ((train[:4], 0), (held_out[:4], -1)):
        task.model.train(epoch >= 0)
        batch = task.read(Slice(samples, np.ones(len(samples), np.float32)), epoch)
        with OneDevice() as watched:
            result = task.losses(on_device(batch, ELSEWHERE))
            if epoch >= 0:
                torch.autograd.backward(result.per_sample.sum())
        assert watched.operations > 20
        assert result.per_sample.device == ELSEWHERE
    assert {p.grad.device for p in task.model.parameters() if p.grad is not None} == {ELSEWHERE}


def test_a_batch_goes_to_the_device_whole() -> None:
    batch = unet_task.UNetBatch._make([np.arange(2), *(torch.zeros(2) for _ in range(5)), 7])
    moved = on_device(batch, ELSEWHERE)
    assert type(moved) is type(batch)
    assert [part.device for part in moved[1:6]] == [ELSEWHERE] * 5
    assert moved.indices is batch.indices
    assert moved.epoch == 7
    same = on_device(batch, torch.device("cpu"))
    assert all(a is b for a, b in zip(same, batch, strict=True))  # nothing is copied where nothing must be


@pytest.mark.parametrize(
    ("found", "local_rank", "local_size", "auto", "cuda"),
    [
        (0, 0, 1, None, None),
        (1, 0, 1, 0, 0),
        (4, 0, 1, 0, 0),
        (4, 3, 4, 3, 3),
        (4, 1, 2, 1, 1),
        (2, 1, 4, None, None),
        (1, 2, 4, None, 0),  # a site that shows each rank its own alone, or one for all of them
    ],
)
def test_which_gpu_is_whose(
    found: int, local_rank: int, local_size: int, auto: int | None, cuda: int | None
) -> None:
    assert gpu_of(found, local_rank, local_size, sure=True) == auto
    assert gpu_of(found, local_rank, local_size, sure=False) == cuda


@NO_GPU
def test_where_there_is_no_gpu_auto_is_cpus() -> None:
    assert place("auto", Alone()) == place("cpu", Alone()) == torch.device("cpu")


class OneOfFour(Alone):
    """A rank with a GPU among four, of which one other has one."""

    rank, size, local_rank, local_size = 1, 4, 1, 2

    def sum(self, tensor: torch.Tensor, name: str) -> torch.Tensor:
        return tensor + 1


def test_all_ranks_compute_on_cpus_where_one_has_no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """A rank with a GPU hears of others without: auto is CPUs for it, too, and cuda is refused."""
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    comm = OneOfFour()
    assert place("auto", comm) == torch.device("cpu")
    with pytest.raises(ConfigError, match="2 ranks of 4 lack a GPU of their own"):
        place("cuda", comm)


@NO_GPU
@pytest.mark.parametrize(
    ("ranks", "more", "said"),
    [
        ([], [], "1 rank of 1 lacks a GPU of its own"),
        ([*MPIRUN, "2"], ["backend=torch"], "2 ranks of 2 lack a GPU of their own"),
        ([*MPIRUN, "2"], ["backend=horovod"], "HOROVOD_GPU_OPERATIONS=NCCL make setup"),
        ([*MPIRUN, "2"], [], "2 ranks of 2 lack a GPU of their own"),
    ],
    ids=["alone", "torch", "horovod", "either"],
)
def test_gpus_that_are_not_there(
    folder: Path, tmp_path: Path, ranks: list[str], more: list[str], said: str
) -> None:
    arguments = [*ranks, *command(folder / "density", tmp_path / "out", "device=cuda", *more)]
    environment = {**os.environ, **ROOT_MAY}
    done = subprocess.run(
        arguments, env=environment, capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 2, done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out/checkpoints").exists()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
def test_a_training_on_a_gpu_goes_on_on_cpus(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert "threads on cuda" in run(command(folder / "density", out, "device=cuda", "epochs=1"))
    assert "going on at epoch 2" in run(command(folder / "density", out, "device=cpu", "epochs=2"))
    assert all(torch.isfinite(value).all() for value in weights(out).values())
