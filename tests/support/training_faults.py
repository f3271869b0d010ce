"""Faults at random moments of a training: ``python -m tests.support.training_faults --kills 200``.

Every round strikes one process of a run of two ranks, or its last checkpoint, and the same command is run again;
in the end the weights, the state of the optimizer and the curve must be those of a run that nothing happened to.
"""

import argparse
import contextlib
import itertools
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

from hpcvox.training.folder import checkpoint
from hpcvox.training.folder.metrics import read_metrics
from tests.support.voxel_shards import SMALL_UNET, make_shards

ANSWERS_S = 120.0
"""A run that was struck must have ended after so long, with all its processes."""

FAULTS = ("rank 0", "rank 1", "launcher", "job", "damaged checkpoint")
TIMINGS = {"samples_per_s", "loader_wait_share"}


def command(shards: Path, out: Path, epochs: int) -> list[str]:
    given = [
        f"shards={shards}",
        f"out={out}",
        SMALL_UNET,
        f"epochs={epochs}",
        "checkpoint_steps=2",
        "ema=0.9",
    ]
    more = ["batch_size=3", "threads=1", "species_voxels=256", "ranks=2", "keep_checkpoints=3"]
    return [sys.executable, "-m", "hpcvox", "train-unet", *given, *more]


def result(out: Path) -> tuple[object, ...]:
    """What must not depend on what happened on the way."""
    last = checkpoint.latest(out / "checkpoints")
    assert last is not None
    files = [
        (last / name).read_bytes() for name in (checkpoint.MODEL, checkpoint.OPTIMIZER, checkpoint.AVERAGE)
    ]
    curve = [{k: v for k, v in line.items() if k not in TIMINGS} for line in read_metrics(out)]
    return *files, curve


def victim(run: psutil.Process, fault: str) -> psutil.Process | None:
    """The process that ``fault`` kills; None where it is not there (yet)."""
    if fault == "job":
        return run
    for child in run.children(recursive=True):
        with contextlib.suppress(psutil.Error):
            if fault == "launcher" and child.name() == "mpirun":
                return child
            if child.environ().get("OMPI_COMM_WORLD_RANK") == fault.removeprefix("rank "):
                return child
    return None


def strike(fault: str, arguments: list[str], out: Path, seconds: float, dice: random.Random) -> bool:
    """Run the command and do it the harm of ``fault`` within ``seconds``; whether it came to its end all the same.

    Raises:
        AssertionError: processes of the run are left.
    """
    process = subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    run = psutil.Process(process.pid)
    time.sleep(dice.uniform(0.0, seconds))
    family = [run]
    with contextlib.suppress(psutil.NoSuchProcess):
        family += run.children(recursive=True)
        struck = victim(run, fault if fault in FAULTS[:-1] else "job")
        if struck is not None:
            struck.kill()
        else:
            run.kill()
    process.communicate(timeout=ANSWERS_S)
    left = psutil.wait_procs(family, timeout=ANSWERS_S)[1]
    assert not left, f"{fault}: left after {ANSWERS_S:.0f} s: {left}"
    last = checkpoint.latest(out / "checkpoints")
    if fault == "damaged checkpoint" and last is not None:
        path = last / dice.choice([checkpoint.MODEL, checkpoint.OPTIMIZER, checkpoint.AVERAGE, "state.json"])
        data = path.read_bytes()
        path.write_bytes(data[: dice.randrange(len(data))])
        return False  # though the run may have ended, its last checkpoint is to be made again
    return process.returncode == 0


def rounds(folder: Path, faults: Iterator[str], epochs: int, seed: int) -> Iterator[str]:
    """Strike one run with each of ``faults`` and compare it in the end; yields what was done.

    Raises:
        AssertionError: something is not as in an undisturbed run.
    """
    dice = random.Random(seed)
    shards = make_shards(folder / "shards")
    begun = time.monotonic()
    _whole(command(shards, folder / "whole", epochs))
    seconds = time.monotonic() - begun
    expected = result(folder / "whole")
    out = folder / "struck"
    for number, fault in enumerate(faults):
        if strike(fault, command(shards, out, epochs), out, seconds, dice):
            assert result(out) == expected, f"the run that ended in round {number} is another"
            subprocess.run(["rm", "-r", str(out)], check=True)
        yield fault
    _whole(command(shards, out, epochs))
    assert result(out) == expected


def _whole(arguments: list[str]) -> None:
    done = subprocess.run(arguments, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def main() -> None:
    """Strike as often as asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--epochs", type=int, default=30, help="of the run that is struck")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    chosen = random.Random(arguments.seed).choices(FAULTS, k=arguments.kills)
    with tempfile.TemporaryDirectory() as folder:
        for number, fault in zip(
            itertools.count(1),
            rounds(Path(folder), iter(chosen), arguments.epochs, arguments.seed),
            strict=False,
        ):
            print(f"{number}: {fault}", flush=True)
    print(f"{arguments.kills} faults; the weights are those of the undisturbed run")


if __name__ == "__main__":
    main()
