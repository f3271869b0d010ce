"""Settings of ``hpcvox statistics``."""

from pathlib import Path
from typing import Annotated

from pydantic import Field

from hpcvox.config import Settings
from hpcvox.inputs import Input
from hpcvox.shared_settings import HeldOutFraction

_SHARDS = Input("`hpcvox featurize` makes it")


class StatisticsSettings(Settings):
    """hpcvox statistics: means, deciles and counts of elements of the samples that are trained on, for the trainings.

    A training uses them where its seed and held_out_fraction are these.

    Examples:
      hpcvox statistics shards=runs/shards
      mpirun -np 8 hpcvox statistics shards=runs/shards
      sbatch slurm/statistics.sh shards=runs/shards
    """

    shards: Annotated[Path, _SHARDS] = Field(
        Path("runs/shards"), description="shard set; statistics.json is written into it"
    )
    held_out_fraction: HeldOutFraction = 0.2
    seed: int = Field(0, ge=0, description="of the split; that of the training")
    stall_s: float = Field(
        600.0, gt=0, description="seconds a rank may keep the others waiting; then all end"
    )
