"""What is known to go wrong with Horovod, each seen once, and that it does not here.

1. ``broadcast_optimizer_state`` takes a real step with a fresh optimizer.
2. A wrapped optimizer begins with an empty state.
3. A rank that joins differs, silently (``test_elastic.py``: ranks are compared after every epoch).
4. A step that is not finite on one rank alone makes the others wait (``test_ranks.py``: two ranks end together).
5. There is no sum of bfloat16, and gradients of several batches are summed, not averaged.
6. mpirun binds each rank to one core, and refuses root.
7. Elastic launches on one machine wait, ban hosts for good, or stay when no rank is left (``test_elastic.py``,
   ``slurm/test_trainings.py``, ``slurm/test_submitted.py``).
"""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from hpcvox.training.launch import _launcher
from hpcvox.training.metrics import read_metrics
from tests.support.training_runs import FAST, command, run
from tests.support.voxel_shards import SMALL_UNET

pytestmark = pytest.mark.slow

PROBE = """
import json, os, sys
import torch
from hpcvox import config
from hpcvox.shards.reader import ShardSet
from hpcvox.training import agreement, loop
from hpcvox.training.comm import connect
from hpcvox.training.settings import TrainUNetSettings
from hpcvox.training.unet_task import RECIPE
settings = config.load(TrainUNetSettings, None, sys.argv[2:])
comm = connect(settings)
torch.manual_seed(settings.seed)
shards = ShardSet.open(settings.shards)
train, held_out = RECIPE.split(settings, shards, RECIPE.usable(settings, shards))
task = RECIPE.make(settings, shards, train, comm)
trained = agreement.state_digest(task.model)
trainer = loop.Trainer(task, settings, shards.ids, train, held_out, comm)
state = trainer.stepper.optimizer.state_dict()["state"]
facts = {
    "made": trained, "ready": agreement.state_digest(trainer.model), "epoch": trainer.position.epoch,
    "moments": sorted({int(entry["step"]) for entry in state.values()}),
    "parameters": [len(trainer.stepper.parameters), len(state)],
    "cpus": len(os.sched_getaffinity(0)),
}
open(f"{sys.argv[1]}.{comm.rank}", "w").write(json.dumps(facts))
comm.close()
"""


def probe(folder: Path, shards: Path, out: Path, *more: str) -> list[dict[str, Any]]:
    """What two ranks are like when they are about to train, started as ``ranks=2`` starts them."""
    (folder / "probe.py").write_text(PROBE)
    given = [f"shards={shards}", f"out={out}", SMALL_UNET, *FAST, *more]
    run([*_launcher(2, "horovod"), str(folder / "probe.py"), str(folder / "facts"), *given])
    return [json.loads((folder / f"facts.{rank}").read_text()) for rank in range(2)]


def test_before_the_first_step_nothing_has_moved(shards: Path, tmp_path: Path) -> None:
    first, second = probe(tmp_path, shards, tmp_path / "run")
    assert first == second
    assert first["ready"] == first["made"], "the weights are those that were drawn"
    assert first["moments"] == [], "the optimizer has taken no step"
    assert first["cpus"] == len(os.sched_getaffinity(0)), "ranks are not bound to a core each"


def test_a_resumed_optimizer_has_its_moments_on_every_rank(shards: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    run(command(shards, out, "ranks=2", "epochs=1"))
    steps = read_metrics(out)[-1]["step"]
    first, second = probe(tmp_path, shards, out)
    assert first == second
    assert (first["epoch"], first["moments"]) == (1, [steps])
    assert first["parameters"][0] == first["parameters"][1]


EXACT = ["batch_statistics=global", "schedule=constant", "learning_rate=1e-4", "epochs=1", "species_voxels=0"]


GRADIENTS = """
import json, sys
import numpy as np, torch
from hpcvox import config
from hpcvox.training.comm import connect
from hpcvox.training.data import plan
from hpcvox.training.settings import TrainUNetSettings
try:
    import horovod.torch
    horovod.torch.shutdown = lambda: None  # MPI begins once in a process
except ImportError:
    pass
found = []
for arguments in json.loads(sys.argv[2]):
    settings = config.load(TrainUNetSettings, None, arguments)
    comm = connect(settings)
    torch.manual_seed(0)
    model, x = torch.nn.Linear(4, 1), torch.randn(11, 4)
    parameters = list(model.parameters())
    (model(x).square().mean()).backward()
    expected = [p.grad.clone() for p in parameters]
    model.zero_grad()
    optimizer = comm.wrap(torch.optim.SGD(parameters, lr=0.1), model)
    for part in plan(np.arange(11), settings.batch_size, comm.rank, comm.size, None, settings.accumulate):
        losses = model(x[part.indices]).square().flatten()
        (losses * torch.from_numpy(part.share)).sum().backward()
    said = comm.average(optimizer, parameters, torch.tensor([comm.rank + 1.0]))
    error = max(float((p.grad - g).abs().max() / g.abs().max()) for p, g in zip(parameters, expected))
    found.append([said.item(), error])
    comm.close()
open(f"{sys.argv[1]}.{comm.rank}", "w").write(json.dumps(found))
"""
"""For one list of settings after the other: the sum of what ranks say, and the error of their mean gradient."""

LIMITS = {
    ("batch_size=6", "accumulate=1", "compression=none"): 1e-6,
    ("batch_size=3", "accumulate=2", "compression=none"): 1e-6,
    ("batch_size=2", "accumulate=3", "compression=none"): 1e-6,
    ("batch_size=3", "accumulate=2", "compression=float16"): 2e-3,
}
"""Of the error of the gradient, by settings."""


@pytest.mark.parametrize("backend", ["horovod", "torch"])
def test_the_gradient_is_that_of_the_mean_over_all_samples(tmp_path: Path, backend: str) -> None:
    (tmp_path / "probe.py").write_text(GRADIENTS)
    start = [*_launcher(2, "horovod"), str(tmp_path / "probe.py"), str(tmp_path / "facts")]
    run([*start, json.dumps([[*given, f"backend={backend}"] for given in LIMITS])])
    for rank in range(2):
        found = json.loads((tmp_path / f"facts.{rank}").read_text())
        for given, (said, error) in zip(LIMITS, found, strict=True):
            assert said == 1 + 2, given
            assert error < LIMITS[given], given


def test_bfloat16_products_are_summed_over_ranks_as_float32(shards: Path, tmp_path: Path) -> None:
    for name, more in (("two", ["ranks=2"]), ("one", ["ranks=1", "batch_size=12"])):
        run(command(shards, tmp_path / name, *EXACT, "precision=bfloat16", *more))
    (two,), (one,) = read_metrics(tmp_path / "two"), read_metrics(tmp_path / "one")
    assert two["train/loss"] == pytest.approx(one["train/loss"], rel=2e-3)
