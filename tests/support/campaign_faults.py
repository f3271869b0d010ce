"""Kills at random moments of a campaign: ``python -m tests.support.campaign_faults --kills 30``.

A small campaign of some rounds is killed, and the same command is run again, which is killed, too, and so on.  When
one comes to its end all the same, its tables and crystals must be those of a campaign that nothing happened to, and
the next one begins.
"""

import argparse
import contextlib
import hashlib
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

from hpcvox.crystals.elements import SYMBOLS
from tests.support import verb_process
from tests.support.paths import ROOT

CONFIG = ROOT / "configs" / "campaign.yaml"
SMALL = (
    *("samples=6", "replayed=10", "repeat=2", "keep=1000"),
    *("generate.conditions=[0]", "generate.threads=1"),
    "relax.stages=[{calculator: lj, cell: fixed, steps: 3, fmax: 1000}]",
    *("train_vae.epochs=1", "train_vae.batch_size=16", "train_vae.threads=1", "train_vae.ranks=1"),
    *("train_vae.held_out_fraction=0.2", "train_vae.flow_steps=50"),
    *("judge.actors=1", "relax.actors=1", "featurize.actors=1"),
)
"""Settings of a campaign that takes a minute a round; its potential says nothing about real crystals."""
LONGEST_S = 3600.0
"""No run takes so long, on a busy machine either."""
ENDS_S = 120.0
"""The processes of a run that was killed must have ended after so long."""


def lay_references(folder: Path) -> Path:
    """Write a table of the elements at 0 eV/atom: on what Lennard-Jones says of them nothing depends here."""
    path = folder / "references.csv"
    path.write_text("formula,energy\n" + "".join(f"{symbol},0\n" for symbol in SYMBOLS[1:95]))
    return path


def digests(out: Path) -> dict[str, str]:
    """SHA-256 of the tables and of the crystals of a campaign, by their names."""
    names = [
        out / "finds.csv",
        out / "rounds.csv",
        *out.glob("cifs/*.cif"),
        *out.glob("round-*/training.csv"),
    ]
    names += out.glob("round-*/kept/*.csv")
    return {str(one.relative_to(out)): hashlib.sha256(one.read_bytes()).hexdigest() for one in sorted(names)}


def kills(folder: Path, number: int, rounds: int, seed: int) -> Iterator[str]:
    """Kill a campaign of ``rounds`` rounds ``number`` times; yield where each kill struck.

    Raises:
        AssertionError: a campaign ended with other bytes, a run failed, or left processes behind.
    """
    dice = random.Random(seed)
    references = lay_references(folder)
    out = folder / "campaign"
    given = (f"out={out}", f"references={references}", f"rounds={rounds}", "min_gain=0", *SMALL)
    begun = time.monotonic()
    verb_process.finish(verb_process.start("campaign", CONFIG, *given), LONGEST_S)
    seconds = time.monotonic() - begun
    expected = digests(out)
    yield f"undisturbed: {seconds:.0f} s, {len(expected)} files"
    shutil.rmtree(out)
    struck = 0
    while struck < number:
        process, begun = verb_process.start("campaign", CONFIG, *given), time.monotonic()
        family = [psutil.Process(process.pid)]
        with contextlib.suppress(subprocess.TimeoutExpired):
            said, _ = process.communicate(timeout=dice.uniform(0.0, seconds))
            assert process.returncode == 0, said
            _compare(out, expected)
            shutil.rmtree(out)
            # the machine may have been busier before
            seconds = min(seconds, time.monotonic() - begun)
            yield "came to its end: the same bytes"
            continue
        with contextlib.suppress(psutil.NoSuchProcess):
            family += family[0].children(recursive=True)
        process.kill()
        said, _ = process.communicate(timeout=ENDS_S)
        left = psutil.wait_procs(family, timeout=ENDS_S)[1]
        assert not left, f"left after {ENDS_S:.0f} s: {left}"
        struck += 1
        lines = [line for line in said.splitlines() if line.startswith("[")]
        yield f"kill {struck} in {lines[-1] if lines else 'its start, or in a step that had begun before'}"
    verb_process.finish(verb_process.start("campaign", CONFIG, *given), LONGEST_S)
    _compare(out, expected)


def _compare(out: Path, expected: dict[str, str]) -> None:
    found = digests(out)
    wrong = sorted(name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name))
    assert not wrong, f"{wrong} differ from those of the undisturbed campaign"


def main() -> int:
    """Kill as often as asked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=30)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seed", type=int, default=24)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for said in kills(Path(folder), arguments.kills, arguments.rounds, arguments.seed):
            print(said, flush=True)
    print(f"{arguments.kills} kills; tables and crystals are those of the undisturbed campaign")
    return 0


if __name__ == "__main__":
    sys.exit(main())
