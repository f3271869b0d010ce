"""Settings of ``hpcvox evaluate``."""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from hpcvox.config import Overwrite
from hpcvox.generation.settings import NetworkSettings, PlacementSettings
from hpcvox.inputs import Input


class EvaluateSettings(NetworkSettings):
    """hpcvox evaluate: encode and decode held-out crystals with the networks, and measure the errors.

    Examples:
      hpcvox evaluate configs/evaluate.yaml limit=200
    """

    shards: Annotated[Path, Input("`hpcvox featurize` makes it")] = Field(
        Path("runs/shards"), description="shard set whose held-out crystals are reconstructed"
    )
    out: Path = Field(Path("runs/evaluation"), description="folder for metrics.json and per_crystal.csv")
    overwrite: Overwrite = False
    limit: int = Field(
        0, ge=0, description="use this many held-out crystals, evenly spread over the set; 0: all"
    )
    placement: PlacementSettings = Field(PlacementSettings(), description="how voxels are turned into atoms")

    makes = ("metrics.json", "per_crystal.csv", "parts")

    def may_change(self) -> frozenset[str]:
        """See :class:`hpcvox.config.Settings`."""
        return frozenset({"threads", "device", "limit"})
