"""Computes the learning rate at each step of a run."""

import math
from typing import Final

from hpcvox.training.settings import TrainSettings

SCALES: Final = {"none": lambda batches: 1.0, "linear": float, "sqrt": math.sqrt}
"""The factor of the learning rate, as a function of the number of batches in a step."""


def learning_rate(settings: TrainSettings, batches: int, step: int, done: float) -> float:
    """The learning rate of a step.

    Args:
        settings: the settings of the training.
        batches: number of batches in a step, over all ranks.
        step: number of steps before this one.
        done: share of the run's samples, 0 to 1, trained on before this step.  The schedule follows it, so that it does
            not depend on the number of ranks.
    """
    rate = settings.learning_rate * SCALES[settings.scale_learning_rate](batches)
    if settings.schedule == "cosine":
        rate *= 0.5 * (1 + math.cos(math.pi * done))
    return rate * min(1.0, (step + 1) / (settings.warmup_steps + 1))
