"""What a training leaves, by name, and what a trained model says of itself: the card beside its weights."""

import json
from pathlib import Path
from typing import Any

from hpcvox.errors import CheckpointError

WEIGHTS, CARD = "model.safetensors", "model.json"
METRICS = "metrics.jsonl"
"""Figures of every epoch."""

EXAMPLES = "examples.npz"
"""A VAE's: densities of held-out crystals before and after."""

PRIOR = "prior.safetensors"
"""A VAE's: a Gaussian for each condition, fitted to the latent points of the training samples."""

HELD_OUT = "held_out.csv"
"""A CGCNN's: what it says of held-out crystals."""


def read_card(folder: Path) -> dict[str, Any]:
    """What the run in ``folder`` says of its model.

    Raises:
        CheckpointError: there is none.
    """
    try:
        card: dict[str, Any] = json.loads((folder / CARD).read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise untrained(folder, error) from None
    return card


def untrained(folder: Path, error: Exception) -> CheckpointError:
    return CheckpointError(
        f"{folder} holds no trained model ({error}): it is written after the first epoch of a training"
    )
