"""What a rank has in it once it has trained: ``mpirun -np 2 python -m tests.support.rank_probe FOLDER CASES NETWORKS``.

Trains a UNet by one list of settings of ``CASES`` after the other, as any rank does, and writes what the network of
this rank is like then to ``FOLDER/CASE.RANK``; the ranks of the first one also fit the prior of the VAE in
``NETWORKS``.
"""

import contextlib
import json
import sys
from pathlib import Path

import numpy as np

from hpcvox import config
from hpcvox.networks.unet import task as unet_task
from hpcvox.networks.unet.settings import TrainUNetSettings
from hpcvox.networks.vae import task as vae_task
from hpcvox.networks.vae.settings import TrainVAESettings
from hpcvox.shards.reading.shard_set import ShardSet
from hpcvox.testing.comms import check_comm
from hpcvox.training.rank import _run, _trainer
from hpcvox.training.ranks import agreement
from hpcvox.training.ranks.comm import Comm, connect
from tests.support.voxel_shards import SMALL_VAE


def fit_prior(networks: Path, comm: Comm) -> None:
    """Fit the prior of ``NETWORKS/vae`` to every other sample of ``NETWORKS/shards``, as the end of a training does."""
    given = {name: networks / name for name in ("shards", "unet")} | {"out": networks / "vae"}
    more = [SMALL_VAE, "condition=energy", "bins=4"]
    settings = config.load(TrainVAESettings, None, [*(f"{key}={path}" for key, path in given.items()), *more])
    shards = ShardSet.open(settings.shards)
    train = np.arange(0, shards.n_samples, 2)
    task = vae_task.RECIPE.make(settings, shards, train, comm)
    assert vae_task.RECIPE.together(task, settings.out, train, comm)


def main(folder: Path, cases: dict[str, list[str]], networks: Path) -> None:
    """Train, and write what came of it."""
    with contextlib.suppress(ImportError):
        import horovod.torch

        horovod.torch.shutdown = lambda: None  # MPI begins once in a process
    recipe = unet_task.RECIPE
    for number, (name, arguments) in enumerate(cases.items()):
        settings = config.load(TrainUNetSettings, None, arguments)
        comm = connect(settings)
        if number == 0:
            check_comm(comm)
        settings.out.mkdir(exist_ok=True)
        trainer = _trainer(settings, comm, recipe)
        assert _run(settings, trainer, recipe).exit_status == 0
        task = trainer.task
        assert isinstance(task, unet_task.UNetTask)
        variance = task.model.bottom.norm.running_var
        assert variance is not None
        facts = {"digest": agreement.state_digest(task.model), "var": variance.tolist()}
        facts["held_out"] = len(trainer.held_out)
        (folder / f"{name}.{comm.rank}").write_text(json.dumps(facts))
        if number == 0:
            fit_prior(networks, comm)
        comm.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), json.loads(sys.argv[2]), Path(sys.argv[3]))
