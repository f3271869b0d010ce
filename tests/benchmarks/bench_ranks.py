"""What the training loop and its ranks cost, beside the barest loops of PyTorch on the same batches."""

import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from hpcvox.training.folder.metrics import read_metrics
from tests.benchmarks.bench_training import make_shards

BATCH, ROUNDS = 8, 3
PEER = Path(__file__).with_name("ddp_peer.py")
TRAIN = [sys.executable, "-m", "hpcvox", "train-unet"]
TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
MAY = {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}


def measure() -> list[dict[str, Any]]:
    """The fastest epoch of alternating rounds, as what else a machine does only slows; one thread a rank.

    ``loop_overhead``: seconds a sample over the bare loop's, less one.  ``two_rank_efficiency``: samples a second
    of two ranks over twice those of one; ``two_apart_efficiency``: the same of two runs at once that know nothing of
    each other, which is what memory and clock leave.  ``horovod_vs_ddp``: of two ranks over DistributedDataParallel's.
    """
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        make_shards(folder / "shards")
        rates: dict[str, list[float]] = {}
        for number in range(ROUNDS):
            for name, ranks, backend in (
                ("one", 1, "auto"),
                ("two", 2, "horovod"),
                ("two_torch", 2, "torch"),
            ):
                out = folder / f"{name}{number}"
                _run(TRAIN, folder, f"out={out}", f"ranks={ranks}", f"backend={backend}")
                rates.setdefault(name, []).append(_rate(out))
            apart = [folder / f"apart{number}{which}" for which in "ab"]
            with ThreadPoolExecutor(2) as both:
                list(both.map(lambda out: _run(TRAIN, folder, f"out={out}"), apart))
            rates.setdefault("two_apart", []).append(sum(map(_rate, apart)))
            for name, start in (("bare", [sys.executable]), ("ddp", TORCHRUN)):
                seconds = float(_run([*start, str(PEER)], folder).split()[-1])
                rates.setdefault(name, []).append((2 if name == "ddp" else 1) * BATCH / seconds)
    rate = {name: max(values) for name, values in rates.items()}
    return [
        _ratio("loop_overhead", rate["bare"] / rate["one"] - 1, rate["one"], rate["bare"], 0.02),
        _ratio("two_rank_efficiency", rate["two"] / rate["one"] / 2, rate["two"], 2 * rate["one"], 0.95),
        _ratio(
            "two_apart_efficiency",
            rate["two_apart"] / rate["one"] / 2,
            rate["two_apart"],
            2 * rate["one"],
            None,
        ),
        _ratio("horovod_vs_ddp", rate["two"] / rate["ddp"], rate["two"], rate["ddp"], 1.0),
        _ratio("torch_vs_ddp", rate["two_torch"] / rate["ddp"], rate["two_torch"], rate["ddp"], None),
    ]


def _ratio(name: str, value: float, own: float, peer: float, limit: float | None) -> dict[str, Any]:
    return {"name": name, "value": value, "unit": f"{own:.1f}/s", "peer": peer, "limit": limit}


def _rate(out: Path) -> float:
    """Samples a second of the fastest epoch but the first, whose first steps are slow (the peers leave theirs out)."""
    return max(float(line["samples_per_s"]) for line in read_metrics(out)[1:])


def _run(start: list[str], folder: Path, *more: str) -> str:
    given = [f"shards={folder / 'shards'}", f"batch_size={BATCH}", "threads=1", "epochs=4", *more]
    done = subprocess.run(
        [*start, *given], capture_output=True, text=True, check=False, env={**os.environ, **MAY}
    )
    if done.returncode:
        raise RuntimeError(done.stdout + done.stderr)
    return done.stdout
