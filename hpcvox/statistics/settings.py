"""Settings of ``hpcvox statistics``."""

from pathlib import Path

from pydantic import Field

from hpcvox.config import Settings


class StatisticsSettings(Settings):
    """Which samples are training samples is decided by ``seed`` and ``held_out_fraction``, as in the trainings."""

    shards: Path = Field(Path("runs/shards"), description="shard set; statistics.json is written into it")
    held_out_fraction: float = Field(0.2, gt=0, lt=1, description="share of the materials never trained on")
    seed: int = Field(0, ge=0, description="of the split; that of the training")
    stall_s: float = Field(
        600.0, gt=0, description="seconds a rank may keep the others waiting; then all end"
    )
