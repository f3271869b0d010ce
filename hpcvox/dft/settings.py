"""Settings of the job ``dft``."""

from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from hpcvox.calculators.gpaw import GpawSettings
from hpcvox.config import Settings

FREE = ("source", "out", "actors", "timeout_s", "max_sites", "id_column", "cif_column")
"""The settings that do not decide a crystal's field."""


class _Places(Settings):
    """What is listed before the settings of the field."""

    source: Path = Field(
        Path("runs/database/crystals.csv"), description="crystals: whatever hpcvox featurize reads as source"
    )
    out: Path = Field(Path("runs/dft"), description="folder to write; a run that stopped goes on there")


class DftSettings(GpawSettings, _Places):
    """What ``hpcvox dft`` is told."""

    cell: Literal["primitive", "as-given"] = Field(
        "primitive", description="compute the reduced primitive cell, or the cell of the source"
    )
    voxels: int = Field(
        32,
        ge=8,
        le=256,
        multiple_of=2,
        description="points of the field along each edge; long edges get more",
    )
    sigma: float = Field(0.2, ge=0.1, le=1, description="Å; the density is smoothed by a Gaussian this wide")
    max_sites: int = Field(30, ge=1, le=10_000, description="reject cells with more atoms")
    timeout_s: float = Field(3600.0, gt=0, description="reject crystals that take longer, in seconds")
    actors: int = Field(0, ge=0, description="crystals in work at a time, one CPU each; 0: one a CPU")
    id_column: str = Field("auto", description="column or field of identifiers; auto: the first likely one")
    cif_column: str = Field("cif", description="column of CIF texts")

    def fixed(self) -> dict[str, Any]:
        """The settings that decide a crystal's field."""
        return self.model_dump(mode="json", exclude=set(FREE))
