"""The learning rate over a run."""

import math
from typing import Final

from hpcvox.training.settings import TrainSettings

SCALES: Final = {"none": lambda batches: 1.0, "linear": float, "sqrt": math.sqrt}
"""What it is multiplied by, given the batches that make a step."""


def learning_rate(settings: TrainSettings, batches: int, step: int, done: float) -> float:
    """Of the step after ``step`` others.

    Args:
        batches: of all ranks, whose gradients make a step.
        done: share of the run's samples, 0 to 1, trained on before it: the schedule goes by them, whatever the
            number of ranks.
    """
    rate = settings.learning_rate * SCALES[settings.scale_learning_rate](batches)
    if settings.schedule == "cosine":
        rate *= 0.5 * (1 + math.cos(math.pi * done))
    return rate * min(1.0, (step + 1) / (settings.warmup_steps + 1))
