"""Settings of ``hpcvox evaluate``."""

from pathlib import Path

from pydantic import Field

from hpcvox.generation.settings import NetworkSettings, PlacementSettings


class EvaluateSettings(NetworkSettings):
    """``evaluate``: held-out crystals through the networks and back."""

    shards: Path = Field(
        Path("runs/shards"), description="shard set whose held-out crystals are reconstructed"
    )
    out: Path = Field(Path("runs/evaluation"), description="folder for metrics.json and per_crystal.csv")
    limit: int = Field(0, ge=0, description="held-out crystals used, evenly spread; 0 = all")
    placement: PlacementSettings = Field(PlacementSettings(), description="how voxels become atoms")
