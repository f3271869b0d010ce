"""What a network of fingerprints says of one, what it looks at, and how sure it is; imports no PyTorch."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class LayerMaps(NamedTuple):
    """What the most active filters of a convolution respond to; filters that do not respond at all are left out."""

    layer: int  # number of the convolution; 1: the first
    filters: NDArray[np.int64]  # (k,) | numbers of the filters from 0, the most active first
    activations: NDArray[np.float32]  # (k,) | sum of each one's activation over the image
    maps: NDArray[
        np.float32
    ]  # (k, n, n, 3) | above 0 where light raises the response, below 0 where it lowers it


class Explanation(NamedTuple):
    """A fingerprint, what a network says of it, and what it looks at: attentive response maps."""

    fingerprint: NDArray[np.float32]  # (n, n, 3) | 0 to 1
    probabilities: dict[str, float]  # of each class, in the order of the network
    layers: tuple[LayerMaps, ...]  # what the most active filters of some convolutions respond to
    template: NDArray[np.float32]  # (n, n, 3) | sum of the maps of all filters of the last convolution

    @property
    def ranked(self) -> list[str]:
        """The classes, the most probable first."""
        return sorted(self.probabilities, key=lambda name: -self.probabilities[name])


class Uncertainty(NamedTuple):
    """What a network says of N fingerprints while dropout removes features at random (Leitherer et al. 2021)."""

    probabilities: NDArray[np.float64]  # (N, classes) | mean over the draws
    entropy: NDArray[np.float64]  # (N,) | of that mean, in nats; 0: sure, ln(classes): knows nothing
    mutual_information: NDArray[np.float64]  # (N,) | in nats; how much the draws contradict each other
