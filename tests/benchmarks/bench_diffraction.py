"""The diffraction fingerprint of 256 atoms on one core, beside a phase sum in plain NumPy."""

import math

import gemmi
import numpy as np
from threadpoolctl import threadpool_limits

from hpcvox.descriptors import diffraction
from hpcvox.descriptors.clusters import Cell, scaled, supercell
from tests.benchmarks.bench_density import median_us

FCC = np.array([[0, 0, 0], [0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]])


def direct(positions: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """The six patterns by matrix products of phases, in double precision."""
    edge = (np.arange(64) - 31.5) * diffraction.PIXEL / diffraction.DISTANCE
    y, x = np.meshgrid(edge, edge, indexing="ij")
    direction = np.stack([x, y, np.ones_like(x)], -1).reshape(-1, 3)
    length = np.linalg.norm(direction, axis=1)
    q = 2 * math.pi / diffraction.WAVELENGTH * (direction / length[:, None] - [0, 0, 1])
    s2 = (q**2).sum(1) / (4 * math.pi) ** 2
    out = []
    for turn in diffraction._turns():
        wave = np.zeros(len(q), complex)
        for number in np.unique(numbers):
            table = gemmi.Element(int(number) + diffraction.SHIFT).it92
            factor = sum(a * np.exp(-b * s2) for a, b in zip(table.a, table.b, strict=True)) + table.c
            wave += factor * np.exp(-1j * (q @ (turn @ positions[numbers == number].T))).sum(1)
        out.append((np.abs(wave) ** 2 / length**3).reshape(64, 64))
    return np.array(out)


def measure() -> list[dict[str, object]]:
    """``fingerprint_ms``: six patterns and the image; ``fingerprint_vs_direct``: how many times as fast."""
    cell = Cell(np.eye(3) * 4.05, FCC, np.array([13, 13, 29, 29], np.uint8))
    cluster = scaled(supercell(cell))
    assert len(cluster.numbers) == 256
    mine, exact = diffraction.patterns(*cluster), direct(*cluster)
    assert np.abs(mine - exact).max() < 1e-5 * exact.max()
    with threadpool_limits(1):
        value = median_us(lambda: diffraction.fingerprint(*cluster), 100) / 1e3
        peer = median_us(lambda: direct(*cluster), 3) / 1e3
    return [
        {
            "name": "fingerprint_ms",
            "value": value,
            "unit": "ms",
            "peer": peer,
            "ratio": value / peer,
            "limit": 10,
        },
        {"name": "fingerprint_vs_direct", "value": peer / value, "unit": "times", "limit": 2},
    ]
