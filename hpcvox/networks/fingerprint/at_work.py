"""Classifies crystals by their diffraction fingerprints with a trained network."""

from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from hpcvox import config
from hpcvox.errors import ConfigError
from hpcvox.featurize.settings import FREE, DiffractionSettings
from hpcvox.networks.fingerprint.card import FingerprintCard
from hpcvox.networks.fingerprint.model import ConvNet
from hpcvox.training.folder import runs

DEFECTS: Final = ("displacement", "vacancies", "substitutions")
"""Settings of a fingerprint, without those of sources, folders and defects."""


class Classifier:
    """A trained classifier, read from ``folder``, a run folder of ``hpcvox train-fingerprint``.

    Raises:
        CheckpointError: there is no such network in ``folder``.
    """

    def __init__(self, folder: Path) -> None:
        self._model, self.card = runs.load_model(folder, FingerprintCard)
        self.classes = self.card.classes

    def __call__(self, images: NDArray[np.float32]) -> list[str]:
        """The name of the class of each of ``images``, fingerprints of shape (B, n, n, 3)."""
        x = torch.from_numpy(images.transpose(0, 3, 1, 2).copy())
        with torch.inference_mode():
            said = self._model(x).argmax(1).tolist()
        names = list(self.classes)
        return [names[index] for index in said]


def build(card: FingerprintCard) -> ConvNet:
    """Build the network that a card describes; the caller loads its weights."""
    return ConvNet(card.model, card.pixels, len(card.classes))


def descriptor(card: FingerprintCard, run: str) -> DiffractionSettings:
    """The settings with which the fingerprints of a network's training were made.

    Raises:
        ConfigError: the card does not have them, because an older version of hpcvox wrote it.
    """
    if not card.descriptor:
        raise ConfigError(f"{run}: its card does not say how its fingerprints were made: train it anew")
    kept = {key: value for key, value in card.descriptor.items() if key not in FREE}
    settings = config.validate(DiffractionSettings, kept, f"the card of {run}")
    return settings.model_copy(update=dict.fromkeys(DEFECTS, 0.0))
