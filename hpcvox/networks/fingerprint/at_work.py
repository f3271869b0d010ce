"""Classifies crystals by their diffraction fingerprints with a trained network, and says what it looks at."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray

from hpcvox import config
from hpcvox.errors import ConfigError
from hpcvox.featurize.settings import FREE, DiffractionSettings
from hpcvox.networks.fingerprint.card import FingerprintCard
from hpcvox.networks.fingerprint.explanation import Explanation, Uncertainty
from hpcvox.networks.fingerprint.model import ConvNet
from hpcvox.networks.fingerprint.responses import convolutions, responses, usual_layers
from hpcvox.training.data import DROPOUT, generator
from hpcvox.training.folder import runs

DEFECTS: Final = ("displacement", "vacancies", "substitutions")
"""Settings of a fingerprint, without those of sources, folders and defects."""


class Classifier:
    """A trained classifier, read from ``folder``, a run folder of ``hpcvox train-fingerprint``.

    Raises:
        CheckpointError: there is no such network in ``folder``.
    """

    def __init__(self, folder: Path) -> None:
        model, self.card = runs.load_model(folder, FingerprintCard)
        assert isinstance(model, ConvNet)
        self._model, self.folder = model, folder
        self.classes = self.card.classes

    def __call__(self, images: NDArray[np.float32]) -> list[str]:
        """The name of the class of each of ``images``, fingerprints of shape (B, n, n, 3)."""
        x = torch.from_numpy(images.transpose(0, 3, 1, 2).copy())
        with torch.inference_mode():
            said = self._model(x).argmax(1).tolist()
        names = list(self.classes)
        return [names[index] for index in said]

    def probabilities(self, images: Sequence[NDArray[np.float32]]) -> NDArray[np.float64]:
        """The probability of each class, (B, classes), for fingerprints of shape (n, n, 3) each."""
        said = [torch.softmax(logits[0], 0).numpy() for logits in self._logits(images)]
        return np.array(said, np.float64).reshape(len(images), len(self.classes))

    @property
    def has_dropout(self) -> bool:
        """Whether it was trained with dropout, as :meth:`uncertainty` needs."""
        return self._model.dropout > 0

    def layers(self, wanted: Sequence[int] | None) -> tuple[int, ...]:
        """The convolutions that are ``wanted``, by their numbers from 1; None: the first, the third and the last.

        Raises:
            ConfigError: there is no such convolution.
        """
        count = convolutions(self._model)
        if wanted is None:
            return usual_layers(count)
        if unknown := [layer for layer in wanted if not 1 <= layer <= count]:
            raise ConfigError(
                f"layers: {self.folder} has {count} convolutions, and {unknown[0]} is none of them: give 1 to {count}"
            )
        return tuple(dict.fromkeys(wanted))

    def explain(self, image: NDArray[np.float32], layers: Sequence[int] | None, filters: int) -> Explanation:
        """What the network says of ``image``, a fingerprint of shape (n, n, 3), and what it looks at.

        Args:
            layers: see :meth:`layers`.
            filters: how many filters of each layer, the most active ones.

        Raises:
            ConfigError: there is no such layer.
        """
        found = responses(self._model, image, self.layers(layers), filters)
        (logits,) = self._logits([image])
        said = dict(zip(self.classes, torch.softmax(logits[0], 0).tolist(), strict=True))
        return Explanation(image, said, found.layers, found.template)

    def without(self, seen: Explanation, share: float, at: NDArray[np.float32]) -> float:
        """The probability of the class that was named, once a share of the light is gone from the fingerprint.

        Args:
            share: of the sum of all pixels; those that are made dark have at least so much.
            at: (n, n, 3); the pixels where it is highest go first.
        """
        order = np.argsort(-at, axis=None, kind="stable")
        gone = np.cumsum(seen.fingerprint.ravel()[order], dtype=np.float64)
        image = seen.fingerprint.copy()
        np.put(image, order[: np.searchsorted(gone, share * gone[-1]) + 1], 0)
        (logits,) = self._logits([image])
        return float(torch.softmax(logits[0], 0)[list(seen.probabilities).index(seen.ranked[0])])

    def uncertainty(self, images: Sequence[NDArray[np.float32]], draws: int, seed: int) -> Uncertainty:
        """What the network says of fingerprints, (n, n, 3) each, while dropout removes features.

        It does so ``draws`` times, from ``seed``.  All fingerprints have the same draws, so that what is said of one
        does not depend on the others.

        Raises:
            ConfigError: the network was trained without dropout.
        """
        model = self._model
        if not self.has_dropout:
            raise ConfigError(
                f"{self.folder} was trained without dropout, which the draws need: train it with model.dropout=0.25"
            )
        kept = np.stack([generator(seed, DROPOUT, draw).random(model.features) for draw in range(draws)])
        drawn = self._logits(images, torch.from_numpy(kept >= model.dropout))
        each = np.array([torch.softmax(logits, 1).numpy() for logits in drawn])
        each = each.reshape(len(images), draws, len(self.classes))
        mean = each.mean(1)
        entropy = _entropy(mean)
        return Uncertainty(mean, entropy, np.maximum(entropy - _entropy(each).mean(1), 0.0))

    def _logits(
        self, images: Sequence[NDArray[np.float32]], kept_DF: torch.Tensor | None = None
    ) -> Iterator[torch.Tensor]:
        """The logits, (D, classes) float64, of each fingerprint: one row, or one for each draw of dropout."""
        for image in images:
            with torch.inference_mode():
                features = self._model.body(torch.from_numpy(image.transpose(2, 0, 1)[None].copy()))
                yield self._model.classified(features, kept_DF).double()


def _entropy(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    """The entropy, in nats, of distributions along the last axis."""
    logarithms = np.log(np.where(probabilities > 0, probabilities, 1.0))
    entropy: NDArray[np.float64] = -(probabilities * logarithms).sum(-1)
    return entropy


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
