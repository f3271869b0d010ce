"""A study by array tasks of a real SLURM: workers on both nodes, trials of two ranks, sent back to the queue once."""

from pathlib import Path

import pytest
from optuna.trial import TrialState
from training_shards import SMALL_UNET, make_shards

from hpcvox.studies.study import ATTEMPT, Study

ROOT = Path(__file__).resolve().parent.parent
TRIALS = 4

pytestmark = [pytest.mark.slurm, pytest.mark.slow]


def test_workers_of_an_array_share_a_study(lab, tmp_path):
    make_shards(tmp_path / "shards")
    given = [
        SMALL_UNET.replace("model=", "settings.model="),
        *("settings.epochs=30", "settings.batch_size=6", "settings.threads=1", "settings.species_voxels=64"),
        *(
            "settings.shards=shards",
            "out=study",
            f"trials={TRIALS}",
            "ranks=2",
            "pruner=none",
            "heartbeat_s=10",
        ),
    ]
    job = lab.sbatch("--array=1-2", str(ROOT / "slurm/study.sh"), *given, cwd=tmp_path)
    log = tmp_path / f"slurm-study-{job}.out"
    lab.until(lambda: len(list((tmp_path / "study/trials").glob("*/run/metrics.jsonl"))) >= 2, job, log)
    lab.signal(job, "USR1")  # of every task of the array
    lab.until(lambda: "back into the queue" in said(tmp_path), job, log)
    assert set(lab.wait([job], timeout=400)) == {"COMPLETED"}, said(tmp_path)
    study = Study.open(tmp_path / "study")
    assert [trial.state for trial in study.trials] == [TrialState.COMPLETE] * TRIALS
    assert all(trial.state.is_finished() for trial in study.optuna.trials)
    assert any(trial.user_attrs.get(ATTEMPT, 1) > 1 for trial in study.trials), "taken up where it was"
    assert "study complete: 4 complete" in said(tmp_path)


def said(folder):
    """What all tasks of the array have said."""
    return "".join(path.read_text() for path in sorted(folder.glob("slurm-study-*.out")))
