"""A campaign of two rounds, killed at random moments and run again: it ends with what an undisturbed one makes."""

import csv
import hashlib
import os
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest

from hpcvox import config
from hpcvox.errors import ConfigError
from hpcvox.rounds.job import run
from hpcvox.rounds.settings import CampaignSettings
from hpcvox.rounds.status import status
from hpcvox.rounds.summary import Find, RoundSummary
from tests.support import campaign_faults, verb_process

pytestmark = pytest.mark.timeout(2700)  # five runs of two rounds, where the machine is busy

CONFIG = campaign_faults.CONFIG
SMALL = [
    *campaign_faults.SMALL,
    "rounds=2",
    # predicting costs an actor in each round
    "models=[]",
    "final.stages=[{calculator: lj, cell: fixed, steps: 2, fmax: 1000}]",
    "final.most=2",
]
MADE = (
    "finds.csv",
    "rounds.csv",
    "round-001/training.csv",
    "round-002/training.csv",
    "round-002/kept/lost.csv",
    "final/relaxed/relaxed.csv",
)


@pytest.fixture(scope="module")
def references(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of the elements; see :func:`tests.support.campaign_faults.lay_references`."""
    return campaign_faults.lay_references(tmp_path_factory.mktemp("hull"))


def start(out: Path, references: Path) -> subprocess.Popen[str]:
    return verb_process.start("campaign", CONFIG, f"out={out}", f"references={references}", *SMALL)


def finish(process: subprocess.Popen[str]) -> str:
    return verb_process.finish(process, 1800)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, references: Path) -> tuple[Path, str, float]:
    """An undisturbed campaign, what it said, and the seconds that it took."""
    out, begun = tmp_path_factory.mktemp("campaign") / "whole", time.monotonic()
    return out, finish(start(out, references)), time.monotonic() - begun


def digests(out: Path) -> dict[str, str]:
    names = [*MADE, *(f"cifs/{path.name}" for path in sorted((out / "cifs").glob("*.cif")))]
    return {name: hashlib.sha256((out / name).read_bytes()).hexdigest() for name in names}


@pytest.mark.slow
def test_killed_at_random_moments_it_ends_as_if_undisturbed(
    tmp_path: Path, whole: tuple[Path, str, float], references: Path
) -> None:
    drawn, out = random.Random(24), tmp_path / "killed"
    for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGKILL):
        process = start(out, references)
        time.sleep(drawn.uniform(0.2, 0.8) * whole[2])
        os.kill(process.pid, number)
        process.communicate(timeout=120)
    finish(start(out, references))
    assert digests(out) == digests(whole[0])


@pytest.mark.slow
def test_what_it_said_stands_in_its_tables(whole: tuple[Path, str, float]) -> None:
    out, said, _ = whole
    with (out / "finds.csv").open(newline="") as file:
        finds = list(csv.DictReader(file))
    rounds = [RoundSummary.load(out / f"round-{number:03d}" / "kept") for number in (1, 2)]
    assert [one.finds for one in rounds if one is not None] == [
        sum(row[Find.ROUND] == number for row in finds) for number in ("1", "2")
    ]
    assert (
        f"campaign: {len(finds)} finds within 1000 eV/atom of the hull, from 12 samples in 2 rounds" in said
    )
    parents = {row[Find.ROUND]: row[Find.PARENT] for row in finds}
    assert parents == {"1": "perovskites", "2": "round-001/vae"}
    assert {path.stem for path in (out / "cifs").glob("*.cif")} == {row[Find.ID] for row in finds}
    assert len({(row[Find.CHECKSUM], row[Find.SEED], row[Find.CANDIDATE]) for row in finds}) == len(finds)
    with (out / "final" / "relaxed" / "relaxed.csv").open(newline="") as file:
        chosen = [row["id"] for row in csv.DictReader(file)]
    best = sorted(finds, key=lambda row: (float(row[Find.ABOVE]), row[Find.ID]))[:2]
    assert sorted(chosen) == sorted(row[Find.ID] for row in best)
    assert "final selection: 2 finds by lj: " in said
    told = status(out).summary
    assert "it ends because rounds=2 are done" in told
    assert told.count("its training is done") == 2


@pytest.mark.slow
def test_run_again_nothing_is_done_again(whole: tuple[Path, str, float], references: Path) -> None:
    out, said, _ = whole
    before = {path: path.stat().st_mtime_ns for path in out.glob("round-*/*/*.csv")}
    final, *again = finish(start(out, references)).splitlines()
    assert final.endswith("failed 0, kept 2"), (
        "it looks whether the final selection is still that of the finds"
    )
    assert again == said[said.index("\ncampaign:") :].splitlines()
    assert {path: path.stat().st_mtime_ns for path in before} == before


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["generate.out=/else"], "generate.out: a campaign sets that itself"),
        (["train_vae.initial=perovskites"], "train_vae.initial: a campaign sets that itself"),
        (["generate.conditions=[10]"], "generate.conditions: perovskites has no condition 10: valid: 0 to 9"),
        (["relax.stages=[emt]"], "has no energies by emt"),
    ],
)
def test_what_a_step_would_be_refused_for_is_told_at_once(
    tmp_path: Path, given: list[str], said: str
) -> None:
    out = tmp_path / "out"
    with pytest.raises(ConfigError, match=said.replace("(", r"\(")):
        run(config.load(CampaignSettings, None, [f"out={out}", *given]))
    assert not out.exists()
