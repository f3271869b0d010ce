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
import sys
from pathlib import Path
from typing import Any

import pytest

from hpcvox.networks.unet.settings import TrainUNetSettings
from hpcvox.training.folder.metrics import read_metrics
from hpcvox.training.job import run as train
from hpcvox.training.ranks.launch import _launcher
from tests.support.training_runs import FAST, run, settings
from tests.support.voxel_shards import SMALL_UNET

pytestmark = pytest.mark.slow

PROBE = """
import json, os, sys
import numpy as np, torch
from hpcvox import config
from hpcvox.shards.reading.shard_set import ShardSet
from hpcvox.training import loop
from hpcvox.training.ranks import agreement
from hpcvox.training.ranks.comm import connect
from hpcvox.training.data import plan
from hpcvox.training.rank import _run
from hpcvox.networks.unet.settings import TrainUNetSettings
from hpcvox.networks.unet.task import RECIPE
try:
    import horovod.torch
    horovod.torch.shutdown = lambda: None  # MPI begins once in a process
except ImportError:
    pass

def gradients(settings, comm):
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
    return [said.item(), error]

def about_to_train(settings, comm):
    settings.out.mkdir(exist_ok=True)
    torch.set_num_threads(1)
    torch.manual_seed(settings.seed)
    shards = ShardSet.open(settings.shards)
    train, held_out = RECIPE.split(settings, shards, RECIPE.usable(settings, shards))
    task = RECIPE.make(settings, shards, train, comm)
    made = agreement.state_digest(task.model)
    trainer = loop.Trainer(task, settings, shards.ids, train, held_out, comm)
    state = trainer.stepper.optimizer.state_dict()["state"]
    facts = {
        "made": made, "ready": agreement.state_digest(trainer.model), "epoch": trainer.position.epoch,
        "step": trainer.position.step,
        "moments": sorted({int(entry["step"]) for entry in state.values()}),
        "parameters": [len(trainer.stepper.parameters), len(state)],
        "cpus": len(os.sched_getaffinity(0)),
    }
    assert _run(settings, trainer, RECIPE).exit_status == 0
    return facts

found = {}
for name, (what, arguments) in json.loads(sys.argv[2]).items():
    settings = config.load(TrainUNetSettings, None, arguments)
    comm = connect(settings)
    found[name] = {"gradients": gradients, "training": about_to_train}[what](settings, comm)
    comm.close()
open(f"{sys.argv[1]}.{comm.rank}", "w").write(json.dumps(found))
"""
"""For one list of settings after the other: what a training is like before its first step, which then comes to its end;
or the sum of what ranks say, and the error of their mean gradient."""

EXACT = ["batch_statistics=global", "schedule=constant", "learning_rate=1e-4", "epochs=1", "species_voxels=0"]
BFLOAT16 = [*EXACT, "precision=bfloat16"]

LIMITS = {
    ("batch_size=6", "accumulate=1", "compression=none"): 1e-6,
    ("batch_size=3", "accumulate=2", "compression=none"): 1e-6,
    ("batch_size=2", "accumulate=3", "compression=none"): 1e-6,
    ("batch_size=3", "accumulate=2", "compression=float16"): 2e-3,
}
"""Of the error of the gradient, by settings."""

Found = list[dict[str, Any]]
"""Of each of two ranks: by name, what came of a list of settings."""


def of_gradients(backend: str) -> dict[str, tuple[str, list[str]]]:
    """What the probe is to do for the gradients."""
    return {str(given): ("gradients", [*given, f"backend={backend}"]) for given in LIMITS}


def probe(folder: Path, cases: dict[str, tuple[str, list[str]]]) -> Found:
    """Found by two ranks, started as ``ranks=2`` starts them."""
    (folder / "probe.py").write_text(PROBE)
    run(
        [
            *_launcher(2, "horovod"),
            sys.executable,
            str(folder / "probe.py"),
            str(folder / "facts"),
            json.dumps(cases),
        ]
    )
    return [json.loads((folder / f"facts.{rank}").read_text()) for rank in range(2)]


@pytest.fixture(scope="module")
def bfloat16(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Run folder of a training by two ranks, whose products are of bfloat16."""
    return tmp_path_factory.mktemp("bfloat16") / "run"


@pytest.fixture(scope="module")
def by_horovod(shards: Path, bfloat16: Path, tmp_path_factory: pytest.TempPathFactory) -> Found:
    """Found by ranks that Horovod joins; they train one epoch, and in the same folder another."""
    folder = tmp_path_factory.mktemp("horovod")
    same = [f"shards={shards}", SMALL_UNET, *FAST, "backend=horovod"]
    out = f"out={folder / 'run'}"
    trainings = {
        "begun": [*same, out, "epochs=1"],
        "resumed": [*same, out, "epochs=2"],
        "bfloat16": [*same, f"out={bfloat16}", *BFLOAT16],
    }
    return probe(
        folder,
        {**{name: ("training", given) for name, given in trainings.items()}, **of_gradients("horovod")},
    )


def test_before_the_first_step_nothing_has_moved(by_horovod: Found) -> None:
    first, second = (of_rank["begun"] for of_rank in by_horovod)
    assert first == second
    assert first["ready"] == first["made"], "the weights are those that were drawn"
    assert first["moments"] == [], "the optimizer has taken no step"
    assert first["cpus"] == len(os.sched_getaffinity(0)), "ranks are not bound to a core each"


def test_a_resumed_optimizer_has_its_moments_on_every_rank(by_horovod: Found) -> None:
    first, second = (of_rank["resumed"] for of_rank in by_horovod)
    assert first == second
    assert (first["epoch"], first["moments"]) == (1, [first["step"]])
    assert first["step"] > 0
    assert first["parameters"][0] == first["parameters"][1]


@pytest.mark.parametrize("backend", ["horovod", "torch"])
def test_the_gradient_is_that_of_the_mean_over_all_samples(
    tmp_path: Path, backend: str, request: pytest.FixtureRequest
) -> None:
    if backend == "horovod":
        by_ranks: Found = request.getfixturevalue("by_horovod")
    else:
        by_ranks = probe(tmp_path, of_gradients(backend))
    for found in by_ranks:
        for given, limit in LIMITS.items():
            said, error = found[str(given)]
            assert said == 1 + 2, given
            assert error < limit, given


def test_bfloat16_products_are_summed_over_ranks_as_float32(
    shards: Path, by_horovod: Found, bfloat16: Path, tmp_path: Path
) -> None:
    alone = settings(
        TrainUNetSettings, shards, tmp_path / "one", SMALL_UNET, *FAST, *BFLOAT16, "batch_size=12"
    )
    assert train(alone).exit_status == 0
    (two,), (one,) = read_metrics(bfloat16), read_metrics(tmp_path / "one")
    assert two["train/loss"] == pytest.approx(one["train/loss"], rel=2e-3)
