"""Settings of ``hpcvox statistics``."""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from hpcvox.config import Settings
from hpcvox.inputs import Input
from hpcvox.shared_settings import HeldOutFraction

_SHARDS = Input("`hpcvox featurize` makes it")


class StatisticsSettings(Settings):
    """hpcvox statistics: compute means, deciles and counts of elements over the training samples of a shard set.

    A training uses them if it has the same seed and held_out_fraction.

    Examples:
      hpcvox statistics shards=runs/shards
      mpirun -np 8 hpcvox statistics shards=runs/shards
      sbatch slurm/statistics.sh shards=runs/shards
    """

    shards: Annotated[Path, _SHARDS] = Field(
        Path("runs/shards"), description="shard set, into which statistics.json is written"
    )
    held_out_fraction: HeldOutFraction = 0.2
    seed: int = Field(0, ge=0, description="seed of the split, the same as in the training")
    stall_s: float = Field(
        600.0, gt=0, description="seconds that a rank may keep the others waiting; then all ranks end"
    )
