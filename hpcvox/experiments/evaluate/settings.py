"""Settings of ``hpcvox evaluate``."""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from hpcvox.generation.settings import NetworkSettings, PlacementSettings
from hpcvox.inputs import Input


class EvaluateSettings(NetworkSettings):
    """hpcvox evaluate: held-out crystals through the networks and back, and how far off they come out.

    Examples:
      hpcvox evaluate configs/evaluate.yaml limit=200
    """

    shards: Annotated[Path, Input("`hpcvox featurize` makes it")] = Field(
        Path("runs/shards"), description="shard set whose held-out crystals are reconstructed"
    )
    out: Path = Field(Path("runs/evaluation"), description="folder for metrics.json and per_crystal.csv")
    limit: int = Field(0, ge=0, description="held-out crystals used, evenly spread over the set; 0: all")
    placement: PlacementSettings = Field(PlacementSettings(), description="how voxels become atoms")
