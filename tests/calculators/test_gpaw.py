"""What is held fixed of an element in GPAW's fields."""

import numpy as np
import pytest

from hpcvox.calculators.gpaw import MOMENTS, VALENCE, moments, valence
from hpcvox.errors import Rejected


def test_valence_counts_are_fixed() -> None:
    assert valence(np.array([28, 8, 8], np.uint8)) == {"Ni": (1, 16), "O": (2, 6)}
    assert (VALENCE["Cr"], VALENCE["Mn"], VALENCE["Fe"], VALENCE["Mg"]) == (6, 15, 8, 10)
    assert len(VALENCE) == 83
    assert set(MOMENTS) <= set(VALENCE)
    with pytest.raises(Rejected, match="no PAW data set of Pu"):
        valence(np.array([94, 8], np.uint8))


def test_magnetic_elements_start_ferromagnetic() -> None:
    assert moments(np.array([26, 8], np.uint8)) == [MOMENTS["Fe"], 0.0]
    assert moments(np.array([12, 8], np.uint8)) == []
    assert moments(np.array([26, 8], np.uint8), "off") == []
