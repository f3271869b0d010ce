"""R3DVS of a 64³ field on one core, beside the bare FFT of the field."""

import numpy as np
from scipy import fft
from threadpoolctl import threadpool_limits

from hpcvox.descriptors.r3dvs import diffraction_spots, voxels
from tests.benchmarks.bench_density import median_us

LATTICE = np.array([[5.6, 0, 0], [0.4, 5.9, 0], [0.2, -0.3, 6.1]])


def measure() -> list[dict[str, object]]:
    """``r3dvs_vs_fft``: field → 32³ amplitudes over ``scipy.fft.rfftn``, which is the least that it takes."""
    field = np.random.default_rng(0).random((1, 64, 64, 64))

    def ours() -> None:
        voxels(diffraction_spots(field, LATTICE))

    ours()
    with threadpool_limits(1):
        value, bare = median_us(ours, 100), median_us(lambda: fft.rfftn(field, axes=(1, 2, 3)), 100)
    figures = {"peer": bare / 1e3, "ratio": value / bare, "unit": "ms"}
    return [
        {"name": "r3dvs_ms", "value": value / 1e3, **figures},
        {"name": "r3dvs_vs_fft", "value": value / bare, "unit": "", "limit": 1.5},
    ]
