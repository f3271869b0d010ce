"""The whole pipeline, killed in every stage and run again: it ends with what an undisturbed one makes."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from training_shards import SMALL_UNET, SMALL_VAE

from hpcvox.pipeline import STAGES

CONFIG = Path(__file__).parent.parent / "configs" / "pipeline.yaml"
SMALL = [
    "database.size=100",
    "database.energy=ewald",
    "featurize.voxels=16",
    "featurize.entries_per_shard=16",
    *(f"train_{net}.{s}" for net in ("unet", "vae") for s in ("epochs=2", "threads=1", "checkpoint_steps=4")),
    f"train_unet.{SMALL_UNET}",
    f"train_vae.{SMALL_VAE}",
    "evaluate.limit=4",
    "generate.per_condition=3",
]


def start(out):
    return subprocess.Popen(
        [sys.executable, "-m", "hpcvox", "pipeline", CONFIG, f"out={out}", *SMALL],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def finish(process):
    said = process.communicate(timeout=600)[0]
    assert process.returncode == 0, said
    return said


@pytest.mark.slow
@pytest.mark.timeout(1800)  # eight runs of seven stages
def test_killed_in_every_stage_it_ends_as_if_undisturbed(tmp_path):
    whole = finish(start(tmp_path / "whole"))
    assert whole.strip().splitlines()[-1] == f"open {tmp_path}/whole/report/report.html"
    out = tmp_path / "killed"
    for stage, number in zip(STAGES, [signal.SIGKILL, signal.SIGTERM, signal.SIGINT] * 3, strict=False):
        process = start(out)
        assert process.stdout is not None
        header = f"] {stage.name.replace('_', '-')}\n"
        for line in process.stdout:
            if line.endswith(header):
                break
        time.sleep(1.5)  # somewhere within the stage; where does not matter
        os.kill(process.pid, number)
        process.communicate(timeout=120)
    finish(start(out))
    for name in (
        "database/crystals.csv",
        "unet/model.safetensors",
        "vae/model.safetensors",
        "generated/candidates.csv",
    ):
        assert (out / name).read_bytes() == (tmp_path / "whole" / name).read_bytes(), name
    for shard in sorted((tmp_path / "whole" / "shards").glob("*.h5")):
        assert (out / "shards" / shard.name).read_bytes() == shard.read_bytes()
    assert (out / "report" / "report.html").exists()


def test_folders_of_stages_cannot_be_set_apart(tmp_path):
    process = subprocess.run(
        [sys.executable, "-m", "hpcvox", "pipeline", f"out={tmp_path}", "featurize.out=/elsewhere"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert process.returncode == 2
    assert re.search(r"featurize\.out: a pipeline keeps its folders below out=", process.stderr)
