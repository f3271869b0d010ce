"""The order of an epoch: a permutation of the training samples, which is computed where there are many of them.

A computed order keeps nothing: each place is enciphered by a generalised Feistel network over a domain of at least n
numbers (Black and Rogaway, "Ciphers with arbitrary finite domains", CT-RSA 2002), and results that are too large are
enciphered again, until one is not (cycle walking).  So it is exactly a permutation, and any rank gets any part of it.
"""

import math
from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray

Order = Callable[[NDArray[np.int64]], NDArray[np.int64]]
"""Takes places in an epoch, (B,) int64, and returns which sample comes there, (B,) int64."""

STORED, COMPUTED = "stored", "computed"
KINDS: Final = (STORED, COMPUTED)
"""How a run has its orders: drawn as a whole and kept for the epoch, or computed place by place."""

FEW: Final = 2**18
"""Up to so many samples an order is drawn as a whole: in 4 ms, and all orders are equally likely."""

ROUNDS: Final = 10
"""As many as the standard for ciphers on small domains has (NIST SP 800-38G, FF1)."""


def kind_for(n: int) -> str:
    """How a new run of ``n`` training samples has its orders."""
    return STORED if n <= FEW else COMPUTED


def order_of(kind: str, n: int, random: np.random.Generator) -> Order:
    """The order of an epoch of ``n`` samples that ``random`` draws; ``kind`` is one of :data:`KINDS`."""
    if kind == COMPUTED:
        return Permutation(n, random)
    whole: NDArray[np.int64] = random.permutation(n)
    return whole.__getitem__


class Permutation:
    """A permutation of 0 to n - 1 that is computed from a few keys, in either direction.

    A number is a pair (left, right) of numbers below ``a`` and ``b``, a·b ≥ n.  Each round adds to one of the two a
    hash of the other.  Fewer than √n + 1 pairs lie beyond n, so that nearly all places are enciphered once.
    """

    def __init__(self, n: int, random: np.random.Generator) -> None:
        self.n = n
        a = math.isqrt(max(n - 1, 0)) + 1
        self._sides = np.uint64(a), np.uint64(-(-n // a) or 1)
        self._keys = random.integers(2**64, size=ROUNDS, dtype=np.uint64)

    def __call__(self, places: NDArray[np.int64]) -> NDArray[np.int64]:
        """The number at each of ``places``, which are 0 to n - 1."""
        return self._walked(places, self._enciphered)

    def inverse(self, numbers: NDArray[np.int64]) -> NDArray[np.int64]:
        """The place of each of ``numbers``, which are 0 to n - 1."""
        return self._walked(numbers, self._deciphered)

    def _walked(
        self, values: NDArray[np.int64], step: Callable[[NDArray[np.uint64]], NDArray[np.uint64]]
    ) -> NDArray[np.int64]:
        out = step(np.asarray(values).astype(np.uint64))
        while (beyond := np.flatnonzero(out >= self.n)).size:
            out[beyond] = step(out[beyond])
        return out.astype(np.int64)

    def _joined(self, left: NDArray[np.uint64], right: NDArray[np.uint64]) -> NDArray[np.uint64]:
        return left * self._sides[1] + right

    def _enciphered(self, values: NDArray[np.uint64]) -> NDArray[np.uint64]:
        halves = list(np.divmod(values, self._sides[1]))
        for number, key in enumerate(self._keys):
            turn = number % 2
            side = self._sides[turn]
            moved = halves[turn] + _hash(halves[1 - turn], key, side)
            halves[turn] = np.where(moved >= side, moved - side, moved)
        return self._joined(*halves)

    def _deciphered(self, values: NDArray[np.uint64]) -> NDArray[np.uint64]:
        halves = list(np.divmod(values, self._sides[1]))
        for number in reversed(range(ROUNDS)):
            turn = number % 2
            side = self._sides[turn]
            moved = halves[turn] + (side - _hash(halves[1 - turn], self._keys[number], side))
            halves[turn] = np.where(moved >= side, moved - side, moved)
        return self._joined(*halves)


def _hash(values: NDArray[np.uint64], key: np.uint64, below: np.uint64) -> NDArray[np.uint64]:
    """A number below ``below`` for each value: the finaliser of SplitMix64 (Steele et al. 2014), scaled down."""
    mixed = values * np.uint64(0x9E3779B97F4A7C15) + key
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return ((mixed >> np.uint64(32)) * below) >> np.uint64(32)
