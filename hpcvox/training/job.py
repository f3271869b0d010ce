"""``hpcvox train-…``: trains a network in this process, or on several ranks that it launches.

A process that launches ranks imports neither PyTorch nor Horovod.
"""

import importlib
from collections.abc import Callable
from typing import Any

from hpcvox import config
from hpcvox.files import durable
from hpcvox.process.launcher import is_elastic, launched_ranks, require_joined
from hpcvox.process.outcome import Outcome
from hpcvox.process.settings_files import LAUNCH
from hpcvox.training import before, network
from hpcvox.training.folder import finished
from hpcvox.training.ranks import launch
from hpcvox.training.settings import TrainSettings


def run(settings: TrainSettings) -> Outcome:
    """Train the network of these settings; if ``out`` holds a part of this run, go on from there."""
    trained = network.find(settings.network)
    if launched_ranks() == 1 and not is_elastic() and not launch.joins_by_slurm(settings.backend):
        require_joined(1)
        if (said := finished.summary(settings)) is not None:
            return Outcome(f"nothing to do: {said}")
        before.require_inputs(settings)
        if settings.ranks > 1:
            before.require_samples(settings, trained)
            verb = [trained.verb] if trained.name in network.known() else ["train", settings.network]
            return _launch(verb, settings)
    rank: Callable[[TrainSettings, Any], Outcome] = importlib.import_module("hpcvox.training.rank").run
    return rank(settings, trained.load("recipe"))


def _launch(verb: list[str], settings: TrainSettings) -> Outcome:
    durable.make_folder(settings.out)
    path = settings.out / LAUNCH
    config.save(settings, path)
    # rank 0 prints the last line
    return Outcome("", launch.run_ranks(verb, path, settings.ranks, settings.backend))
