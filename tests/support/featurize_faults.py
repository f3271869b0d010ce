"""Faults at random moments of a featurization: ``python -m tests.support.featurize_faults --hours 3``.

Every round strikes one process of a run, or its disk; then the same command is run again, until one run is left in
peace.  Its bytes must be those of a run that nothing happened to.
"""

import argparse
import contextlib
import itertools
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

from tests.support.crystal_sources import write_table

ENTRIES = 2000
ANSWERS_S = 240.0
"""A run that was struck must have ended after so long."""

PROCESSES = {"driver": "hpcvox", "raylet": "raylet", "head": "gcs_server", "agent": "ray::", "actor": "ray::"}
AGENTS = ("ray::DashboardAgent", "ray::RuntimeEnvAgent")
"""Of Ray itself, and named as its workers are; a raylet ends itself with either of them."""
RAY_ENDS = (
    *("Failed to register worker to Raylet", "GCS may have been killed"),
    "Failed to get the system config from raylet because it is dead",
)
"""What Ray says when it ends a driver itself, with status 1, that finds a part of Ray gone."""

FAULTS = (*PROCESSES, "full disk", "cut file", "lost file", "endless crystal")

LIMIT_S = 8
"""A crystal may take so long: much more than one does, and less than the endless one on any machine."""


def command(source: Path, out: Path) -> list[str]:
    settings = [f"source={source}", f"out={out}", "entries_per_shard=16", "actors=2", f"limit_s={LIMIT_S}"]
    return [sys.executable, "-m", "hpcvox", "featurize", *settings]


def contents(folder: Path) -> dict[str, bytes]:
    """Every file of a shard set but its lock and the saved config, which names the folder."""
    return {p.name: p.read_bytes() for p in folder.iterdir() if p.name not in {".lock", "config.yaml"}}


def strike(
    fault: str, source: Path, out: Path, seconds: float, dice: random.Random, entries: int = ENTRIES
) -> None:
    """Run the command once and do it the harm of ``fault`` some time within ``seconds``.

    Raises:
        AssertionError: the run hangs, or ends with a status that says nothing.
    """
    if fault == "endless crystal":  # in this run alone: the next one finds the shard with it out of date
        whole = source.read_bytes()
        write_table(source, entries, bad_every=97, endless_row=dice.randrange(entries))
        try:
            _run(fault, source, out, seconds, dice)
        finally:
            source.write_bytes(whole)
    else:
        _run(fault, source, out, seconds, dice)
    shards = sorted(out.glob("shard-*.h5"))
    if shards and fault == "cut file":
        shard = dice.choice(shards)
        shard.write_bytes(shard.read_bytes()[: dice.randrange(shard.stat().st_size)])
    if shards and fault == "lost file":
        dice.choice(shards).unlink()


def _run(fault: str, source: Path, out: Path, seconds: float, dice: random.Random) -> None:
    """Run the command, do it the harm, and hold what it says and its status against the fault."""
    process = subprocess.Popen(
        command(source, out),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    if fault == "full disk":
        limit = dice.randint(100_000, 1_500_000)  # bytes; a shard has 1.6 MB
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (limit, limit))
    if fault in PROCESSES:
        time.sleep(dice.uniform(0.0, seconds))
        kill(process.pid, fault, dice)
    try:
        said, _ = process.communicate(timeout=ANSWERS_S)
    except subprocess.TimeoutExpired:
        process.kill()
        raise AssertionError(f"{fault}: the run has not ended after {ANSWERS_S:.0f} s") from None
    status = process.returncode
    # done, with rejects; an error that is said; killed itself; ended by Ray, whose own processes are gone
    assert status in (4, 2, -9, 1), f"{fault}: status {status}: {said}"
    if status == 2:
        assert "error: " in said, said
    if status == 1:
        assert fault in ("raylet", "head", "agent"), f"{fault}: {said}"
        assert any(text in said for text in RAY_ENDS), f"{fault}: {said}"
    if fault == "endless crystal":
        assert status == 4, said
        assert "worker-died 1)" in said, said


def kill(pid: int, fault: str, dice: random.Random) -> None:
    """Kill the run ``pid`` or one of its processes that ``fault`` is of; none if there is none (yet)."""
    with contextlib.suppress(psutil.NoSuchProcess):
        run = psutil.Process(pid)
        if fault == "driver":
            run.kill()
            return
        found = []
        for child in run.children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess, IndexError):
                title = child.cmdline()[0]
                if PROCESSES[fault] in title and (fault == "agent") == (title in AGENTS):
                    found.append(child)
        if found:
            dice.choice(sorted(found, key=lambda child: child.pid)).kill()


def rounds(folder: Path, faults: Iterator[str], seed: int, entries: int = ENTRIES) -> Iterator[str]:
    """Strike with each of ``faults`` in turn, look at the bytes of ``entries`` inputs in the end; yields what was done.

    Raises:
        AssertionError: something was lost, doubled or changed.
    """
    dice, looks = random.Random(seed), random.Random(seed)
    source = write_table(folder / "crystals.csv", entries, bad_every=97)
    begun = time.monotonic()
    done = subprocess.run(command(source, folder / "whole"), capture_output=True, text=True, check=False)
    seconds = time.monotonic() - begun
    assert done.returncode == 4, done.stderr
    whole, out = contents(folder / "whole"), folder / "struck"

    def look(after: str) -> None:
        done = subprocess.run(command(source, out), capture_output=True, text=True, check=False)
        assert done.returncode == 4, f"after {after}: {done.stderr}"
        found = contents(out)
        wrong = [name for name in whole.keys() | found.keys() if whole.get(name) != found.get(name)]
        assert not wrong, f"after {after}: {wrong} differ from those of the undisturbed run"

    after = "nothing"
    for number, fault in enumerate(faults):
        strike(fault, source, out, seconds, dice, entries)
        after = f"round {number}, {fault}"
        if looks.random() < 0.5:  # else the next fault comes on top of this one
            look(after)
            if looks.random() < 0.7:
                for path in out.iterdir():
                    path.unlink()
        yield fault
    look(after)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--hours", type=float, default=1.0)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    end = time.monotonic() + 3600 * given.hours
    dice = random.Random(given.seed)
    faults = itertools.takewhile(
        lambda _: time.monotonic() < end, (dice.choice(FAULTS) for _ in itertools.count())
    )
    with tempfile.TemporaryDirectory() as folder:
        for number, fault in enumerate(rounds(Path(folder), faults, given.seed), start=1):
            print(f"{number}: {fault}", flush=True)
    print("no crystal was lost, doubled or changed")


if __name__ == "__main__":
    main()
