"""Its descriptor: how much of a crystal is of each element."""

from typing import Literal

import numpy as np
from pydantic import Field

from hpcvox.crystals.record import Crystal
from hpcvox.featurize.sampler import Arrays, Sampler
from hpcvox.featurize.settings import FeaturizeSettings
from hpcvox.shards.layout import CELL, ArraySpec


class FractionsSettings(FeaturizeSettings):
    """hpcvox featurize: crystals → shares of the elements in HDF5 shards."""

    descriptor: Literal["fractions"] = Field(
        "fractions", description="what becomes of a crystal: shares of elements"
    )
    heaviest: int = Field(118, ge=1, le=118, description="highest atomic number that has a share")


class FractionsSampler(Sampler):
    """Shares by atomic number."""

    def __init__(self, settings: FractionsSettings) -> None:
        self.size = settings.heaviest + 1
        self.arrays = (
            ArraySpec("fractions", (self.size,), "float32", "1", ("number",), "share of sites"),
            CELL,
        )

    def fill(self, crystal: Crystal, place: tuple[int, int], slot: Arrays) -> Arrays:
        """See :class:`hpcvox.featurize.sampler.Sampler`."""
        numbers = crystal.numbers[crystal.numbers < self.size]
        slot["fractions"][:] = np.bincount(numbers, minlength=self.size) / crystal.n_sites
        return {}
