"""The trainings, ``train-…``: on this process, or on as many as ``ranks`` says.

Neither PyTorch nor Horovod is loaded by the process that launches the others.
"""

import importlib
from collections.abc import Callable
from typing import Any

from hpcvox import config
from hpcvox.launcher import is_elastic, launched_ranks, require_joined
from hpcvox.outcome import Outcome
from hpcvox.shards.manifest import Manifest
from hpcvox.training import finished, launch
from hpcvox.training.settings import (
    TrainCGCNNSettings,
    TrainFingerprintSettings,
    TrainR3DVSSettings,
    TrainSettings,
    TrainUNetSettings,
    TrainVAESettings,
)


def train_unet(settings: TrainUNetSettings) -> Outcome:
    """Train the UNet; resumes where ``out`` already holds a part of this run."""
    return _train("unet", settings)


def train_vae(settings: TrainVAESettings) -> Outcome:
    """Train the VAE against the features of a trained UNet; resumes likewise."""
    return _train("vae", settings)


def train_r3dvs(settings: TrainR3DVSSettings) -> Outcome:
    """Train the voxel network on rotated R3DVS; resumes likewise."""
    return _train("r3dvs", settings)


def train_fingerprint(settings: TrainFingerprintSettings) -> Outcome:
    """Train the network of diffraction fingerprints; resumes likewise."""
    return _train("fingerprint", settings)


def train_cgcnn(settings: TrainCGCNNSettings) -> Outcome:
    """Train the CGCNN on one target; resumes likewise."""
    return _train("cgcnn", settings)


def _train(name: str, settings: TrainSettings) -> Outcome:
    if launched_ranks() == 1 and not is_elastic() and not launch.joins_by_slurm(settings.backend):
        require_joined(1)
        if (said := finished.summary(settings)) is not None:
            return Outcome(f"nothing to do: {said}")
        if settings.ranks > 1:
            return _launch(f"train-{name}", settings)
    run: Callable[[TrainSettings, Any], Outcome] = importlib.import_module("hpcvox.training.rank").run
    return run(settings, importlib.import_module(f"hpcvox.training.{name}_task").RECIPE)


def _launch(verb: str, settings: TrainSettings) -> Outcome:
    Manifest.load(settings.shards)  # refuse a wrong path before ranks are started
    settings.out.mkdir(parents=True, exist_ok=True)
    path = settings.out / "launch.yaml"
    config.save(settings, path)
    # rank 0 says the last line
    return Outcome("", launch.run_ranks(verb, path, settings.ranks, settings.backend))
