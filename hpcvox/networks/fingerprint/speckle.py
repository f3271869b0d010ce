"""Speckle of diffraction images: the random brightness of pixels that coherent light has on a disordered sample."""

import numpy as np
from numpy.typing import NDArray


def speckled(image: NDArray[np.float32], contrast: float, random: np.random.Generator) -> NDArray[np.float32]:
    """``image`` with speckle, scaled so that its brightest pixel is 1 again.

    Each pixel is multiplied by a number of its own from the gamma distribution of mean 1 and standard deviation
    ``contrast``, which is the intensity of partially developed speckle (Goodman, Speckle Phenomena in Optics, 2007,
    section 3.6.1); at contrast 1 it is exponential.  Dark pixels stay dark.

    Args:
        image: a fingerprint, (n, n, 3), values 0 to 1.
        contrast: standard deviation of a pixel's brightness over its mean, above 0.
        random: draws the numbers.
    """
    shape = contrast**-2
    bright: NDArray[np.float32] = image * random.gamma(shape, 1 / shape, image.shape).astype(np.float32)
    most = bright.max()
    return bright / most if most > 0 else bright
