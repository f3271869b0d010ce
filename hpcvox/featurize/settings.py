"""Settings of ``hpcvox featurize``."""

from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from hpcvox.config import Settings

FIXED = ("grid", "voxels", "dtype", "cell", "cubic_only", "max_sites", "entries_per_shard")
"""The settings that decide a shard's bytes, given its entries; stored in every shard."""


class FeaturizeSettings(Settings):
    """Where crystals come from and what becomes of them."""

    source: Path = Field(
        Path("runs/database/crystals.csv"),
        description="a folder or archive of CIFs and POSCARs, one of them, a CSV or Parquet table with a column of "
        "CIFs, extended XYZ, JSON of pymatgen structures, or a database of ASE",
    )
    out: Path = Field(Path("runs/shards"), description="folder of the shard set")
    grid: Literal["periodic", "padded"] = Field(
        "periodic", description="the exact periodic cell, or the authors' box of -a/4 to 5a/4 without images"
    )
    voxels: int = Field(32, ge=8, le=128, multiple_of=8, description="voxels along each edge of the grid")
    dtype: Literal["float16", "float32"] = Field("float16", description="of the density on disk")
    cell: Literal["conventional", "as-given"] = Field(
        "conventional", description="bring a cell that is not cubic to its conventional cell first, or do not"
    )
    cubic_only: bool = Field(True, description="reject cells that are not cubic (orthogonal ones otherwise)")
    max_sites: int = Field(40, ge=1, le=10_000, description="reject cells with more atoms")
    entries_per_shard: int = Field(256, ge=1, le=100_000, description="inputs that share one HDF5 file")
    actors: int = Field(0, ge=0, description="processes that work in parallel; 0: one a CPU")
    id_column: str = Field("auto", description="column or field of identifiers; auto: the first likely one")
    cif_column: str = Field("cif", description="column of CIF texts")
    targets: list[str] | None = Field(
        None, description="columns or fields of numbers to keep with the samples; null: all"
    )

    def fixed(self) -> dict[str, Any]:
        """The settings that decide a shard's bytes, given its entries."""
        return self.model_dump(mode="json", include=set(FIXED))
